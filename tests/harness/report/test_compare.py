"""A comparison of two runs says no more than two runs can say."""

from __future__ import annotations

import pytest

from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report.compare import compare

LEVELS = (
    r.PlannedLevel(name="api", text="api p95 <= 200 ms", unit="ms", limit=200, of="*"),
    r.PlannedLevel(name="api", text="api error rate <= 1%", unit="fraction", limit=0.01, of="*"),
)


def run_with(name: str, *levels: r.Record, **changed: object) -> JournalView:
    started = r.RunStarted(
        run=name, version="1", started_at="2026-01-01T00:00:00+00:00", runbook="t", runbook_path="b", hypothesis="h",
        expect="held", target="t", target_path="t", environment="practice", base_url="http://x", users=10,
        locustfile="l.py", inputs={"l.py": "aa"}, service_levels=LEVELS,
    )  # fmt: skip
    return JournalView((started.model_copy(update=changed), *levels))


def p95(value: float | None, met: bool | None = True, limit: float = 200) -> r.LevelJudged:
    return r.LevelJudged(name="api", phase="baseline", value=value, limit=limit, unit="ms", met=met, requests=500)


def errors(failed: int, requests: int) -> r.LevelJudged:
    rate = failed / requests
    return r.LevelJudged(name="api", phase="baseline", value=rate, limit=0.01, unit="fraction", met=rate <= 0.01,
                         requests=requests)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (p95(100), p95(129), "no clear change"),
        (p95(100), p95(71), "no clear change"),
        (p95(100), p95(140), "worse"),
        (p95(100), p95(60), "better"),
        (p95(190), p95(210, met=False), "no longer met"),
        (p95(210, met=False), p95(190), "now met"),
        (p95(None, met=None), p95(20), "unknown"),
        (p95(20), p95(None, met=None), "unknown"),
        (errors(1, 1000), errors(2, 1000), "no clear change"),
        (errors(0, 1000), errors(0, 1000), "no clear change"),
        (errors(0, 1000), errors(9, 1000), "worse"),
        (errors(1, 1000), errors(50, 1000), "no longer met"),
    ],
)
def test_a_change_is_claimed_beyond_the_noise_alone_or_where_a_limit_was_crossed(before, after, change):
    (level,) = compare(run_with("a", before), run_with("b", after)).levels
    assert level.change == change


def test_several_limits_of_one_name_are_told_apart_and_a_changed_limit_is_still_the_same_level():
    changed = (LEVELS[0].model_copy(update={"text": "api p95 <= 300 ms", "limit": 300}), LEVELS[1])
    before = run_with("a", p95(100), errors(0, 100))
    after = run_with("b", p95(100, limit=300), errors(0, 100), service_levels=changed)
    comparison = compare(before, after)
    assert [(x.unit, x.before, x.after) for x in comparison.levels] == [("ms", 100, 100), ("fraction", 0, 0)]
    assert any("only before api p95 <= 200 ms; only after api p95 <= 300 ms" in d for d in comparison.differences)


def test_a_level_that_only_one_run_judged_is_unknown_and_not_lost():
    comparison = compare(run_with("a", p95(100), errors(0, 100)), run_with("b", p95(100)))
    assert [x.change for x in comparison.levels] == ["no clear change", "unknown"]
    assert comparison.levels[1].after is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"users": 20}, "users: 10 before, 20 after"),
        ({"inputs": {"l.py": "bb"}}, "the Locust file l.py is not the same"),
        ({"faults": (r.PlannedFault(id="f1", name="slow", fault_kind="latency"),)}, "faults: none before, slow after"),
        ({"tags": ("a", "b")}, "tags: none before, a, b after"),
        ({"phases_s": {"baseline": 30}}, "baseline: 0 s before, 30 s after"),
    ],
)
def test_what_differs_in_the_inputs_is_said(changed, said):
    comparison = compare(run_with("a"), run_with("b", **changed))
    assert any(said in difference for difference in comparison.differences)
    assert compare(run_with("a"), run_with("b")).differences == ()


def test_a_load_generator_that_lagged_is_said():
    slow = [r.Window(start=t, end=t + 0.25, lag_ms=400.0, users=10) for t in range(20)]
    (said,) = compare(run_with("a", *slow), run_with("b")).differences
    assert said.startswith("before: the load generator itself lagged by 400 ms")
