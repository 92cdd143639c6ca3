"""The plan with its times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from faults.catalog import KINDS
from faults.fault import FaultPlan
from harness.analysis.service_level import RequestLevel
from harness.guard.error_rate import ErrorRate
from runbooks.plan import clock, length_s, plan_of
from runbooks.preflight_table import plan_table
from runbooks.runbook import LoadPlan, Phases, Runbook

LATENCY = KINDS["latency"].params.model_validate({"latency": "50ms", "jitter": "10ms"})
RUNBOOK = Runbook(
    path=Path("drill.yaml"),
    text="",
    title="t",
    hypothesis="h",
    expect="stopped",
    load=LoadPlan(Path("locustfile.py"), users=100, spawn_rate=20.0),
    phases=Phases(10.0, 15.0, 20.0),
    recover_within_s=20.0,
    service_levels=(RequestLevel("api", "* *", p95_ms=200.0),),
    faults=(
        FaultPlan("f1", "no database", "down", "postgres", KINDS["down"].params(), 25.0, 30.0),
        FaultPlan("f2", "slow database", "latency", "postgres", LATENCY, 0.0, 20.5),
    ),
    stop_when=(ErrorRate(0.01),),
    collect=(),
    rollback=(),
    slack_channel="",
)


def test_phases_and_faults_have_their_times_since_the_start_in_their_order() -> None:
    assert [(row.start, row.end, row.what) for row in plan_of(RUNBOOK)] == [
        ("0:00", "0:10", "warm-up"),
        ("0:10", "0:25", "baseline"),
        ("0:25", "1:20", "faults"),
        ("0:25", "0:45.5", "slow database"),
        ("0:50", "1:20", "no database"),
        ("1:20", "1:40", "recovery"),
    ]
    assert length_s(RUNBOOK) == 100.0


def test_a_fault_s_parameters_are_said_as_people_write_them() -> None:
    assert plan_of(RUNBOOK)[3].how == "latency on postgres latency 50 ms jitter 10 ms"


def test_a_phase_of_no_length_is_left_out() -> None:
    plain = replace(RUNBOOK, faults=(), phases=Phases(0.0, 15.0, 0.0))

    assert [row.what for row in plan_of(plain)] == ["baseline"]


def test_the_clock_goes_on_past_a_minute() -> None:
    assert [clock(s) for s in (0, 9.96, 65, 65.5, 3600)] == ["0:00", "0:10", "1:05", "1:05.5", "60:00"]


def test_the_table_reads_well_in_80_columns_without_a_terminal() -> None:
    console = Console(width=80, force_terminal=False, color_system=None)

    with console.capture() as capture:
        console.print(plan_table(RUNBOOK))
    text = capture.get()

    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    assert "stops when error rate above 1%" in text
    assert "is expected to end: stopped" in text


def test_on_a_terminal_it_has_a_rule_below_its_headings() -> None:
    console = Console(width=80, force_terminal=True, color_system=None, legacy_windows=False)

    with console.capture() as capture:
        console.print(plan_table(RUNBOOK))

    assert "─" in capture.get()
