"""The rail "addresses": every address of the target lies inside its allow list, still."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from harness.clock import Deadline
from harness.errors import NotAllowed, ReachFailed
from harness.reach.allow_list import AllowList, split_address
from harness.reach.docker_engine import engine_address
from harness.reach.in_time import in_time
from harness.reach.ssh_route import Hop, SshRoute, check_behind_gateway
from runbooks.guard_rails.rail import Moment, Objection, Passed, Waived
from runbooks.parsing.address import read_dsn, read_redis
from runbooks.target import Target

_PORTS = {"http": 80, "https": 443}
_MOST_AT_ONCE = 16
_PART = 0.4
"""Of the time that is left, for a look-up: the list as the file has it is judged after the one with the additions."""


class InsideAllowList:
    """Looks every name up again, and remembers what it answered first: an allowed name that leads to another sort of
    address later is an objection. What has no address from here is left to the doors."""

    name = "addresses"
    opt_out = "--allow"

    def __init__(self, target: Target, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._allow = AllowList(target.allow)
        self._unknown: set[str] = set()  # had no answer from here: not asked again
        also = set(target.allow_also)
        self._own = AllowList(entry for entry in target.allow if entry not in also)

    def look(self, moment: Moment) -> Passed | Objection | Waived:
        target = moment.target
        outside = self._outside(target, self._allow, moment.deadline)
        if outside is not None:
            return Objection(f"{outside.where}: {outside.what}", outside.mend)
        waived = self._outside(target, self._own, moment.deadline) if target.allow_also else None
        if waived is not None:
            return Waived(f"{waived.where}: {waived.what}", " ".join(f"--allow {e}" for e in target.allow_also))
        return Passed(f"inside {', '.join(target.allow)}")

    def _outside(self, target: Target, allow: AllowList, deadline: Deadline) -> NotAllowed | None:
        """The first address that is outside; each is looked up at the same time as the others."""
        looks: list[tuple[str, Callable[[], object]]] = [
            (f"{host}:{port}", partial(allow.resolve, host, port)) for host, port in _places(target, self._environment)
        ]
        for hop, behind in _hops(target):
            resolve = partial(allow.resolve, hop.host, hop.port)
            looks.append((str(hop), partial(check_behind_gateway, allow, hop) if behind else resolve))
        left = [(where, judge) for where, judge in dict(looks).items() if where not in self._unknown]
        with ThreadPoolExecutor(_MOST_AT_ONCE, "addresses") as pool:
            found = list(pool.map(lambda look: self._judged(look[0], look[1], deadline), left))
        return next((error for error in found if error is not None), None)

    def _judged(self, where: str, judge: Callable[[], object], deadline: Deadline) -> NotAllowed | None:
        try:
            in_time(judge, timeout_s=deadline.left_s() * _PART, where=where)
        except NotAllowed as error:
            return error
        except ReachFailed:
            # a name that only the platform's own network knows, say: no door connects to it without judging it
            self._unknown.add(where)
        return None


def _places(target: Target, environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Everything that a run connects to, but for SSH hosts."""
    urls = [target.base_url, target.toxiproxy.url if target.toxiproxy is not None else "",
            target.alerting.alertmanager if target.alerting is not None else "",
            *(key.url for key in target.live_keys)]  # fmt: skip
    if target.containers is not None:
        urls.append(engine_address(target.containers.engine, environment))
    for url in urls:
        parts = urlsplit(url)
        if parts.hostname and parts.scheme != "unix":
            yield parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)
    for proxy in target.proxies.values():
        yield split_address(proxy.upstream)
    yield from _servers(target)


def _servers(target: Target) -> Iterator[tuple[str, int]]:
    for database in target.databases.values():
        for secret in (database.dsn, database.exhaust_dsn, database.platform_dsn):
            with contextlib.suppress(ValueError):  # what can't be read, the database's own door says
                if secret is not None:
                    address = read_dsn(secret.value)
                    yield address.host, address.port
    for cache in target.caches.values():
        with contextlib.suppress(ValueError):
            address = read_redis(cache.url.value)
            yield address.host, address.port


def _hops(target: Target) -> Iterator[tuple[Hop, bool]]:
    """The SSH servers on the way to each host, and whether one is reached through another."""
    for host in target.hosts.values():
        with contextlib.suppress(ReachFailed):  # the host's own door says what is wrong with its route
            hops = SshRoute(None, host.identity, host.known_hosts).hops(host.ssh)
            for number, hop in enumerate(hops):
                yield hop, number > 0 or bool(hop.proxy_command)
