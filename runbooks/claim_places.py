"""The places of a target that can hold a claim: each database, each cache, and somebody's own Toxiproxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from faults.cache_undo import in_pieces
from faults.claim_healing import CacheClaimUndo, Holder, ToxiproxyClaimUndo
from faults.undo import Undo
from harness.reach import postgres_claim, redis_claim, toxiproxy_claim
from harness.reach.allow_list import AllowList
from harness.reach.claim import PACE, Claim, Pace
from harness.reach.postgres_claim import PostgresClaim
from harness.reach.redis_claim import RedisClaim
from harness.reach.toxiproxy import ToxiproxyApi
from harness.reach.toxiproxy_claim import ToxiproxyClaim
from harness.reach.wait import Wait
from runbooks.target import Cache, Database, Target

CALL_S = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A claim as it was found. `alive` False: nobody renewed it while it was looked at."""

    claim: Claim
    alive: bool


class ClaimPlace(Protocol):
    """One place. Every method raises ReachFailed where it can't be asked, in bounded time, and `mend` of it says what
    right is missing."""

    @property
    def name(self) -> str:
        """As it reads aloud: "database main"."""

    def undo(self, claim: Claim) -> Undo | None:
        """What releases it when we can't; None: its server does by itself."""

    def take(self, claim: Claim, wait: Wait) -> Claim | None:
        """None once it is held, else who holds it."""

    def renew(self) -> Claim | None:
        """None while it is held, else who holds it now."""

    def release(self) -> None: ...

    def seen(self, wait: Wait) -> Seen | None:
        """Who holds it now; None: nobody. Takes nothing."""


class _DatabasePlace:
    def __init__(self, database: Database, allow: AllowList, pace: Pace) -> None:
        self.name = f"database {database.name}"
        self._dsn, self._allow, self._pace = database.dsn.value, allow, pace
        self._held: PostgresClaim | None = None

    def undo(self, claim: Claim) -> None:  # noqa: ARG002 - the session's end is the release
        return None

    def take(self, claim: Claim, wait: Wait) -> Claim | None:
        self._held = PostgresClaim(self._dsn, self._allow, claim, timeout_s=CALL_S, pace=self._pace)
        return self._held.take(wait)

    def renew(self) -> Claim | None:
        assert self._held is not None
        return self._held.renew()

    def release(self) -> None:
        if self._held is not None:
            self._held.release()

    def seen(self, wait: Wait) -> Seen | None:  # noqa: ARG002 - its server tells at once
        claim = postgres_claim.holder(self._dsn, self._allow, timeout_s=CALL_S)
        return Seen(claim, alive=True) if claim is not None else None


class _CachePlace:
    def __init__(self, target: Target, cache: Cache, allow: AllowList, pace: Pace) -> None:
        self.name = f"cache {cache.name}"
        self._cache, self._allow, self._pace = cache, allow, pace
        self._folder = str(target.path.parent.absolute())
        self._held: RedisClaim | None = None

    def undo(self, claim: Claim) -> Undo:
        return CacheClaimUndo(
            fault_id=f"claim at {self.name}",
            cache=self._cache.name,
            url=in_pieces(self._cache.url.reference),
            folder=self._folder,
            marker=redis_claim.NAME,
            holder=Holder.of(claim),
        )

    def take(self, claim: Claim, wait: Wait) -> Claim | None:
        url = self._cache.url.value
        self._held = RedisClaim(url, self._allow, claim, timeout_s=CALL_S, pace=self._pace)
        return self._held.take(wait)

    def renew(self) -> Claim | None:
        assert self._held is not None
        return self._held.renew()

    def release(self) -> None:
        if self._held is not None:
            self._held.release()

    def seen(self, wait: Wait) -> Seen | None:
        found = redis_claim.holder(self._cache.url.value, self._allow, wait, timeout_s=CALL_S, pace=self._pace)
        return Seen(*found) if found is not None else None


class _ToxiproxyPlace:
    name = "toxiproxy"

    def __init__(self, url: str, allow: AllowList, pace: Pace) -> None:
        self._url, self._allow, self._pace = url, allow, pace
        self._api: ToxiproxyApi | None = None
        self._held: ToxiproxyClaim | None = None

    def undo(self, claim: Claim) -> Undo:
        api = self._door()
        return ToxiproxyClaimUndo(
            fault_id=f"claim at {self.name}", api_url=api.url, api_address=api.address, holder=Holder.of(claim)
        )

    def take(self, claim: Claim, wait: Wait) -> Claim | None:
        self._held = ToxiproxyClaim(self._door(), claim, self._pace)
        return self._held.take(wait)

    def renew(self) -> Claim | None:
        assert self._held is not None
        return self._held.renew()

    def release(self) -> None:
        if self._held is not None:
            self._held.release()

    def seen(self, wait: Wait) -> Seen | None:
        found = toxiproxy_claim.holder(self._door(), wait, self._pace)
        return Seen(*found) if found is not None else None

    def _door(self) -> ToxiproxyApi:
        # looking the name up may fail: where that is heard of
        self._api = self._api or ToxiproxyApi(self._url, self._allow, CALL_S)
        return self._api


def claim_places(target: Target, pace: Pace = PACE) -> Iterator[ClaimPlace]:
    """In the order in which every run takes them. A managed Toxiproxy is this machine's own: a lock file is enough."""
    allow = AllowList(target.allow)
    for name in sorted(target.databases):
        yield _DatabasePlace(target.databases[name], allow, pace)
    for name in sorted(target.caches):
        yield _CachePlace(target, target.caches[name], allow, pace)
    if target.toxiproxy is not None and not target.toxiproxy.managed:
        yield _ToxiproxyPlace(target.toxiproxy.url, allow, pace)
