from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.journal import reader
from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report import result
from harness.report.fault_account import accounts

WriteRun = Callable[[Sequence[r.Record]], Path]

KEYS = [
    "schema", "version", "run", "started_at", "runbook", "target", "inputs", "verdict", "expect", "exit_code", "reason",
    "phases", "service_levels", "load", "faults", "stop", "time_to_recover_s", "findings", "evidence", "rollback",
    "notifications",
]  # fmt: skip


def proof(side: str, *, effective: bool | None) -> r.Proof:
    return r.Proof.model_validate(
        {"fault_id": "f", "side": side, "expected": "e", "measured": "m", "effective": effective}
    )


INJECTED = r.FaultInjected(t=5, fault_id="f", name="f", fault_kind="latency")


def fault(*records: r.Record) -> result.FaultResult:
    return result.build(JournalView((INJECTED, *records))).faults[0]


def test_the_file_has_the_shape_of_the_contract(write_run: WriteRun, stopped_records: list[r.Record]) -> None:
    folder = write_run(stopped_records)
    result.write(folder, result.build(reader.read(folder)))
    written = json.loads((folder / "result.json").read_text())
    assert list(written)[: len(KEYS)] == KEYS, "what came later stands behind"
    assert {"endpoints", "resources", "success_criteria", "compared_with"} <= set(written)
    assert set(written["load"]) >= {
        "users", "requests", "failures", "task_errors", "rps", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms",
        "in_flight_at_stop",
    }  # fmt: skip
    assert set(written["load"]["failures"]) == {"http", "timeout", "connection", "application"}
    assert set(written["stop"]) >= {"condition", "source", "breach_at", "decided_at", "healed_at", "load_stopped_at"}
    assert set(written["faults"][0]["measured"]) == {"wire", "platform"}
    assert written["findings"][0]["evidence"][0]["path"] == "evidence/app-1/application.log"


def test_the_drill_reads_as_it_happened(stopped_records: list[r.Record]) -> None:
    drill = result.build(JournalView(tuple(stopped_records)))
    assert (drill.verdict, drill.exit_code, drill.expect) == ("stopped", 0, "stopped")
    assert drill.stop is not None
    assert (drill.stop.condition, drill.stop.source, drill.stop.of) == ("error_rate", "condition", "all")
    assert drill.stop.healed_at == 52.72
    assert drill.stop.took_s == pytest.approx(0.3)
    assert [f.effective for f in drill.faults] == [True, True]
    assert [f.healed_by for f in drill.faults] == ["conductor", "conductor"]
    assert drill.findings[0].cause == "pool-exhaustion"
    assert drill.evidence.complete
    assert drill.load.in_flight_at_stop == 87
    assert drill.load.users == 100
    assert [span.name for span in drill.phases] == ["warm-up", "baseline", "faults"]


@pytest.mark.parametrize(
    ("wire", "platform", "effective"),
    [(True, True, True), (True, False, False), (False, None, False), (True, None, None), (None, None, None)],
)
def test_a_fault_is_effective_only_when_both_sides_say_so(
    wire: bool | None, platform: bool | None, effective: bool | None
) -> None:
    assert fault(proof("wire", effective=wire), proof("platform", effective=platform)).effective is effective


def test_an_absent_proof_leaves_the_effect_unknown() -> None:
    assert fault(proof("wire", effective=True)).effective is None


def test_a_fault_that_did_not_get_in_is_without_effect_and_healed() -> None:
    failed = result.build(
        JournalView((r.UndoWritten(fault_id="f", undo={}), r.InjectionFailed(fault_id="f", reason="404")))
    ).faults[0]
    assert (failed.injected_at, failed.effective, failed.healed) == (None, False, True)


def test_a_fault_nobody_healed_is_not_healed() -> None:
    assert not fault().healed
    assert result.build(JournalView((r.UndoWritten(fault_id="f", undo={}),))).faults[0].healed is False


def test_the_undo_record_of_the_load_is_no_fault() -> None:
    load = r.UndoWritten(fault_id="load", undo={"door": "process"})
    assert [f.id for f in result.build(JournalView((load, INJECTED))).faults] == ["f"]


