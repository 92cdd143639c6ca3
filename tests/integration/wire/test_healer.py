"""What heals when the conductor is dead: the healer, and the journal alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eventually import until
from wire_stage import LOOPBACK, PARAMS, SWITCHES, Stage, plan

from faults import catalog, healing, process
from faults.healer import start_healer
from faults.undo import ProcessUndo
from faults.undo_log import pending
from harness.clock import Deadline
from harness.journal import reader
from harness.journal.record import (
    FaultHealed,
    LoadStopped,
    UndoWritten,
)
from harness.journal.writer import Journal

pytestmark = pytest.mark.integration
BUSY = 3  # how much longer everything may take on a machine that other work keeps busy


def test_the_healer_heals_every_kind_within_3_s_of_the_conductors_sigkill(stage: Stage, tmp_path: Path) -> None:
    states = {kind: stage.api.create_proxy(kind, "127.0.0.1:0", stage.spec.upstream) for kind in PARAMS}
    script = tmp_path / "conductor.py"
    script.write_text(_CONDUCTOR)
    listens = [f"{kind}={state.listen}" for kind, state in states.items()]
    first = [stage.api.url, stage.spec.upstream, str(tmp_path / "run"), json.dumps(PARAMS)]
    command = [sys.executable, "-P", str(script), *first, *listens]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dying:
        assert dying.stdout is not None
        load_pid, healer_pid = (int(n) for n in dying.stdout.readline().split())
        assert [dying.stdout.readline() for _ in PARAMS] == ["injected\n"] * len(PARAMS)
        load_ticks, healer_ticks = process.start_ticks(load_pid), process.start_ticks(healer_pid)
        assert load_ticks is not None
        assert healer_ticks is not None
        assert {p.name for p in stage.api.proxies() if not p.toxics} == {"postgres", *SWITCHES}
        assert not stage.api.proxy("down").enabled
        dying.send_signal(signal.SIGKILL)
        within = Deadline.after(3 * BUSY)
        until(lambda: all(p.enabled and not p.toxics for p in stage.api.proxies()), within.left_s())
        until(lambda: not process.is_alive(load_pid, load_ticks), within.left_s())
    until(lambda: not process.is_alive(healer_pid, healer_ticks), 10 * BUSY)
    journal = reader.read(tmp_path / "run")
    assert {(h.fault_id, h.by) for h in journal.of(FaultHealed)} == {(kind, "healer") for kind in PARAMS}
    assert len(journal.of(LoadStopped)) == 1
    assert pending(tmp_path / "run") == ()
    assert all(p.enabled and not p.toxics for p in stage.api.proxies()), "what flaps has not come back"


def test_after_the_kill_of_both_the_journal_is_enough_to_heal(stage: Stage, journal: Journal) -> None:
    fault = catalog.build(plan("timeout", 10), stage.proxy(), "run1")
    journal.commit(UndoWritten(fault_id=fault.plan.id, undo=fault.prepare().model_dump(mode="json")))
    fault.inject()
    fault.close()
    (undo,) = pending(stage.folder)
    assert healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "delete"
    assert healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "absent"
    assert stage.state().toxics == ()


def test_a_dismissed_healer_touches_nothing(stage: Stage, journal: Journal) -> None:
    fault = catalog.build(plan("latency", 10), stage.proxy(), "run1")
    journal.commit(UndoWritten(fault_id=fault.plan.id, undo=fault.prepare().model_dump(mode="json")))
    fault.inject()
    healer = start_healer(stage.folder, stage.clock, LOOPBACK)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(healer.pid, number)
    assert healer.alive
    healer.dismiss()
    assert not healer.alive
    assert len(stage.state().toxics) == 1
    fault.heal(Deadline.after(5))
    fault.close()


def test_a_process_group_is_ended_with_its_members_and_no_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os,time\nos.fork()\nos.write(1,b'up\\n')\ntime.sleep(20)"]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as leader:
        assert leader.stdout is not None
        assert [leader.stdout.readline() for _ in range(2)] == [b"up\n", b"up\n"]
        ticks = process.start_ticks(leader.pid)
        assert ticks is not None
        another = ProcessUndo(fault_id="load", pgid=leader.pid, start_ticks=ticks - 1, what="locust")
        assert healing.heal(another, deadline=Deadline.after(2), allow=LOOPBACK).rung == "gone"
        assert process.is_alive(leader.pid, ticks)
        undo = ProcessUndo(fault_id="load", pgid=leader.pid, start_ticks=ticks, what="locust")
        assert healing.heal(undo, deadline=Deadline.after(2), allow=LOOPBACK).rung == "killed"
        assert leader.stdout.read() == b""  # the member's end of the pipe is closed too
        assert healing.heal(undo, deadline=Deadline.after(2), allow=LOOPBACK).rung == "gone"


_CONDUCTOR = """
import json, subprocess, sys, threading
from pathlib import Path
from faults import catalog, process
from faults.fault import FaultPlan
from faults.healer import start_healer
from faults.injection import Injection
from faults.observation import Observation
from faults.probe import HttpProbe
from faults.undo import ProcessUndo
from faults.wire_proxy import WireProxy
from harness.clock import Clock
from harness.journal.record import FaultInjected, UndoWritten
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi

url, upstream, folder, chosen, *listens = sys.argv[1:]
allow, clock = AllowList(["127.0.0.0/8"]), Clock.start()
journal = Journal(Path(folder) / "journal", "conductor", clock)
healer = start_healer(Path(folder), clock, allow)
# a child that inherits whatever can be inherited, and outlives us: the healer must hear of our end all the same
load = subprocess.Popen(["sleep", "60"], close_fds=False, start_new_session=True, stdout=subprocess.DEVNULL)
undo = ProcessUndo(fault_id="load", pgid=load.pid, start_ticks=process.start_ticks(load.pid), what="locust")
journal.commit(UndoWritten(fault_id="load", undo=undo.model_dump(mode="json")))
print(load.pid, healer.pid, flush=True)
nothing, lock = Observation(0.0, 1.0), threading.Lock()

def emit(record):
    journal.write(record)
    if isinstance(record, FaultInjected):
        with lock:
            print("injected", flush=True)

def play(kind, listen):
    host, port = listen.split(":")
    proxy = WireProxy(kind, listen, upstream, ToxiproxyApi(url, allow),
                      lambda: HttpProbe("http://up/", allow=allow, via=(host, int(port))), sessions="database.main")
    params = catalog.KINDS[kind].params.model_validate(json.loads(chosen)[kind])
    fault = catalog.build(FaultPlan(kind, kind, kind, kind, params, 0.0, 30.0), proxy, "run1")
    Injection(fault, journal=journal, emit=emit, observe=lambda a, b: nothing, baseline=lambda: nothing,
              clock=clock).play(threading.Event())

for pair in listens:
    threading.Thread(target=play, args=pair.split("=")).start()
"""
