from __future__ import annotations

from harness.analysis.crash_level import judge_crashes
from harness.analysis.service_level import CrashLevel
from harness.journal.record import CrashSeen, Readings

OOM = CrashSeen(t=5.0, source="container.api", what="oom-killed", text="out of memory", exit_code=137)
HEARD = [Readings(t=t, source=source, values={}) for t in range(1, 10) for source in ("container.api", "database.main")]
SPAN = (0.0, 10.0)


def judged(level=CrashLevel("no crash"), crashes=(), readings=HEARD, watchers=("container.api", "database.main")):  # noqa: B008 - frozen
    return judge_crashes(level, "faults", crashes, readings, watchers, SPAN)


def test_nothing_that_died_while_everything_was_heard_of_is_met():
    record = judged()
    assert (record.met, record.value, record.limit, record.about) == (True, 0.0, 0.0, "crash")


def test_a_crash_is_not_met_and_its_text_says_what_died_with_its_exit_code():
    record = judged(crashes=[OOM, OOM.model_copy(update={"source": "cache.main", "exit_code": None})])
    assert (record.met, record.value) == (False, 2.0)
    assert "container.api: out of memory (exit code 137)" in record.text
    assert "cache.main" in record.text


def test_only_what_is_meant_counts():
    level = CrashLevel("no crash", of="database.*")
    assert judged(level, [OOM]).met is True
    assert judged(CrashLevel("no crash", of="container.*"), [OOM]).met is False


def test_what_nobody_could_have_seen_is_unknown():
    silent = [r for r in HEARD if r.source == "container.api"]
    assert judged(readings=silent).met is None
    assert "database.main was not heard of" in judged(readings=silent).text
    assert judged(readings=[r for r in HEARD if r.t < 4]).met is None
    assert judged(watchers=()).met is None
    assert judged(CrashLevel("no crash", of="app-1.nginx")).met is None


def test_a_crash_that_was_seen_needs_no_further_witness():
    assert judged(crashes=[OOM], readings=[], watchers=()).met is False
