from __future__ import annotations

from pathlib import Path

import pytest

from harness.journal import record as r
from harness.journal.chain_record import Position
from harness.journal.reader import JournalView
from harness.notify import blocks
from harness.report import format as say
from harness.report import incident
from harness.report.next_steps import next_steps


def test_a_stop_by_a_condition_opens_one_even_in_a_drill(stopped_records: list[r.Record]) -> None:
    assert incident.opened(JournalView(tuple(stopped_records)))


def test_a_held_an_invalid_and_a_killed_run_open_none(
    held_records: list[r.Record], invalid_records: list[r.Record], killed_records: list[r.Record]
) -> None:
    assert not any(incident.opened(JournalView(tuple(x))) for x in (held_records, invalid_records, killed_records))


@pytest.mark.parametrize(
    ("verdict", "source", "opens"),
    [
        ("deviated", None, True),
        ("stopped", "person", False),
        ("stopped", "signal", False),
        ("stopped", "slack", False),
        ("not-healed", "person", True),
        ("invalid", "condition", False),
        ("error", "error", False),
    ],
)
def test_a_persons_stop_opens_none_and_an_unhealed_fault_always_does(
    verdict: r.Verdict, source: r.StopSource | None, opens: bool
) -> None:
    stops = [r.StopDecided(t=1, source=source, reason="x", decided_at=1)] if source else []
    assert incident.opened(JournalView((*stops, r.VerdictReached(verdict=verdict, reason="x", exit_code=1)))) is opens


def test_it_opens_at_the_halt_before_the_verdict_is_written(stopped_records: list[r.Record]) -> None:
    at_halt = [x for x in stopped_records if x.t <= 52.6]
    view = JournalView(tuple(at_halt))
    assert incident.opened(view)
    early = incident.build(view, Path("runs/x"))
    assert early.impact.breach_to_halt_s is None
    assert early.evidence_complete is None
    assert early.likely_cause is None
    assert not early.steps[0].done


def test_the_impact_counts_from_the_fault_that_was_on_at_the_breach(stopped_records: list[r.Record]) -> None:
    built = incident.build(JournalView(tuple(stopped_records)), Path("runs/x"))
    assert [fault.name for fault in built.faults_on] == ["no connections"]
    assert built.impact.since_s == 50.1
    assert built.impact.failed == sum(built.impact.failures.values()) > 0
    assert built.impact.failed_share == built.impact.failed / built.impact.requests
    assert built.impact.breach_to_halt_s == pytest.approx(0.3)
    assert built.impact.users == 100
    assert built.expected


def test_the_procedure_keeps_its_order_and_says_what_is_left(stopped_records: list[r.Record]) -> None:
    steps = incident.build(JournalView(tuple(stopped_records)), Path("runs/x")).steps
    assert [(step.name, step.done) for step in steps] == [
        ("Stop the test", True),
        ("Collect logs", True),
        ("Analyse bottlenecks", True),
        ("Implement fixes", False),
        ("Rerun the test", False),
    ]
    plan, command = steps[3].commands
    assert plan == "app-1: systemctl restart crowdfund"
    assert command.startswith("gameday rollback ")
    assert steps[4].commands[0].startswith("gameday rerun ")


def test_a_fault_still_on_is_the_first_thing_to_do(stopped_records: list[r.Record]) -> None:
    left = [x for x in stopped_records if not (isinstance(x, r.FaultHealed) and x.fault_id == "no-connections")]
    failed = r.HealFailed(
        t=53, fault_id="no-connections", by="conductor", reason="no answer", command="gameday heal run-1"
    )
    built = incident.build(JournalView((*left, failed)), Path("runs/x"))
    assert not built.steps[0].done
    assert built.steps[0].commands == ("gameday heal run-1",)
    assert [(f.healed, f.command) for f in built.faults] == [(True, ""), (False, "gameday heal run-1")]


def test_what_could_not_be_collected_is_named_with_the_reason(stopped_records: list[r.Record]) -> None:
    missing = r.EvidenceMissing(source="db-1", what="/var/log/postgresql/*.log", reason="Permission denied")
    kept = [x for x in stopped_records if not isinstance(x, r.EvidenceCollected)]
    built = incident.build(
        JournalView((*kept, r.EvidenceCollected(complete=False, missing=(missing,)))), Path("runs/x")
    )
    assert built.evidence_missing == (missing,)
    assert "db-1: /var/log/postgresql/*.log (Permission denied)" in built.steps[1].detail
    assert not built.steps[1].done


