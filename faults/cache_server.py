"""A cache's server as its faults see it: a way in for us, the way that the platform goes, and what INFO says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faults.probe import Probe, RedisProbe, Sample
from harness.errors import ReachFailed
from harness.reach import redis as redis_door
from harness.reach.allow_list import AllowList
from harness.reach.redis_session import Answer, NoRight, RedisSession, Rejected, open_session, session_maker

CALL_S = 2.0
PROBE_KEY = "gameday:probe"
"""A key that nobody has: taking it away is a write that changes nothing."""
Commands = Literal["all", "write"]


@dataclass(frozen=True, slots=True)
class CacheServer:
    """`reference` is the URL as the target file writes it, `folder` what its file references are relative to: the undo
    record holds these and no secret. `via`: the proxy that the platform goes through, None where it goes directly."""

    cache: str
    url: str = field(repr=False)
    reference: str
    folder: Path
    allow: AllowList = field(repr=False)
    via: tuple[str, int] | None = None

    @property
    def source(self) -> str:
        """The source of the readings of its clients."""
        return f"cache.{self.cache}"

    @property
    def platform_address(self) -> tuple[str, int]:
        """Where the platform connects to."""
        return self.via or redis_door.address_of(self.url)

    def session(self, name: str = "", timeout_s: float = CALL_S) -> RedisSession:
        """A session of our own, past any proxy. Raises ReachFailed (NoRight, Rejected)."""
        return open_session(self.url, allow=self.allow, timeout_s=timeout_s, name=name)

    def many(self, name: str) -> Callable[[], RedisSession]:
        """Opens one more session of that name with each call. Raises ReachFailed."""
        return session_maker(self.url, allow=self.allow, timeout_s=CALL_S, name=name)

    def platform_session(self, name: str) -> RedisSession:
        """A session as the platform gets one. Raises ReachFailed (Rejected: the server is full)."""
        return open_session(self.url, allow=self.allow, via=self.via, timeout_s=CALL_S, name=name)

    def probe(self, commands: Commands = "all") -> Probe:
        """What measures it through the data path that the platform uses: a PING, or a write that changes nothing."""
        kind = RedisProbe if commands == "all" else WriteProbe
        return kind(self.url, allow=self.allow, via=self.platform_address)


class WriteProbe(RedisProbe):
    """Takes away a key that nobody has, over a connection that is kept."""

    def __init__(self, url: str, *, allow: AllowList, via: tuple[str, int]) -> None:
        super().__init__(url, allow=allow, via=via)
        self.what = f"UNLINK {PROBE_KEY} through {via[0]}:{via[1]}"

    def measure(self, timeout_s: float) -> Sample:
        return self._sample(lambda client: redis_door.unlink_ms(client, PROBE_KEY), timeout_s)


@dataclass(frozen=True, slots=True)
class PauseState:
    """Whether the server says that clients are paused, and for how much longer at most. `known` False: this server
    doesn't tell (INFO has no paused_reason)."""

    known: bool
    paused: bool = False
    left_ms: int = 0


def pause_state(session: RedisSession, timeout_s: float = CALL_S) -> PauseState:
    """What INFO says of a CLIENT PAUSE; another reason (a failover under way) is none. Raises ReachFailed."""
    told = info(session, "clients", timeout_s)
    if "paused_reason" not in told:
        return PauseState(known=False)
    paused = told["paused_reason"] == "client_pause"
    return PauseState(known=True, paused=paused, left_ms=number(told, "paused_timeout_milliseconds") if paused else 0)


def info(session: RedisSession, section: str, timeout_s: float = CALL_S) -> dict[str, str]:
    """A section of INFO, as text by name. Raises ReachFailed."""
    answer = session.ask("INFO", section, timeout_s=timeout_s)
    lines = answer.splitlines() if isinstance(answer, str) else []
    return dict(line.split(":", 1) for line in lines if ":" in line)


def number(told: dict[str, str], name: str) -> int:
    """A whole number of INFO; 0 where it has none."""
    text = told.get(name, "").strip()
    return int(text) if text.lstrip("-").isdigit() else 0


def setting(session: RedisSession, name: str) -> int | None:
    """A number of the server's configuration; None where we may not ask, or there is no such number."""
    try:
        answer: Answer = session.ask("CONFIG", "GET", name, timeout_s=CALL_S)
    except (NoRight, Rejected):
        return None
    value = str(answer[1]) if isinstance(answer, list) and len(answer) == 2 else ""
    return int(value) if value.isdigit() else None


def may(session: RedisSession, *words: str) -> bool:
    """Whether our user may send a command, found out by sending it with an argument that the server refuses: a user
    without the right hears of that first. Raises ReachFailed."""
    try:
        session.ask(*words, timeout_s=CALL_S)
    except NoRight:
        return False
    except Rejected:
        return True
    return True


def version(session: RedisSession) -> tuple[int, int]:
    """The version of Redis that it is, or is compatible with. Raises ReachFailed."""
    parts = info(session, "server").get("redis_version", "").split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        raise ReachFailed("the server tells no version", mend="is it Redis or Valkey?")
    return int(parts[0]), int(parts[1])
