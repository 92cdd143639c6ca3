"""The watched processes of a host: found by a real shell in a real /proc, and judged over time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.clock import Deadline
from harness.journal.record import CrashSeen
from harness.monitor.process_census import Group, Process, count, levels, rates, take
from harness.monitor.process_command import look_at
from harness.monitor.process_watch import ProcessWatch
from harness.reach.remote_command import CommandResult, watched

SHELLS = [shell for shell in (["sh"], ["bash", "--posix"], ["busybox", "ash"]) if shutil.which(shell[0])]


def ask(shell: list[str], patterns: dict[str, str]) -> dict[str, Group]:
    """What a host answers that runs the whole line, wrapper included."""
    end, keep = os.pipe()
    try:
        line = watched(look_at(patterns), 20)
        done = subprocess.run([*shell, "-c", line], stdin=end, capture_output=True, check=False, timeout=30)
    finally:
        os.close(end)
        os.close(keep)
    assert done.stderr == b""
    groups = take(done.stdout.decode("utf-8", "replace").splitlines(), tuple(patterns))
    assert groups is not None
    return dict(groups)


@contextmanager
def process(code: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that has said that it is ready."""
    running = subprocess.Popen([sys.executable, "-c", f"{code}\nprint(1, flush=True)\ninput()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == b"1\n"
        yield running
    finally:
        running.kill()
        running.communicate(timeout=10)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda s: s[0])
def test_a_process_is_found_by_its_command_line_and_its_children_with_it(shell: list[str]) -> None:
    code = "import subprocess, sys; a = 'app-[1]^$/.x'; subprocess.Popen(['sleep', '30'])"
    with process(code) as running:
        found = ask(shell, {"one": "app-[1]^$/.x", "two": "import*app-[1]", "none": "nothing like*it"})
        [child] = [p for p in found["one"].values() if not p.by_itself]
        os.kill(child.pid, 9)
    assert {p.pid for p in found["one"].values() if p.by_itself} == {running.pid}
    assert child.parent == running.pid
    assert found["one"].keys() == found["two"].keys()
    assert found["none"] == {}
    me = found["one"][next(w for w in found["one"] if w[0] == running.pid)]
    assert me.threads == 1
    assert me.open_files is not None
    assert me.open_files >= 3
    assert me.memory["RssAnon"] > 1e6
    assert "write_bytes" in me.done


@pytest.mark.parametrize("shell", SHELLS, ids=lambda s: s[0])
def test_what_we_send_ourselves_is_never_found(shell: list[str]) -> None:
    assert ask(shell, {"us": "head -c*tr", "text": "an-unlikely-text-of-a-test"}) == {"us": {}, "text": {}}


def member(pid: int, *, parent: int = 1, own: bool = True, start: int = 100, **values: object) -> Process:
    made = Process(pid, by_itself=own, parent=parent, start_ticks=start, threads=1)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def group(*members: Process) -> Group:
    return {m.who: m for m in members}


def lines(*members: Process) -> list[str]:
    """As the host would print them."""
    said = ["ok"]
    for m in members:
        said.append(f"{'own' if m.by_itself else 'child'} 0 {m.pid}")
        fields = ["S", str(m.parent), *["0"] * 9, "5", "5", *["0"] * 4, "1", "0", str(m.start_ticks)]
        said.append(f"/proc/{m.pid}/stat:{m.pid} (a ) b) {' '.join(fields)}")
    return said


def deaths(*looks: tuple[Process, ...]) -> list[tuple[str, str]]:
    """What a watch told, look by look."""
    watch = ProcessWatch("app-1", {"web": "web"})
    told: list[CrashSeen] = []
    for look in looks:
        watch.read(lines(*look), 10.0, 1.0, 200.0)
        told += watch.new_crashes()
    return [(c.what, c.source) for c in told]


MASTER = member(10)
WORKERS = tuple(member(20 + i, parent=10) for i in range(3))


def test_a_process_that_is_gone_has_exited_once() -> None:
    assert deaths((MASTER,), (), (), ()) == [("exited", "app-1.web")]


def test_another_process_in_its_place_is_a_restart() -> None:
    assert deaths((MASTER,), (member(11, start=900),), (member(11, start=900),)) == [("restarted", "app-1.web")]


def test_the_same_pid_with_another_start_is_another_process() -> None:
    assert deaths((MASTER,), (member(10, start=900),)) == [("restarted", "app-1.web")]


def test_a_process_that_dies_again_and_again_is_told_each_time() -> None:
    looks = [(member(10 + i, start=100 + i),) for i in range(4)]
    assert len(deaths(*looks)) == 3
    assert len(deaths((MASTER,), (), (member(11),), (), (member(12),))) == 2


def test_workers_come_and_go_below_a_master_that_lives() -> None:
    assert deaths((MASTER, *WORKERS), (MASTER, *WORKERS[:1]), (MASTER,), (MASTER, member(30, parent=10))) == []


def test_a_master_that_dies_is_told_although_its_workers_live_on() -> None:
    assert deaths((MASTER, *WORKERS), (member(20, parent=1),)) == [("restarted", "app-1.web")]


def test_a_command_that_somebody_types_beside_it_is_no_process_of_the_platform() -> None:
    assert deaths((MASTER,), (MASTER, member(77)), (MASTER,)) == []


def test_one_of_several_instances_is_told_and_its_successor_too() -> None:
    a, b, c = member(101), member(102), member(103)
    assert deaths((a, b), (a,), (a, c), (a,)) == [("exited", "app-1.web")] * 2


def test_a_host_that_could_not_be_looked_at_tells_no_death() -> None:
    watch = ProcessWatch("app-1", {"web": "web"})
    watch.read(lines(MASTER), 10.0, 1.0, 200.0)
    assert watch.read([], 11.0, 1.0, 200.0) == {}
    assert watch.new_crashes() == ()


def test_a_service_that_starts_late_is_watched_from_then_on() -> None:
    assert deaths((), (), (MASTER,), ()) == [("exited", "app-1.web")]


def test_cpu_is_the_share_of_the_whole_host_and_a_new_worker_counts_in_full() -> None:
    before = group(member(1, cpu_ticks=100, thread_ticks={1: 100}))
    now = group(member(1, cpu_ticks=150, thread_ticks={1: 150}), member(2, parent=1, cpu_ticks=30))
    seen = rates(before, now, 1.0, 200.0)
    assert seen["cpu"] == 0.4
    assert seen["busiest_thread"] == 0.5


def test_the_wait_for_a_processor_is_a_share_of_the_time_in_which_it_could_have_run() -> None:
    before = group(member(1, thread_ran_ns={1: 0}, thread_waited_ns={1: 0}))
    now = group(member(1, thread_ran_ns={1: 300, 2: 999}, thread_waited_ns={1: 100, 2: 999}))
    assert rates(before, now, 1.0, 200.0)["cpu_wait"] == 0.25


def test_shared_memory_is_counted_once() -> None:
    shared = {"RssAnon": 10, "RssFile": 5, "RssShmem": 100, "VmRSS": 115}
    assert levels(group(member(1, memory=shared), member(2, memory=shared)), 5.0)["memory_bytes"] == 125
    old = {"VmRSS": 7}
    assert levels(group(member(1, memory=old), member(2, memory=old)), 5.0)["memory_bytes"] == 14


def test_what_may_not_be_read_is_left_out() -> None:
    seen = levels(group(member(1, open_files=4), member(2)), 5.0)
    assert "open_files" not in seen
    assert seen["processes"] == 2
    assert "write_bytes_per_s" not in rates(group(member(1)), group(member(1)), 1.0, 1.0)


@pytest.mark.parametrize("line", ["/proc/5/stat:5 (x", "/proc/5/io:wchar: many", "/proc/5/status:Rss", "rubbish", ""])
def test_a_line_that_makes_no_sense_tells_nothing(line: str) -> None:
    assert take(["ok", "own 0 5", line], ["web"]) == {"web": {}}


def test_preflight_counts_through_the_door() -> None:
    def run(command: str, deadline: Deadline) -> CommandResult:
        return CommandResult("\n".join(lines(MASTER, *WORKERS)).encode(), b"", 0)

    assert count(run, {"web": "web"}, Deadline.after(1)) == {"web": 4}
    assert count(lambda c, d: CommandResult(b"", b"", 127), {"web": "web"}, Deadline.after(1)) is None
