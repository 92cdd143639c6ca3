"""Crashes of a container, told from what its engine says: pure, without an engine.

A crash is an end that nobody asked for (with an exit code other than 0, or of a container that its restart policy
starts again), and a process killed for lack of memory. `docker stop`, `kill`, `restart`, `rm` and what Compose does
with them are asked for: the engine notes the signal that it sends. A process that ends itself with 0 has done its work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from signal import Signals

from harness.journal.record import CrashSeen
from harness.reach.container_facts import ContainerEvent, ContainerState

_HARMLESS_SIGNALS = {"1", "10", "12", "28", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH"}
_STOPPED = (0, 143)  # ended by itself, or by SIGTERM
_SIGKILLED = 137
GOES_ON_S = 5.0
_SAME = timedelta(seconds=5)
_LATE = timedelta(seconds=30)
_SAME_LOOK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Death:
    """A container that ended. `at` is on the engine's clock; `asked`: a person had the engine end it."""

    at: datetime | None
    exit_code: int
    oom: bool
    asked: bool


@dataclass(slots=True)
class Coroner:
    """Follows the events of one container, in order, and tells each death once.

    An engine says that a process was killed for lack of memory (`oom`) and that the container ended (`die`) at two
    moments, in either order, and a slow one may take seconds from the one to the other. So an end by SIGKILL that
    nobody asked for is held until the next call, for its `oom`; and an `oom` waits `GOES_ON_S` for its end.
    """

    holds: bool = False  # a death is held back
    _asked: bool = False
    _oom_at: datetime | None = None  # one that belongs to no death yet
    _oom_seen_s: float = 0.0
    _held: Death | None = None
    _ended: Death | None = None  # the last end by SIGKILL: an `oom` that comes after it may be its own
    _went_on_at: datetime | None = None  # the last `oom` that was told as survived
    _looked_at: datetime | None = None

    def deaths(self, events: Sequence[ContainerEvent], now_s: float = 0.0) -> list[Death]:
        """The deaths among the events that came since the last call, at `now_s` of a clock that goes on steadily."""
        found: list[Death] = []
        waited = self._held
        for event in events:
            if event.action == "kill" and event.signal not in _HARMLESS_SIGNALS:
                self._asked = True
            elif event.action == "oom":
                self._take_oom(event.at, found, now_s)
            elif event.action == "start":
                self._begin()
            elif event.action == "die":
                self._let_go(found)
                self._take_death(Death(event.at, event.exit_code or 0, self._oom_at is not None, self._asked), found)
        if waited is not None and self._held is waited:
            self._let_go(found)
        self.holds = self._held is not None
        return found

    def survived_oom(self, now_s: float, *, runs: bool) -> datetime | None:
        """When a process in the container was killed for lack of memory and the container went on; told once, where it
        still runs so long after that its end would be known."""
        if self._oom_at is None or not runs or now_s - self._oom_seen_s < GOES_ON_S:
            return None
        self._went_on_at, self._oom_at = self._oom_at, None
        return self._went_on_at

    @property
    def waits(self) -> bool:
        """Whether an `oom` is open, so that a fresh look at the container is wanted."""
        return self._oom_at is not None

    def was_seen(self, death: Death) -> None:
        """A death was told without events; its event, should it still come, is the same death."""
        self._looked_at = death.at

    def _begin(self) -> None:
        """It was started: what comes from now on is of another life, but for an `oom` that is still owed."""
        self._asked, self._oom_at = False, None
        if self._ended is not None and self._ended.oom:
            self._ended = None

    def _take_oom(self, at: datetime, found: list[Death], now_s: float) -> None:
        if self._held is not None and _soon_after(at, self._held.at, _SAME):
            self._held = replace(self._held, oom=True)
            self._let_go(found)
        elif self._ended is not None and _soon_after(at, self._ended.at, _SAME):
            self._ended = self._ended if self._ended.oom else None  # of a death that was told already
        elif self._oom_at is None:
            self._oom_at, self._oom_seen_s = at, now_s

    def _take_death(self, death: Death, found: list[Death]) -> None:
        self._oom_at = None
        looked_at, self._looked_at = self._looked_at, None
        unexplained = death.exit_code == _SIGKILLED and not death.asked and not death.oom
        if death.at is not None and looked_at is not None and abs(death.at - looked_at) < _SAME_LOOK:
            self._ended = death  # told already, by a look
        elif unexplained and _soon_after(death.at, self._went_on_at, _LATE):
            self._went_on_at, self._ended = None, death  # told already, as if the container had gone on
        elif unexplained:
            self._held = death
        else:
            self._ended = death if death.oom else None
            found.append(death)

    def _let_go(self, found: list[Death]) -> None:
        if self._held is not None:
            found.append(self._held)
            self._ended, self._held = self._held, None


def _soon_after(at: datetime | None, before: datetime | None, within: timedelta) -> bool:
    return at is not None and before is not None and at - before < within


def deaths_between(before: ContainerState | None, now: ContainerState | None) -> list[Death]:
    """Without events: what two looks at a container tell. A stop by hand can't be told from an end by SIGTERM."""
    if before is None or now is None or before.id != now.id:
        return []
    by_policy = now.restart_count > before.restart_count
    ended = before.running and not now.running and now.status in ("exited", "dead", "restarting")
    if not by_policy and not ended:
        return []
    asked = not by_policy and not now.oom_killed and now.exit_code in _STOPPED
    return [Death(now.finished_at, now.exit_code, now.oom_killed, asked)]


def crash_of(short: str, death: Death, before: ContainerState | None, now: ContainerState | None) -> CrashSeen | None:
    """The crash that a death is, if it is one. `before` and `now`: the container as it was last seen, and as it is."""
    again = _started_again(death, before, now)
    if not death.oom and (death.asked or (death.exit_code == 0 and not again)):
        return None
    how = f"was killed for lack of memory{_limit(now or before)}" if death.oom else _ended(death.exit_code)
    after = ", and its restart policy starts it again" if again else ""
    return CrashSeen(
        source=f"container.{short}",
        what="oom-killed" if death.oom else "restarted" if again else "exited",
        text=f"the container {short} {how}{after}",
        exit_code=death.exit_code,
    )


def survived(short: str, now: ContainerState | None) -> CrashSeen:
    """The crash of a process in a container that goes on."""
    text = f"a process in the container {short} was killed for lack of memory{_limit(now)}; the container goes on"
    return CrashSeen(source=f"container.{short}", what="oom-killed", text=text)


def _started_again(death: Death, before: ContainerState | None, now: ContainerState | None) -> bool:
    if death.asked or now is None:
        return False
    count = before.restart_count if before is not None and before.id == now.id else 0
    if death.at is not None and now.started_at is not None and now.started_at < death.at:
        return now.status == "restarting"
    return now.restart_count > count or now.status == "restarting"


def _ended(exit_code: int) -> str:
    try:
        return f"was ended by {Signals(exit_code - 128).name} (exit code {exit_code})"
    except ValueError:
        return f"ended by itself with exit code {exit_code}"


def _limit(state: ContainerState | None) -> str:
    limit = state.memory_limit_bytes if state is not None else None
    return f" (its limit is {limit / 2**20:.0f} MiB)" if limit else ""
