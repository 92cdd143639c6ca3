"""The guide's results and success criteria: yes, no, or unknown, never more than was seen."""

from __future__ import annotations

import pytest

from harness.journal import histogram
from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report import markdown
from harness.report.html import render as html
from harness.report.measured import endpoints, resources
from harness.report.success import criteria

LEVELS = (
    r.PlannedLevel(name="api", text="api p95 <= 200 ms", unit="ms", limit=200, of="*"),
    r.PlannedLevel(name="api", text="api error rate <= 1%", unit="fraction", limit=0.01, of="*"),
    r.PlannedLevel(name="cpu", text="cpu: app-1.cpu <= 0.9", unit="value", limit=0.9, of="app-1.cpu"),
)
STARTED = r.RunStarted(
    run="r1", version="1", started_at="2026-01-01T00:00:00+00:00", runbook="Load test", runbook_path="load",
    hypothesis="h", expect="held", target="t", target_path="t", environment="practice", base_url="http://x", users=10,
    service_levels=LEVELS,
)  # fmt: skip
CPU = r.LevelJudged(name="cpu", phase="baseline", value=0.4, limit=0.9, unit="value", met=True)


def api(value: float | None = 20.0, met: bool | None = True) -> r.LevelJudged:
    return r.LevelJudged(name="api", phase="baseline", value=value, limit=200, unit="ms", met=met, text=f"api {value}")


def load_test(*records: r.Record, failed: int = 0, users: int = 10, lag_ms: float = 1.0, **started) -> JournalView:
    stats = r.RequestStats(requests=50, failures={"http": failed} if failed else {},
                           histogram={histogram.bucket_of(20.0): 49, histogram.bucket_of(90.0): 1})  # fmt: skip
    slow = r.RequestStats(requests=50, histogram={histogram.bucket_of(9000.0): 50})
    windows = [
        r.Window(t=t + 0.25, start=t, end=t + 0.25, users=users, lag_ms=lag_ms, names={"GET /": seen})
        for t, seen in ((0.0, slow), (0.25, slow), (2.0, stats), (2.25, stats))
    ]
    phases = (r.PhaseStarted(t=0, name="warm-up"), r.PhaseEnded(t=2, name="warm-up"),
              r.PhaseStarted(t=2, name="baseline"), r.PhaseEnded(t=2.5, name="baseline"))  # fmt: skip
    readings = [r.Readings(t=t, source="app-1", values={"cpu": cpu, "memory": 0.2, "load": 3}) for t, cpu in
                ((1, 0.99), (2.1, 0.3), (2.4, 0.5))]  # fmt: skip
    return JournalView((STARTED.model_copy(update=started), *phases, *windows, *readings, *records))


def checklist(view: JournalView) -> dict[str, bool | None]:
    return {criterion.text.partition(" (")[0]: criterion.met for criterion in criteria(view)}


def test_endpoints_and_resources_are_measured_without_the_warm_up():
    view = load_test(CPU, failed=5)
    (endpoint,) = endpoints(view)
    assert (endpoint.requests, endpoint.failures["http"], endpoint.error_rate) == (100, 10, 0.1)
    assert endpoint.max_ms < 100
    assert endpoint.rps == 200
    cpu, memory = resources(view)
    assert (cpu.name, cpu.mean, cpu.max, cpu.limit, cpu.met) == ("app-1.cpu", 0.4, 0.5, 0.9, True)
    assert (memory.name, memory.limit) == ("app-1.memory", None)


def test_a_good_load_test_is_a_list_of_yes_and_what_nobody_watched_is_unknown():
    assert checklist(load_test(api(), CPU)) == {
        "every endpoint within its service level": True,
        "error rate at most 1%": True,
        "resources within their limits": True,
        "no crash": None,
        "the load was the one asked for": True,
    }


@pytest.mark.parametrize(
    ("view", "criterion", "met"),
    [
        (load_test(api(900.0, met=False)), "every endpoint within its service level", False),
        (load_test(api(None, met=None)), "every endpoint within its service level", None),
        (load_test(), "every endpoint within its service level", None),
        (load_test(failed=3), "error rate at most 1%", False),
        (load_test(api()), "resources within their limits", None),
        (load_test(CPU.model_copy(update={"met": False})), "resources within their limits", False),
        (load_test(r.CrashSeen(source="database.main", what="restarted", text="it was")), "no crash", False),
        (load_test(CPU.model_copy(update={"about": "crash"})), "no crash", True),
        (load_test(users=5), "the load was the one asked for", False),
        (load_test(lag_ms=80.0), "the load was the one asked for", None),
        (load_test(r.LoadSteered(t=2.1, users=3)), "the load was the one asked for", False),
        (load_test(r.LoadProcessLost(t=2.1, pid=7, left=1)), "the load was the one asked for", False),
    ],
)
def test_each_criterion_has_its_own_answer(view, criterion, met):
    assert checklist(view)[criterion] is met


def test_levels_that_the_tags_leave_out_do_not_count():
    untouched = api(None, met=None).model_copy(update={"name": "page"})
    assert checklist(load_test(api(), untouched, tags=("payment",)))["every endpoint within its service level"] is True
    assert checklist(load_test(api(), untouched))["every endpoint within its service level"] is None


def test_a_run_with_faults_has_other_aims():
    assert criteria(load_test(api(), faults=(r.PlannedFault(id="f", name="slow", fault_kind="latency"),))) == ()


def test_the_reports_show_endpoints_resources_and_the_checklist(tmp_path):
    view = load_test(api(), CPU)
    for text in (markdown.render(view, tmp_path), html(view, tmp_path)):
        for word in ("Success criteria", "Endpoints", "Resources", "app-1.cpu", "no crash"):
            assert word in text
