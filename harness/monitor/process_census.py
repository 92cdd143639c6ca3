"""What the look at the watched processes of a host found, and what happened to them between two looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.clock import Deadline
from harness.monitor.process_command import look_at
from harness.reach.remote_command import CommandResult

TICKS_PER_S = 100  # USER_HZ, the same on every Linux that people have servers on
# no number is longer: sums and shares of them stay what a computer can count
_NUMBER = "[0-9]{1,19}"
_FILE = re.compile(rf"/proc/(?P<pid>{_NUMBER})/(?:task/(?P<thread>{_NUMBER})/)?(?P<file>\w+):(?P<text>.*)")
_MEMBER = re.compile(rf"(?P<kind>own|child) (?P<place>{_NUMBER}) (?P<pid>{_NUMBER})")
_OPEN_FILES = re.compile(rf"files (?P<pid>{_NUMBER}) (?P<count>{_NUMBER})")
_WAITS_FOR_DISK = "D"

Who = tuple[int, int]
"""A process for good: its pid and when it started, in ticks since the host's start."""


@dataclass(slots=True)
class Process:
    """One process. Bytes and ticks; None: not readable for us. `by_itself`: the pattern is on its own command line."""

    pid: int
    by_itself: bool = False
    parent: int = 0
    start_ticks: int = 0
    cpu_ticks: int = 0
    threads: int = 0
    open_files: int | None = None
    memory: dict[str, int] = field(default_factory=dict)  # RssAnon, RssFile, RssShmem, VmRSS
    done: dict[str, int] = field(default_factory=dict)  # read_bytes, write_bytes, wchar
    thread_ticks: dict[int, int] = field(default_factory=dict)
    thread_ran_ns: dict[int, int] = field(default_factory=dict)
    thread_waited_ns: dict[int, int] = field(default_factory=dict)
    waiting_for_disk: int = 0

    @property
    def who(self) -> Who:
        return self.pid, self.start_ticks


Group = Mapping[Who, Process]


def take(lines: Iterable[str], names: Sequence[str]) -> dict[str, Group] | None:
    """The processes by the name they are watched under; None where the host could not be looked at."""
    looked = False
    groups: dict[str, dict[int, bool]] = {name: {} for name in names}
    seen: dict[int, Process] = {}
    for line in lines:
        if line == "ok":
            looked = True
        elif found := _MEMBER.fullmatch(line):
            if int(found["place"]) < len(names):
                groups[names[int(found["place"])]][int(found["pid"])] = found["kind"] == "own"
        elif found := _OPEN_FILES.fullmatch(line):
            pid = int(found["pid"])
            seen.setdefault(pid, Process(pid)).open_files = int(found["count"])
        elif found := _FILE.fullmatch(line):
            pid_number = int(found["pid"])
            process = seen.setdefault(pid_number, Process(pid_number))
            _add(process, found["thread"], found["file"], found["text"])
    return {name: _group(members, seen) for name, members in groups.items()} if looked else None


def _group(members: Mapping[int, bool], seen: Mapping[int, Process]) -> Group:
    """One that ended while it was looked at has no start: it is left out."""
    group: dict[Who, Process] = {}
    for pid, by_itself in members.items():
        process = seen.get(pid)
        if process is not None and process.threads:
            process.by_itself = process.by_itself or by_itself
            group[process.who] = process
    return group


def _add(process: Process, thread: str | None, file: str, text: str) -> None:
    """One line of one file; one that is not as proc(5) says tells nothing."""
    try:
        if file == "stat":
            _add_stat(process, thread, text)
        elif file == "schedstat" and thread:
            ran, waited = text.split()[:2]
            process.thread_ran_ns[int(thread)] = int(ran)
            process.thread_waited_ns[int(thread)] = int(waited)
        elif file in ("status", "io"):
            key, _, value = text.partition(":")
            into = process.memory if file == "status" else process.done
            into[key] = int(value.split()[0]) * (1024 if file == "status" else 1)
    except (ValueError, IndexError):
        return


