from __future__ import annotations

from xml.etree import ElementTree as ET

from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report import junit


def suite(records: list[r.Record]) -> ET.Element:
    return ET.fromstring(junit.render(JournalView(tuple(records))))


def outcomes(records: list[r.Record]) -> dict[str, str]:
    return {f"{c.get('classname')}: {c.get('name')}": c[0].tag if len(c) else "passed" for c in suite(records)}


def test_a_drill_that_went_as_planned_is_green_and_skips_what_it_broke(stopped_records: list[r.Record]) -> None:
    found = outcomes(stopped_records)
    assert set(found.values()) == {"passed", "skipped"}
    assert found["service levels.faults: api p95 < 200 ms"] == "skipped"
    assert found["service levels.baseline: api p95 < 200 ms"] == "passed"
    assert found["game day: verdict is stopped"] == "passed"
    assert suite(stopped_records).get("failures") == "0"


def test_an_unexpected_stop_fails_the_levels_it_missed(stopped_records: list[r.Record]) -> None:
    start, *rest = (x for x in stopped_records if not isinstance(x, r.VerdictReached))
    verdict = r.VerdictReached(t=60, verdict="stopped", reason="error rate", exit_code=11)
    found = outcomes([start.model_copy(update={"expect": "held"}), *rest, verdict])
    assert found["service levels.faults: api p95 < 200 ms"] == "failure"
    assert found["game day: verdict is held"] == "failure"


def test_a_fault_without_effect_is_a_failure(invalid_records: list[r.Record]) -> None:
    found = outcomes(invalid_records)
    assert found["faults.effective: slow database"] == "failure"
    assert found["faults.healed: slow database"] == "passed"


def test_a_killed_run_is_an_error(killed_records: list[r.Record]) -> None:
    assert outcomes(killed_records)["game day: verdict is stopped"] == "error"


def test_an_unknown_level_is_an_error_and_after_a_halt_skipped() -> None:
    level = r.LevelJudged(name="api", phase="baseline", value=None, limit=200, unit="ms", met=None, text="no requests")
    stop = r.StopDecided(source="condition", reason="x", decided_at=1)
    assert outcomes([level])["service levels.baseline: api, limit 200 ms"] == "error"
    assert outcomes([level, stop])["service levels.baseline: api, limit 200 ms"] == "skipped"


def test_it_has_what_the_common_readers_ask_of_a_suite(stopped_records: list[r.Record]) -> None:
    found = suite(stopped_records)
    assert found.tag == "testsuite"
    assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"} <= set(found.keys())
    assert found.get("timestamp") == "2026-11-22T14:03:00"
    assert int(found.get("tests") or 0) == len(found)
    for case in found:
        assert {"name", "classname", "time"} <= set(case.keys())
        assert all(child.get("type") for child in case if child.tag != "skipped")
    assert found[-1].get("name") == "verdict is stopped"


def test_evidence_that_is_not_complete_is_said_and_fails_nothing(stopped_records: list[r.Record]) -> None:
    missing = r.EvidenceMissing(source="db-1", what="log", reason="no such file")
    lost = [x for x in stopped_records if not isinstance(x, r.EvidenceCollected)]
    assert outcomes(stopped_records)["evidence: complete"] == "passed"
    assert outcomes([*lost, r.EvidenceCollected(t=60, complete=False, missing=(missing,))])["evidence: complete"] == (
        "skipped"
    )


def test_control_characters_from_outside_do_not_break_the_xml() -> None:
    verdict = r.VerdictReached(verdict="error", reason="\x00\x1b[31m]]></x>&", exit_code=1)
    assert "]]></x>&" in (suite([verdict])[-1][0].get("message") or "")


def test_a_broken_invariant_is_a_failure_even_where_the_stop_was_expected(stopped_records: list[r.Record]) -> None:
    broken = r.LevelJudged(name="no double charge", phase="recovery", value=2, limit=0, unit="value", met=False,
                           about="invariant",
                           text="no double charge: main answered 2, expected 0: not met")  # fmt: skip
    found = outcomes([*stopped_records, broken])
    assert [found[name] for name in found if "recovery: no double charge" in name] == ["failure"]
