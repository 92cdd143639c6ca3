"""What a fault on containers explains by itself, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.journal.record import CrashSeen, FaultHealed, FaultInjected, Proof

if TYPE_CHECKING:
    from tests.harness.analysis.conftest import Run

BASELINE_S = 10.0


def hit(run: Run, kind: str, *shorts: str, measured: str = "as expected") -> Run:
    """A fault on containers while requests fail, proven."""
    run.load(BASELINE_S, 20).load(20, 30, failed=6, kind="connection").breach(30, 20.5)
    run.records += [
        FaultInjected(
            t=20, fault_id="f1", name="the fault", fault_kind=kind, on="container", place="web-*", hit=shorts
        ),
        Proof(t=21, fault_id="f1", side="wire", expected="it", measured=measured, effective=True),
        Proof(t=22, fault_id="f1", side="platform", expected="it", measured="errors", effective=True),
        FaultHealed(t=31, fault_id="f1", by="conductor"),
    ]
    return run


def crash(run: Run, short: str, what: str = "exited") -> Run:
    text = f"the container {short} was ended by SIGSEGV (exit code 139)"
    run.records.append(CrashSeen(t=22, source=f"container.{short}", what=what, text=text, exit_code=139))
    return run


def explained(run: Run, cause: str) -> str | None:
    [finding] = [f for f in run.findings() if f.cause == cause]
    return finding.explained_by_fault


@pytest.mark.parametrize("kind", ["container-pause", "container-network", "container-kill", "container-memory"])
def test_the_death_of_a_container_that_was_hit_is_explained(run: Run, kind: str) -> None:
    assert explained(crash(hit(run, kind, "web-1", "web-2"), "web-2"), "crash") == "f1"


@pytest.mark.parametrize("kind", ["container-pause", "container-kill"])
def test_the_death_of_another_container_is_what_the_exercise_was_to_find_out(run: Run, kind: str) -> None:
    assert explained(crash(crash(hit(run, kind, "db"), "db"), "api"), "crash") is None


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("container-pause", "dependency-down"),
        ("container-stop", "dependency-down"),
        ("container-kill", "dependency-down"),
        ("container-restart", "dependency-down"),
        ("container-network", "dependency-down"),
        ("container-cpu", "cpu"),
        ("container-memory", "memory"),
    ],
)
def test_what_a_container_s_fault_brings_about_is_named_with_the_fault_and_who_was_hit(
    run: Run, kind: str, cause: str
) -> None:
    hit(run, kind, "web-1", "web-2", measured="web-1 says nothing")

    [finding] = [f for f in run.findings() if f.explained_by_fault == "f1"]

    assert finding.cause == cause
    assert f'"the fault" ({kind} on web-1, web-2) explains this by itself: web-1 says nothing' in finding.summary