def _add_stat(process: Process, thread: str | None, text: str) -> None:
    # the name in parentheses may hold anything, parentheses too
    fields = text.rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    if thread:
        process.thread_ticks[int(thread)] = ticks
        process.waiting_for_disk += fields[0] == _WAITS_FOR_DISK
        return
    process.parent, process.cpu_ticks = int(fields[1]), ticks
    process.threads, process.start_ticks = int(fields[17]), int(fields[19])


def levels(group: Group, uptime_s: float) -> dict[str, float]:
    """What can be said of a group at one moment; of an empty one, that it is."""
    processes = list(group.values())
    values = {"processes": float(len(processes)), "threads": float(sum(p.threads for p in processes))}
    if not processes:
        return values
    values["memory_bytes"] = float(_memory(processes))
    values["oldest_age_s"] = round(max(0.0, uptime_s - min(p.start_ticks for p in processes) / TICKS_PER_S), 1)
    if any(p.thread_ticks for p in processes):
        values["io_waiting"] = float(sum(p.waiting_for_disk for p in processes))
    if all(p.open_files is not None for p in processes):
        values["open_files"] = float(sum(p.open_files or 0 for p in processes))
    return values


def _memory(processes: Sequence[Process]) -> int:
    """What each has for itself, and once what the largest shares: shared memory is not counted for every worker."""
    if not all("RssAnon" in p.memory for p in processes):
        return sum(p.memory.get("VmRSS", 0) for p in processes)
    shared = (p.memory.get("RssFile", 0) + p.memory.get("RssShmem", 0) for p in processes)
    return sum(p.memory["RssAnon"] for p in processes) + max(shared)


def rates(before: Group, now: Group, elapsed_s: float, host_ticks: float) -> dict[str, float]:
    """What the group did in `elapsed_s`, in which the host had `host_ticks` of CPU time on all its processors. Of a
    process that started meanwhile, all it did counts; of one that ended, nothing is known."""
    cpu = sum(p.cpu_ticks - (before[w].cpu_ticks if w in before else 0) for w, p in now.items())
    values = {"cpu": round(min(1.0, max(0.0, cpu / host_ticks)), 4)}
    busiest = max((_busiest(before.get(w), p) for w, p in now.items()), default=0.0)
    if any(p.thread_ticks for p in now.values()):
        values["busiest_thread"] = round(min(1.0, busiest / TICKS_PER_S / elapsed_s), 4)
    kept = [(before[w], p) for w, p in now.items() if w in before]
    ran = sum(_grown(b.thread_ran_ns, p.thread_ran_ns) for b, p in kept)
    waited = sum(_grown(b.thread_waited_ns, p.thread_waited_ns) for b, p in kept)
    if ran + waited > 0:
        values["cpu_wait"] = round(waited / (ran + waited), 4)
    for name, counter in (("read", "read_bytes"), ("write", "write_bytes"), ("output", "wchar")):
        if now and all(counter in p.done for p in now.values()):
            done = sum(max(0, p.done[counter] - b.done.get(counter, 0)) for b, p in kept)
            values[f"{name}_bytes_per_s"] = round(done / elapsed_s, 1)
    return values


def _busiest(before: Process | None, now: Process) -> float:
    earlier = before.thread_ticks if before is not None else {}
    # a thread that is new to us may have run long before: only what we saw beginning counts
    return max((t - earlier[k] for k, t in now.thread_ticks.items() if k in earlier), default=0.0)


def _grown(before: Mapping[int, int], now: Mapping[int, int]) -> int:
    return sum(max(0, value - before[key]) for key, value in now.items() if key in before)


def count(run: Callable[..., CommandResult], patterns: Mapping[str, str], deadline: Deadline) -> dict[str, int] | None:
    """How many processes each pattern means, through a host's door; None where the host could not be looked at. Raises
    ReachFailed."""
    lines = run(look_at(patterns), deadline).stdout.decode("utf-8", "replace").splitlines()
    groups = take(lines, tuple(patterns))
    return None if groups is None else {name: len(group) for name, group in groups.items()}
