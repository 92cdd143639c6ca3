"""The watched processes of a host: their readings, and their deaths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.journal.record import CrashSeen
from harness.monitor.process_census import Group, Process, Who, levels, rates, take
from harness.monitor.process_command import MOST_PROCESSES, look_at


class ProcessWatch:
    """Readings and crashes of the processes of one host, each watched under a name by a pattern.

    What counts as a death is a *root*: a watched process whose parent is not watched, such as a prefork master, that
    was there at the first look or has taken the place of one that was. When it is gone it has `exited`; when another
    has taken its place it has `restarted`. Workers that come and go below a living master are its own business (they
    are recycled all the time; a log tells of those that crash), and so is what comes and goes beside it, such as a
    command that somebody typed.
    """

    def __init__(self, host: str, patterns: Mapping[str, str]) -> None:
        self._host = host
        self._patterns = patterns
        self._before: dict[str, Group] = {}
        self._posts: dict[str, set[Who]] = {}
        self._vacant: dict[str, int] = {}
        self._crashes: list[CrashSeen] = []

    @property
    def command(self) -> str:
        """What the host must be asked; "" where nothing is watched."""
        return look_at(self._patterns) if self._patterns else ""

    def read(
        self, lines: Iterable[str], uptime_s: float, elapsed_s: float, host_ticks: float
    ) -> dict[str, dict[str, float]]:
        """The readings by source, "app-1.crowdfund". `elapsed_s` and `host_ticks` (of CPU time, all processors) since
        the last call; 0 at the first and after the host's restart. {} where the host could not be looked at."""
        groups = take(lines, tuple(self._patterns))
        if groups is None:
            return {}
        found = {}
        # where not all were looked at, one that is missing may well live
        all_seen = sum(map(len, groups.values())) < MOST_PROCESSES
        for name, group in groups.items():
            before = self._before.get(name)
            if all_seen:
                self._look_for_deaths(name, group)
            done = rates(before, group, elapsed_s, host_ticks) if before and group and elapsed_s > 0 else {}
            found[f"{self._host}.{name}"] = levels(group, uptime_s) | done
        self._before = groups
        return found

    def new_crashes(self) -> tuple[CrashSeen, ...]:
        """Those seen since the last call."""
        crashes, self._crashes = tuple(self._crashes), []
        return crashes

    def _look_for_deaths(self, name: str, group: Group) -> None:
        roots, posts = _roots(group), self._posts.setdefault(name, set())
        if not posts:
            posts |= roots
            self._vacant[name] = 0
            return
        fresh = sorted(roots - posts - _roots(self._before.get(name, {})))
        for who in sorted(posts - roots):
            posts.discard(who)
            successor = fresh.pop(0) if fresh else None
            if successor is not None:
                posts.add(successor)
            else:
                self._vacant[name] += 1
            self._tell(name, who, successor, left=len(group))
        while self._vacant[name] and fresh:
            posts.add(fresh.pop(0))
            self._vacant[name] -= 1

    def _tell(self, name: str, who: Who, successor: Who | None, *, left: int) -> None:
        source = f"{self._host}.{name}"
        if successor is not None:
            text = f"{source}: process {who[0]} is gone, {successor[0]} was started in its place"
        else:
            others = f"{left} others of it are left" if left else "none of it is left"
            text = f"{source}: process {who[0]} is gone, {others}"
        what = "exited" if successor is None else "restarted"
        self._crashes.append(CrashSeen.model_validate({"source": source, "what": what, "text": text}))


def _roots(group: Group) -> set[Who]:
    pids = {pid for pid, _ in group}

    def is_root(process: Process) -> bool:
        return process.by_itself and process.parent not in pids

    return {who for who, process in group.items() if is_root(process)}