def test_a_deviated_run_counts_from_the_first_phase_that_missed_its_levels(held_records: list[r.Record]) -> None:
    missed = r.LevelJudged(t=45, name="api", phase="faults", value=900, limit=200, unit="ms", met=False)
    verdict = r.VerdictReached(t=66, verdict="deviated", reason="api p95 was 900 ms", exit_code=10)
    kept = [x for x in held_records if not isinstance(x, r.VerdictReached)]
    built = incident.build(JournalView((*kept, missed, verdict)), Path("runs/x"))
    assert built.opened_at_s == 25
    assert not built.expected
    assert built.steps[0].done


def test_markdown_has_the_whole_of_it(tmp_path: Path, stopped_records: list[r.Record]) -> None:
    incident.write_markdown(incident.build(JournalView(tuple(stopped_records)), tmp_path), tmp_path)
    text = (tmp_path / "incident.md").read_text()
    for part in ("## Impact", "## Likely cause", "**pool-exhaustion**", "## The emergency procedure", "## Timeline"):
        assert part in text
    assert "[evidence/app-1/application.log:212](evidence/app-1/application.log)" in text
    assert "4. [ ] **Implement fixes** (to do)" in text
    assert "`app-1: systemctl restart crowdfund`" in text
    assert "14:03:52 UTC" in text


def test_its_reason_is_the_breach_and_not_all_that_the_verdict_stands_on(stopped_records: list[r.Record]) -> None:
    view = JournalView(tuple(stopped_records))
    breach = next(iter(view.of(r.Breach)))
    assert incident.build(view, Path("runs/x")).reason == say.sentence(breach.text)


def test_the_levels_that_were_not_met_come_first(stopped_records: list[r.Record]) -> None:
    levels = incident.build(JournalView(tuple(stopped_records)), Path("runs/x")).levels
    met = [level.met for level in levels]
    assert False in met
    assert met == sorted(met, key=(False, None, True).index)


def test_a_fault_without_effect_is_marked(tmp_path: Path, stopped_records: list[r.Record]) -> None:
    proof = r.Proof(fault_id="slow-database", side="wire", expected="slower", measured="the same", effective=False)
    kept = [x for x in stopped_records if not isinstance(x, r.Proof)]
    built = incident.build(JournalView((*kept, proof)), tmp_path)
    assert [fault.without_effect for fault in built.faults] == [True, False]
    incident.write_markdown(built, tmp_path)
    assert "slow database (WITHOUT EFFECT)" in (tmp_path / "incident.md").read_text()


def test_the_recommendation_stands_once_as_the_fix_to_implement(
    tmp_path: Path, stopped_records: list[r.Record]
) -> None:
    view = JournalView(tuple(stopped_records))
    built = incident.build(view, tmp_path)
    assert built.likely_cause is not None
    incident.write_markdown(built, tmp_path)
    recommended = say.sentence(built.likely_cause.recommendation)
    assert (tmp_path / "incident.md").read_text().count(recommended) == 1
    assert next_steps(view)[0].text.startswith("Implement fixes: As recommended above.")


def test_a_broken_invariant_and_a_crash_stand_with_the_impact(stopped_records: list[r.Record], tmp_path: Path) -> None:
    broken = r.LevelJudged(name="no double charge", phase="recovery", value=2, limit=0, unit="value", met=False,
                           about="invariant",
                           text="no double charge: main answered 2, expected 0: not met")  # fmt: skip
    crash = broken.model_copy(update={"about": "crash", "phase": "faults", "text": "no crash: api exited: not met"})
    built = incident.build(JournalView((*stopped_records, broken, crash)), tmp_path)
    assert built.broken == (
        "no double charge: main answered 2, expected 0 (in recovery)",
        "no crash: api exited (in faults)",
    )
    incident.write_markdown(built, tmp_path)
    impact = (tmp_path / "incident.md").read_text().partition("## Likely cause")[0]
    assert "**BROKEN**: no double charge: main answered 2, expected 0 (in recovery)" in impact


def test_the_journals_head_is_told_with_the_command_that_proves_it(
    tmp_path: Path, stopped_records: list[r.Record]
) -> None:
    position = Position(segment="conductor", lines=3, bytes=400, head="0123456789abcdef" * 4)
    records = (*stopped_records, r.JournalHead(t=61.0, position=position))
    built = incident.build(JournalView(records), tmp_path)
    incident.write_markdown(built, tmp_path)
    assert f"gameday verify {built.run} --head 0123456789abcdef" in (tmp_path / "incident.md").read_text()
    assert "journal head 0123456789abcdef" in str(blocks.summary(built).blocks)