def test_a_load_that_could_not_be_ended_is_told_as_what_is_left() -> None:
    load = r.UndoWritten(fault_id="load", undo={"door": "process"})
    failed = r.HealFailed(fault_id="load", by="healer", reason="still there", command="gameday heal")
    assert [(f.id, f.healed) for f in result.build(JournalView((load, failed))).faults] == [("load", False)]


def test_a_wire_that_is_not_back_is_not_healed() -> None:
    off = r.FaultHealed(t=9, fault_id="f", by="conductor", verified=False, measured_after="still 51 ms")
    assert (fault(off).healed, fault(off).healed_at, fault(off).healed_by) == (False, None, None)


def test_a_later_healer_makes_good_what_the_conductor_could_not() -> None:
    failed = r.HealFailed(t=8, fault_id="f", by="conductor", reason="no answer", command="gameday heal")
    healed = r.FaultHealed(t=9, fault_id="f", by="healer", verified=True)
    assert (fault(failed, healed).healed, fault(failed, healed).healed_by) == (True, "healer")
    assert fault(failed).healed is False


def test_a_fault_that_was_never_begun_is_told_but_is_no_result(killed_records: list[r.Record]) -> None:
    view = JournalView(tuple(killed_records))
    assert [f.id for f in result.build(view).faults] == ["slow-database"]
    assert [(f.id, f.begun) for f in accounts(view)] == [("slow-database", True), ("no-connections", False)]


def test_a_stop_by_a_person_is_named_after_the_person() -> None:
    stop = result.build(JournalView((r.StopDecided(source="person", reason="Ctrl-C", decided_at=12.0),))).stop
    assert stop is not None
    assert (stop.condition, stop.source, stop.breach_at) == ("person", "person", None)


def test_a_breach_after_a_persons_stop_does_not_take_its_place() -> None:
    person = r.StopDecided(t=12, source="person", reason="Ctrl-C", decided_at=12.0)
    breach = r.Breach(t=12.1, condition="error_rate", source="all", text="late", breach_at=12.1)
    stop = result.build(JournalView((person, breach))).stop
    assert stop is not None
    assert (stop.condition, stop.decided_at) == ("person", 12.0)


def test_the_halt_is_not_healed_while_a_fault_is_on(stopped_records: list[r.Record]) -> None:
    left = [x for x in stopped_records if not (isinstance(x, r.FaultHealed) and x.fault_id == "no-connections")]
    stop = result.build(JournalView(tuple(left))).stop
    assert stop is not None
    assert stop.healed_at is None
    assert stop.took_s is None


def test_no_verdict_is_claimed_for_a_killed_run(killed_records: list[r.Record]) -> None:
    killed = result.build(JournalView(tuple(killed_records)))
    assert (killed.verdict, killed.exit_code) == (None, None)
    assert "killed" in killed.reason
    assert (killed.phases[-1].name, killed.phases[-1].end) == ("faults", None)


def test_at_the_halt_the_verdict_is_known_before_it_is_in_the_journal(stopped_records: list[r.Record]) -> None:
    early = [x for x in stopped_records if not isinstance(x, r.VerdictReached)]
    assert result.build(JournalView(tuple(early))).verdict == "stopped"
    unhealed = r.HealFailed(t=53, fault_id="x", by="conductor", reason="no answer", command="gameday heal")
    assert result.build(JournalView((*early, unhealed))).verdict == "not-healed"


def test_every_beginning_of_a_journal_has_a_result(stopped_records: list[r.Record], write_run: WriteRun) -> None:
    ordered = sorted(stopped_records, key=lambda x: x.t)
    for end in [*range(0, len(ordered), 9), len(ordered)]:
        assert result.build(JournalView(tuple(ordered[:end]))).model_dump_json(by_alias=True)


def test_the_old_result_stays_when_the_new_one_can_not_be_written(tmp_path: Path, held_records: list[r.Record]) -> None:
    (tmp_path / "result.json").mkdir()
    with pytest.raises(OSError, match="result"):
        result.write(tmp_path, result.build(JournalView(tuple(held_records))))
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
