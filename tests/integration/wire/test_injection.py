"""Every fault on a wire, played: injected, proven on both sides, and taken off."""

from __future__ import annotations

import threading

import pytest
from eventually import until
from wire_stage import PARAMS, SWITCHES, Client, Stage, injection, plan

from faults import healing
from faults.undo import ToxicUndo
from harness.clock import Deadline, boot_s
from harness.journal import reader
from harness.journal.record import (
    FaultHealed,
    FaultInjected,
    InjectionFailed,
    Proof,
    UndoWritten,
)
from harness.journal.writer import Journal

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("kind", sorted(PARAMS))
def test_a_fault_is_proven_on_both_sides_and_healed(kind: str, stage: Stage, journal: Journal, client: Client) -> None:
    injection(stage, journal, client, plan(kind, 4.0)).play(threading.Event())
    proofs = {proof.side: proof for proof in stage.records if isinstance(proof, Proof)}
    assert {side: proof.effective for side, proof in proofs.items()} == {"wire": True, "platform": True}
    (healed,) = stage.of(FaultHealed)
    assert isinstance(healed, FaultHealed)
    assert healed.verified is True
    assert healed.rung == ("enable" if kind in SWITCHES else "delete")
    state = stage.state()
    assert state.enabled
    assert state.toxics == ()


def test_the_undo_record_is_on_disk_before_the_fault_is_in(stage: Stage, journal: Journal, client: Client) -> None:
    what = injection(stage, journal, client, plan("latency", 5))
    halt = threading.Event()
    thread = threading.Thread(target=what.play, args=(halt,))
    thread.start()
    until(lambda: stage.state().toxics)
    (undo,) = reader.read(stage.folder).of(UndoWritten)
    assert isinstance(healing.read_undo(undo.undo), ToxicUndo)
    halt.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_heal_from_another_thread_is_quick_while_a_probe_hangs(
    stage: Stage, journal: Journal, client: Client
) -> None:
    what = injection(stage, journal, client, plan("pool-exhaustion", 20))
    halt = threading.Event()
    thread = threading.Thread(target=what.play, args=(halt,))
    thread.start()
    until(lambda: what.state == "on")
    threading.Event().wait(0.6)  # the first probe waits for its answer now
    begun = boot_s()
    halt.set()
    assert what.heal(Deadline.after(5))
    assert boot_s() - begun < 3  # and not the 5 s of the probe's hold
    assert stage.state().toxics == ()
    thread.join(8)
    assert not thread.is_alive()
    assert len(stage.of(FaultHealed)) == 1
    wire = [p for p in stage.records if isinstance(p, Proof) and p.side == "wire"]
    assert [p.effective for p in wire] == [None]  # the halt came first


def test_a_toxic_that_somebody_takes_off_is_no_effective_fault(stage: Stage, journal: Journal, client: Client) -> None:
    what = injection(stage, journal, client, plan("latency", 4.0))
    thread = threading.Thread(target=what.play, args=(threading.Event(),))
    thread.start()
    until(lambda: any(isinstance(r, Proof) and r.side == "wire" for r in stage.records))
    stage.api.remove_toxic("postgres", stage.state().toxics[0].name)
    thread.join(10)
    wire = [p for p in stage.records if isinstance(p, Proof) and p.side == "wire"]
    assert [p.effective for p in wire] == [True, False]
    assert "somebody took it off, or its server was restarted" in wire[-1].measured


def test_a_platform_that_bypasses_the_proxy_has_no_proof(
    stage: Stage, journal: Journal, client: Client, upstream: str
) -> None:
    client.address = ("127.0.0.1", int(upstream.rpartition(":")[2]))
    threading.Event().wait(0.8)
    injection(stage, journal, client, plan("latency", 3.2)).play(threading.Event())
    proofs = {proof.side: proof.effective for proof in stage.records if isinstance(proof, Proof)}
    assert proofs == {"wire": True, "platform": False}


def test_an_absent_proxy_is_an_injection_that_failed(stage: Stage, journal: Journal, client: Client) -> None:
    stage.api.delete_proxy("postgres")
    injection(stage, journal, client, plan("latency", 4.0)).play(threading.Event())
    (failed,) = stage.records
    assert isinstance(failed, InjectionFailed)
    assert "no proxy named postgres" in failed.reason


def test_overlapping_faults_on_one_proxy_heal_one_by_one(stage: Stage, journal: Journal, client: Client) -> None:
    long, short = plan("latency", 3.0), plan("timeout", 1.0)
    threads = [
        threading.Thread(target=injection(stage, journal, client, what).play, args=(threading.Event(),))
        for what in (long, short)
    ]
    threads[0].start()
    until(lambda: stage.of(FaultInjected))
    threads[1].start()
    for thread in threads:
        thread.join(10)
    healed = [r for r in stage.records if isinstance(r, FaultHealed)]
    assert [(h.fault_id, h.rung) for h in healed] == [("fault-timeout", "delete"), ("fault-latency", "delete")]
    assert healed[-1].verified is True
    assert stage.state().toxics == ()
