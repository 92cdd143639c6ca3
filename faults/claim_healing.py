"""Lets go of the claims that a dead run still holds at its target, by their undo records alone, in any process.

A database needs none: its server lets go with the session.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from faults import curl
from faults.cache_undo import CacheUndo, url_of
from faults.fault import Healed
from faults.undo import Undo
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed
from harness.reach import redis_claim, toxiproxy_claim
from harness.reach.allow_list import AllowList
from harness.reach.claim import PACE, Claim
from harness.reach.redis_session import open_session
from harness.reach.toxiproxy import ToxiproxyApi, ToxiproxyGone

CALL_S = 1.5

_NOT_HELD = Healed("absent", "it had run out, or is another run's by now")


class Holder(BaseModel):
    """A claim as a record holds it."""

    model_config = ConfigDict(frozen=True)

    run: str
    by: str
    since: str
    token: str

    @classmethod
    def of(cls, claim: Claim) -> Holder:
        return cls(run=claim.run, by=claim.by, since=claim.since, token=claim.token)

    @property
    def claim(self) -> Claim:
        return Claim(self.run, self.by, self.since, self.token)


class CacheClaimUndo(CacheUndo):
    """Take away the key that holds the claim of a cache, if it is still this one's."""

    door: Literal["claim-cache"] = "claim-cache"
    holder: Holder


class ToxiproxyClaimUndo(Undo):
    """Take away the proxy that holds the claim of somebody's own Toxiproxy, if it is still this one's."""

    door: Literal["claim-toxiproxy"] = "claim-toxiproxy"
    api_url: str
    api_address: str
    holder: Holder


def release_cache(undo: CacheClaimUndo, deadline: Deadline, allow: AllowList) -> Healed:
    """Idempotent; never raises: what can't be taken away runs out by itself."""
    timeout_s = max(0.1, min(CALL_S, deadline.left_s()))
    try:
        session = open_session(url_of(undo), allow=allow, timeout_s=timeout_s)
        try:
            released = redis_claim.delete_if(session, undo.holder.claim, timeout_s)
        finally:
            session.close()
    except ReachFailed as error:
        return Healed("lease", f"it runs out by itself within {PACE.lease_s:g} s; it could not be taken away: {error}")
    return Healed("released") if released else _NOT_HELD


def release_toxiproxy(undo: ToxiproxyClaimUndo, deadline: Deadline, allow: AllowList) -> Healed:
    """Idempotent. Raises NotHealed."""
    timeout_s = max(0.1, min(CALL_S, deadline.left_s()))
    try:
        api = ToxiproxyApi(undo.api_url, allow, timeout_s, address=undo.api_address)
        released = toxiproxy_claim.delete_if(api, undo.holder.claim)
    except ToxiproxyGone:
        return Healed("gone", f"nothing listens at {undo.api_url} any more: the claim ended with that server")
    except ReachFailed as error:
        raise NotHealed(
            f"{undo.fault_id} could not be released: {error.what}; the next run takes it over after {PACE.stale_s:g} s",
            where=undo.api_url,
            mend=toxiproxy_command(undo),
        ) from error
    return Healed("released") if released else _NOT_HELD


def cache_command(undo: CacheClaimUndo) -> str:  # noqa: ARG001 - the signature of all doors
    """What a person types to take it away."""
    return f'redis-cli -u "$REDIS_URL" del {redis_claim.KEY}'


def toxiproxy_command(undo: ToxiproxyClaimUndo) -> str:
    """What a person types to take it away."""
    return curl.delete(undo.api_url, "proxies", toxiproxy_claim.NAME)
