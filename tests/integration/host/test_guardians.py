"""Faults on a host over a real OpenSSH server: nothing of them is left, whoever dies or stands still."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from eventually import until
from fault_holder import holding
from host_fault_scene import (
    LOOPBACK,
    Victim,
    children,
    fault_of,
    gone,
    host_of,
    on,
    present,
    sessions_of,
    who,
)

from faults import healing
from faults.hosts.host_undo import HostUndo
from harness.clock import Deadline

pytestmark = pytest.mark.integration


def test_the_pause_ends_by_itself_when_we_are_killed(sshd: Any, victim: Victim) -> None:
    where = {"port": sshd.port, "identity": str(sshd.identity), "known_hosts": str(sshd.known_hosts)}
    pause = [("process-pause", {"process": "victim"})]
    with holding("host", pause, victim=victim.pattern, **where) as (holder, [undo]):
        assert isinstance(undo, HostUndo)
        until(lambda: victim.state == "T")
        holder.kill()
        until(lambda: victim.state == "S")
        until(lambda: gone(undo))


def test_the_pause_ends_by_itself_when_our_beats_stop_or_the_server_s_session_is_killed(
    sshd: Any, victim: Victim
) -> None:
    for cut in (False, True):
        fault = fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")
        with on(fault) as undo:
            until(lambda: victim.state == "T")
            if cut:
                for pid in sessions_of(sshd):
                    os.kill(pid, signal.SIGKILL)
            else:
                assert fault._lease is not None
                fault._lease._ending.set()  # as if we stood still: the connection is there, and nothing is sent
            until(lambda: victim.state == "S")
            until(lambda undo=undo: gone(undo))
            until(lambda fault=fault: not present(fault))


def test_the_second_guardian_undoes_when_the_first_is_killed_or_stands_still(sshd: Any, victim: Victim) -> None:
    for number in (signal.SIGKILL, signal.SIGSTOP):
        fault = fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")
        with on(fault) as undo:
            until(lambda: victim.state == "T")
            os.kill(who(undo, "guard"), number)
            until(lambda: victim.state == "S")
            until(lambda undo=undo: gone(undo))
            until(lambda fault=fault: not present(fault))


def test_a_killed_second_guardian_is_replaced(sshd: Any, victim: Victim) -> None:
    with on(fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")) as undo:
        first = who(undo, "second")
        os.kill(first, signal.SIGKILL)
        until(lambda: who(undo, "second") != first)
        os.kill(who(undo, "guard"), signal.SIGKILL)
        until(lambda: victim.state == "S")


def test_with_both_guardians_killed_loops_end_by_themselves_and_the_record_heals_the_rest(
    sshd: Any, victim: Victim
) -> None:
    host = host_of(sshd, victim=victim.pattern)
    pause, cpu = fault_of("process-pause", host, "f1", process="victim"), fault_of("host-cpu", host, "f2", cores=1)
    with on(pause) as paused, on(cpu) as burnt:
        loops = children(burnt)
        assert len(loops) == 1
        for undo in (paused, burnt):
            both = [who(undo, "guard"), who(undo, "second")]
            for pid in both:
                os.kill(pid, signal.SIGSTOP)
            for pid in both:
                os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{loops[0]}").exists())
        assert victim.state == "T"
        assert healing.heal(paused, deadline=Deadline.after(10), allow=LOOPBACK).rung == "checked"
        until(lambda: victim.state == "S")
        healing.heal(burnt, deadline=Deadline.after(10), allow=LOOPBACK)
        until(lambda: gone(paused))
        until(lambda: gone(burnt))


def test_a_living_guardian_is_ended_by_the_record_and_a_later_process_of_that_number_is_left_alone(
    sshd: Any, victim: Victim
) -> None:
    fault = fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")
    with on(fault) as undo:
        pid, _, ticks = undo.values["processes"].partition(":")
        other = undo.model_copy(
            update={"values": {**undo.values, "processes": f"{pid}:{int(ticks) + 1}", "dir": f"{undo.folder}-other"}}
        )
        assert healing.heal(other, deadline=Deadline.after(10), allow=LOOPBACK).rung == "checked"
        assert victim.state == "T"
        assert healing.heal(undo, deadline=Deadline.after(10), allow=LOOPBACK).rung == "undone"
        until(lambda: victim.state == "S")
        until(lambda: gone(undo))
