"""A claim held by somebody's own Toxiproxy: a disabled proxy that nothing goes through, with the holder and a counter
as its upstream.

Made by one POST, which the server refuses when it is there already; renewed by counting on. The server has no leases:
whoever wants a claim that stands still for long enough, as watched by its own clock, takes it over, and reads it
again after a while to see who was last.
"""

from __future__ import annotations

import re

from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.claim import PACE, Claim, Pace, read_claim
from harness.reach.toxiproxy import ToxiproxyApi, ToxiproxyGone, ToxiproxyRejected
from harness.reach.wait import Wait

NAME = "gameday-claim"
LISTEN = "127.0.0.1:0"
_LOOK_S = 0.25
_BEAT = re.compile(r" beat:\d+$")
_ATTEMPTS = 3


class ToxiproxyClaim:
    """One claim. Not for several threads at once."""

    def __init__(self, api: ToxiproxyApi, claim: Claim, pace: Pace = PACE) -> None:
        self._api = api
        self._pace = pace
        self._claim = claim
        self._beat = 0
        self._held = False

    def take(self, wait: Wait) -> Claim | None:
        """None once it is ours, else who holds it. Raises ReachFailed."""
        for _ in range(_ATTEMPTS):
            there = self._created()
            if there and (other := self._take_over(there, wait)) is not None:
                return other
            if self._held:
                return None
        raise ReachFailed(f"the proxy {NAME} comes and goes: it could not be taken", where=self._api.url)

    def renew(self) -> Claim | None:
        """None while it is ours, else who holds it now; one that is gone (a restarted server) is made again. Raises
        ReachFailed: it may be ours or nobody's then."""
        there = upstream(self._api)
        if there and not self._is_ours(there):
            self._held = False
            return read_claim(there)
        if there:
            self._write()
            return None
        self._held = False
        return self.take(lambda _: False)

    def release(self) -> None:
        """Take the proxy away, if it is ours. Raises ReachFailed."""
        if self._held:
            self._held = False
            delete_if(self._api, self._claim)

    def _created(self) -> str:
        """ "" once it is ours, else what is there."""
        text = self._text()
        try:
            self._api.create_proxy(NAME, LISTEN, text, enabled=False)
        except (ToxiproxyGone, ToxiproxyRejected):
            raise
        except ReachTimeout:
            # it may have been made all the same
            if upstream(self._api) != text:
                raise
        except ReachFailed:
            there = upstream(self._api)
            if there is None or not self._is_ours(there):
                return there or ""
        self._held = True
        return ""

    def _take_over(self, there: str, wait: Wait) -> Claim | None:
        """Watch it; take it when nobody counts on. None: ours, or gone meanwhile."""
        still = there
        stale = Deadline.after(self._pace.stale_s)
        while not stale.passed:
            if not wait(_LOOK_S):
                return read_claim(there)
            now = upstream(self._api)
            if now is None:
                return None
            if now != still:
                return read_claim(now)
        if upstream(self._api) != still:
            return read_claim(still)
        self._write()
        wait(self._pace.settle_s)
        now = upstream(self._api)
        if now is not None and not self._is_ours(now):
            self._held = False
            return read_claim(now)
        return None

    def _write(self) -> None:
        self._beat += 1
        self._api.set_upstream(NAME, self._text(), enabled=False)
        self._held = True

    def _is_ours(self, there: str) -> bool:
        return _BEAT.sub("", there) == self._claim.text

    def _text(self) -> str:
        return f"{self._claim.text} beat:{self._beat}"


def upstream(api: ToxiproxyApi) -> str | None:
    """What the claim of a server says; None: there is none. Raises ReachFailed."""
    try:
        return api.proxy(NAME).upstream
    except ToxiproxyRejected as error:
        if error.status != 404:
            raise
        return None


def holder(api: ToxiproxyApi, wait: Wait, pace: Pace = PACE) -> tuple[Claim, bool] | None:
    """Who holds the claim of a server, and whether that one still counts on; None: nobody. Raises ReachFailed."""
    there, patience = upstream(api), Deadline.after(2 * pace.beat_s)
    while there is not None:
        if patience.passed or not wait(_LOOK_S):
            return read_claim(there), False
        now = upstream(api)
        if now is not None and now != there:
            return read_claim(now), True
        there = now
    return None


def delete_if(api: ToxiproxyApi, claim: Claim) -> bool:
    """Take the proxy away, if it is the claim's; False when it isn't. Raises ReachFailed."""
    there = upstream(api)
    if there is None or _BEAT.sub("", there) != claim.text:
        return False
    return api.delete_proxy(NAME)
