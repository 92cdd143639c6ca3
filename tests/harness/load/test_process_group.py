from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from harness.clock import Deadline, boot_s
from harness.load.process_group import ProcessGroup

groups: list[ProcessGroup] = []


def start(script: str) -> ProcessGroup:
    group = ProcessGroup(subprocess.Popen(["bash", "-c", script], start_new_session=True))
    groups.append(group)
    return group


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    while groups:
        group = groups.pop()
        group.kill()
        assert group.wait_empty(Deadline.after(3))


def until(condition: object) -> None:
    deadline = Deadline.after(5)
    while not (condition() if callable(condition) else condition):
        assert not deadline.passed
        time.sleep(0.01)  # noqa: TID251 - nothing to wait on: another process is looked at


def test_a_group_is_empty_only_when_the_leader_and_all_it_started_are_gone() -> None:
    group = start("sleep 30 & exit 7")
    until(lambda: group.leader_exited)
    assert group.exit_code == 7
    assert not group.empty
    assert len(group.left()) == 1
    group.kill()
    assert group.wait_empty(Deadline.after(3))
    assert group.exit_code == 7


def test_a_stopped_leader_and_one_that_ignores_signals_die_too() -> None:
    group = start("trap '' TERM INT; sleep 30 & while true; do sleep 1; done")
    until(lambda: len(group.left()) >= 2)
    os.killpg(group.pgid, signal.SIGSTOP)
    begun = boot_s()
    group.kill()
    assert group.wait_empty(Deadline.after(3))
    assert boot_s() - begun < 1
    assert group.exit_code == -signal.SIGKILL


def test_a_child_that_left_the_group_but_not_the_session_is_counted_and_killed() -> None:
    group = start("set -m; sleep 30 & exit 0")
    until(lambda: group.leader_exited)
    assert not group.empty
    group.kill()
    assert group.wait_empty(Deadline.after(3))


def test_waiting_ends_at_the_deadline_and_killing_twice_is_harmless() -> None:
    group = start("sleep 30")
    assert group.exit_code is None
    assert not group.wait_empty(Deadline.after(0.1))
    group.kill()
    assert group.wait_empty(Deadline.after(3))
    group.kill()


def test_the_leader_is_named_by_its_number_and_when_it_began() -> None:
    group = start("sleep 30")
    with open(f"/proc/{group.pgid}/stat") as stat:  # noqa: PTH123 - as the kernel gives it
        assert group.start_ticks == int(stat.read().rsplit(")", 1)[1].split()[19])
    assert group.start_ticks > 0
