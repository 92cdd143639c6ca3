"""A Toxiproxy that runs already: which proxies it has, and which of them leads to a server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.errors import BadInput, GamedayError
from harness.reach.allow_list import AllowList, split_address
from harness.reach.toxiproxy import DEFAULT_PORT, ToxiproxyApi
from harness.reach.toxiproxy_state import reachable_at, same_address
from runbooks.onboarding.platform import FoundProxy, Place

_LOOK_S = 2.0
_NAME = re.compile(r"(?!database\.|cache\.)[A-Za-z0-9_-][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class FoundToxiproxy:
    """A server that answers. `unusable` are names of proxies that a target can't have."""

    url: str
    proxies: tuple[FoundProxy, ...]
    unusable: tuple[str, ...] = ()

    def of(self, place: Place, inside: str, words: frozenset[str]) -> str:
        """The proxy that leads to a server, or "" when that is not clear.

        `inside`: "service:port", as its container is called beside the server's. `words`: names that say it.
        """
        tiers = (
            [p for p in self.proxies if same_address(p.upstream, str(place))],
            [p for p in self.proxies if inside and p.upstream == inside],
            [p for p in self.proxies if words & set(re.split(r"[^a-z]+", f"{p.name} {p.upstream}".lower()))],
        )
        return next((tier[0].name for tier in tiers if len(tier) == 1), "")

    def listening_at(self, place: Place) -> FoundProxy | None:
        """The proxy that is reached at `place`, if it is one rather than a server."""
        for proxy in self.proxies:
            host, port = reachable_at(proxy.listen, self.url)
            if same_address(str(Place(host, port)), str(place)):
                return proxy
        return None


def ask_toxiproxy(url: str) -> FoundToxiproxy:
    """The server at `url` with its proxies. Raises BadInput when none answers there."""
    try:
        api = ToxiproxyApi(url, AllowList([urlsplit(url).hostname or ""]), _LOOK_S)
        states = api.proxies()
    except GamedayError as error:
        mend = f"start it, or write --toxiproxy http://HOST:{DEFAULT_PORT} or --toxiproxy none"
        raise BadInput(f"no Toxiproxy answers there: {error.what}", where=url, mend=mend) from error
    sound = tuple(FoundProxy(s.name, s.listen, s.upstream) for s in states if _is_sound(s.name, s.listen, s.upstream))
    return FoundToxiproxy(url, sound, tuple(s.name for s in states if s.name not in {p.name for p in sound}))


def look_for_toxiproxy(urls: Iterable[str]) -> FoundToxiproxy | None:
    """The first of `urls` where one answers."""
    for url in dict.fromkeys(urls):
        try:
            return ask_toxiproxy(url)
        except BadInput:
            continue
    return None


def _is_sound(name: str, listen: str, upstream: str) -> bool:
    try:
        split_address(listen), split_address(upstream)
    except ValueError:
        return False
    return _NAME.fullmatch(name) is not None
