"""Healing on servers that stand still, are wedged, died, or are somebody else's."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest
from eventually import until
from wire_stage import LOOPBACK, Client, Stage, injection, plan

from faults import catalog, healing
from faults.probe import HttpProbe
from faults.toxiproxy_server import ManagedServer
from harness.clock import Deadline, boot_s
from harness.journal.record import (
    FaultHealed,
    HealFailed,
    InjectionFailed,
)
from harness.journal.writer import Journal
from harness.reach.toxiproxy_state import ToxicState

pytestmark = pytest.mark.integration


def test_a_stopped_server_of_ours_is_restarted(stage: Stage, journal: Journal, client: Client) -> None:
    what = injection(stage, journal, client, plan("latency", 20))
    halt = threading.Event()
    thread = threading.Thread(target=what.play, args=(halt,))
    thread.start()
    until(lambda: what.state == "on")
    os.kill(stage.server.pid, signal.SIGSTOP)
    begun = boot_s()
    assert what.heal(Deadline.after(15))
    assert boot_s() - begun < 30
    thread.join(15)
    (healed,) = [r for r in stage.records if isinstance(r, FaultHealed)]
    assert healed.rung == "restart"
    assert healed.verified is True
    assert "no longer answered" in healed.note
    assert stage.state().toxics == ()
    # the fixture ends the server by its folder's new state
    stage.server = ManagedServer.attach(stage.folder / "toxiproxy")


def test_somebodys_stopped_server_is_a_fault_not_healed_with_its_command(stage: Stage) -> None:
    fault = catalog.build(plan("latency", 20), stage.proxy(managed=False), "run1")
    undo = fault.prepare()
    fault.inject()
    os.kill(stage.server.pid, signal.SIGSTOP)
    begun = boot_s()
    try:
        with pytest.raises(healing.NotHealed) as failure:
            healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK)
    finally:
        os.kill(stage.server.pid, signal.SIGCONT)
    assert boot_s() - begun < 15
    assert failure.value.mend.startswith(f"curl -X DELETE {stage.api.url}/proxies/postgres/toxics/gd-run1-")
    fault.close()


def test_somebodys_wedged_proxy_is_replaced_and_it_is_said(stage: Stage, journal: Journal, client: Client) -> None:
    what = plan("latency", 5.0, latency="80ms", stream="downstream")
    # a client that never reads while the upstream streams: adding a toxic never returns then, and nothing after it
    with socket.create_connection(stage.address) as deaf:
        deaf.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(0.5)
        begun = boot_s()
        injection(stage, journal, client, what, managed=False).play(threading.Event())
        assert boot_s() - begun < 20  # the call that hangs for 3 s, and the ladder
    (failed,) = stage.records
    assert isinstance(failed, InjectionFailed)
    assert "postgres-gameday took its place" in failed.reason
    assert HttpProbe("http://upstream/", allow=LOOPBACK, via=stage.address).measure(1).ok


def test_on_somebodys_server_only_our_toxic_is_touched(stage: Stage, journal: Journal, client: Client) -> None:
    foreign = stage.api.add_toxic("postgres", ToxicState("theirs", "latency", "downstream", 1.0, {"latency": 3}))
    stage.api.create_proxy("closed", "127.0.0.1:0", stage.spec.upstream, enabled=False)
    injection(stage, journal, client, plan("latency", 1.0), managed=False).play(threading.Event())
    assert stage.of(FaultHealed)
    assert stage.state().toxics == (foreign,)
    assert not stage.api.proxy("closed").enabled


def test_a_server_that_died_took_the_fault_with_it(stage: Stage, journal: Journal) -> None:
    theirs = catalog.build(plan("latency", 20), stage.proxy(managed=False), "run1")
    ours = catalog.build(plan("timeout", 20), stage.proxy(), "run1")
    undos = theirs.prepare(), ours.prepare()
    theirs.inject()
    os.kill(stage.server.pid, signal.SIGKILL)
    until(lambda: not stage.server.alive)
    gone, restarted = (healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK) for undo in undos)
    assert gone.rung == "gone"
    assert "nothing listens" in gone.note
    assert restarted.rung == "restart"
    assert stage.state().enabled
    stage.server = ManagedServer.attach(stage.folder / "toxiproxy")
    theirs.close()
    ours.close()


def test_a_taken_listen_port_leaves_a_down_fault_not_healed(stage: Stage, journal: Journal) -> None:
    fault = catalog.build(plan("down", 5), stage.proxy(managed=False), "run1")
    undo = fault.prepare()
    fault.inject()
    with socket.create_server(stage.address), pytest.raises(healing.NotHealed) as failure:
        healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK)
    assert "address already in use" in failure.value.what
    assert healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "enable"
    assert not stage.of(HealFailed)
