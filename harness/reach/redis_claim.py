"""A claim held by a cache: a key with a time to live, renewed while its holder lives."""

from __future__ import annotations

from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.claim import PACE, Claim, Pace, read_claim
from harness.reach.redis_session import NoRight, RedisSession, open_session
from harness.reach.wait import Wait

KEY = "gameday:claim"
NAME = "gameday-claim"
RIGHTS = f"~{KEY} +set +get +pttl +pexpire +del +watch +unwatch +multi +exec"
_LOOK_S = 0.25
_RENEWED_MS = 20  # by so much at least: left alone, the time to live only shrinks
_MARGIN_S = 2.0


class RedisClaim:
    """One claim, on a connection of its own. Not for several threads at once."""

    def __init__(self, url: str, allow: AllowList, claim: Claim, *, timeout_s: float, pace: Pace = PACE) -> None:
        self._url = url
        self._allow = allow
        self._claim = claim
        self._timeout_s = timeout_s
        self._lease_s = pace.lease_s
        self._session: RedisSession | None = None
        self._sure_until = 0.0  # on the boot clock: until then the key can't have run out

    def take(self, wait: Wait) -> Claim | None:
        """None once it is ours, else who holds it. A holder that doesn't renew it has died: its lease is waited
        for. Raises ReachFailed."""
        patience, last_ms = Deadline.after(self._lease_s + _MARGIN_S), 0
        while True:
            begun = boot_s()
            if self._ask("SET", KEY, self._claim.text, "NX", "PX", round(self._lease_s * 1000)) == "OK":
                self._sure_until = begun + self._lease_s
                return None
            there, left_ms = self._ask("GET", KEY), self._ask("PTTL", KEY)
            if not isinstance(there, str) or not isinstance(left_ms, int):
                continue
            if there == self._claim.text:
                return None
            renewed = last_ms and left_ms > last_ms + _RENEWED_MS
            if left_ms < 0 or renewed or patience.passed or not wait(_LOOK_S):
                return read_claim(there)
            last_ms = left_ms

    def renew(self) -> Claim | None:
        """None while it is ours, else who holds it now; one that has run out is taken again. Raises ReachFailed: it may
        be ours or nobody's then."""
        begun = boot_s()
        if self._ask("PEXPIRE", KEY, round(self._lease_s * 1000)) == 1 and (
            begun < self._sure_until or self._is_ours()
        ):
            self._sure_until = begun + self._lease_s
            return None
        return self.take(lambda _: False)

    def release(self) -> None:
        """Take the key away, if it is ours; never raises: it runs out by itself."""
        session, self._session = self._session, None
        if session is None:
            return
        try:
            delete_if(session, self._claim, self._timeout_s)
        except ReachFailed:
            return
        finally:
            session.close()

    def _is_ours(self) -> bool:
        return self._ask("GET", KEY) == self._claim.text

    def _ask(self, *words: str | int) -> object:
        if self._session is None:
            self._session = open_session(self._url, allow=self._allow, timeout_s=self._timeout_s)
            self._name(self._session)
        try:
            return self._session.ask(*words, timeout_s=self._timeout_s)
        except NoRight as error:
            raise NoRight(error.what, where=error.where, mend=f"ACL SETUSER name {RIGHTS}") from error
        except ReachFailed:
            self._session.close()
            self._session = None
            raise

    def _name(self, session: RedisSession) -> None:
        """Whoever looks at CLIENT LIST sees whose it is; a user without the right goes on without a name."""
        try:
            session.ask("CLIENT", "SETNAME", NAME, timeout_s=self._timeout_s)
        except ReachFailed:
            return


def holder(url: str, allow: AllowList, wait: Wait, *, timeout_s: float, pace: Pace = PACE) -> tuple[Claim, bool] | None:
    """Who holds the claim of a cache, and whether that one still renews it; None: nobody. Raises ReachFailed."""
    session = open_session(url, allow=allow, timeout_s=timeout_s)
    try:
        there, last_ms = session.ask("GET", KEY, timeout_s=timeout_s), 0
        patience = Deadline.after(2 * pace.beat_s)
        while isinstance(there, str):
            left_ms = session.ask("PTTL", KEY, timeout_s=timeout_s)
            left_ms = left_ms if isinstance(left_ms, int) else 0
            if last_ms and left_ms > last_ms + _RENEWED_MS:
                return read_claim(there), True
            if patience.passed or not wait(_LOOK_S):
                return read_claim(there), False
            last_ms = left_ms
            there = session.ask("GET", KEY, timeout_s=timeout_s)
    finally:
        session.close()
    return None


def delete_if(session: RedisSession, claim: Claim, timeout_s: float) -> bool:
    """Take the key away, if `claim` is what it holds. Raises ReachFailed."""
    session.ask("WATCH", KEY, timeout_s=timeout_s)
    if session.ask("GET", KEY, timeout_s=timeout_s) != claim.text:
        session.ask("UNWATCH", timeout_s=timeout_s)
        return False
    session.ask("MULTI", timeout_s=timeout_s)
    session.ask("DEL", KEY, timeout_s=timeout_s)
    return session.ask("EXEC", timeout_s=timeout_s) is not None
