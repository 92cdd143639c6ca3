"""Crashes of a container, told from what its engine says: pure, without an engine.

A crash is an end that nobody asked for (with an exit code other than 0, or of a container that its restart policy
starts again), and a process killed for lack of memory. `docker stop`, `kill`, `restart`, `rm` and what Compose does
with them are asked for: the engine notes the signal that it sends. A process that ends itself with 0 has done its work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from signal import Signals

from harness.journal.record import CrashSeen
from harness.reach.container_facts import ContainerEvent, ContainerState

_HARMLESS_SIGNALS = {"1", "10", "12", "28", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH"}
_STOPPED = (0, 143)  # ended by itself, or by SIGTERM


@dataclass(frozen=True, slots=True)
class Death:
    """A container that ended. `at` is on the engine's clock; `asked`: a person had the engine end it."""

    at: datetime | None
    exit_code: int
    oom: bool
    asked: bool


@dataclass(slots=True)
class Coroner:
    """Follows the events of one container, in order."""

    _asked: bool = False
    _oom_at: datetime | None = None
    _oom_waits: bool = False

    def deaths(self, events: Sequence[ContainerEvent]) -> list[Death]:
        """The deaths among the events that came since the last call."""
        found: list[Death] = []
        for event in events:
            if event.action == "kill" and event.signal not in _HARMLESS_SIGNALS:
                self._asked = True
            elif event.action == "oom":
                self._oom_at = self._oom_at or event.at
            elif event.action == "start":
                self._asked, self._oom_at, self._oom_waits = False, None, False
            elif event.action == "die":
                found.append(Death(event.at, event.exit_code or 0, self._oom_at is not None, self._asked))
                self._oom_at, self._oom_waits = None, False
        return found

    def survived_oom(self) -> datetime | None:
        """When a process in the container was killed for lack of memory and the container went on; told once, a call
        later, since its death may still be on the way."""
        if self._oom_at is None or not self._oom_waits:
            self._oom_waits = self._oom_at is not None
            return None
        at, self._oom_at, self._oom_waits = self._oom_at, None, False
        return at


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
