"""What a fault on a host took is put down to that fault, and not to the platform or its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.journal.record import FaultHealed, FaultInjected, LevelJudged, Proof, RequestStats, Window

if TYPE_CHECKING:
    from tests.harness.analysis.conftest import Run

HOST = {"cpu": 0.97, "steal": 0.0, "cpus": 2.0, "load": 3.0, "memory": 0.3, "swap": 0.0}
S, E = 26.0, 40.0  # within the faults phase


def suffering(run: Run, kind: str, *, proven: bool = True, on: str = "host") -> Run:
    for i in range(round((E - S) * 4)):
        start = S + i * 0.25
        stats = RequestStats(requests=2, failures={"http": 1}, histogram={100: 2})
        run.records.append(Window(t=start + 0.25, start=start, end=start + 0.25, names={"GET /a": stats}, users=25))
    run.reading("app-1", S, E, **HOST)
    run.records.append(
        FaultInjected(t=S, fault_id="f1", name="the neighbour", fault_kind=kind, on=on, place="app-1")  # type: ignore[arg-type]
    )
    run.records.append(
        Proof(t=S + 1, fault_id="f1", side="wire", expected="it is taken", measured="it was taken", effective=proven)
    )
    run.records.append(FaultHealed(t=E, fault_id="f1", by="conductor"))
    text = "api error rate 50%, limit 1%: not met"
    run.records.append(
        LevelJudged(
            t=E,
            name="api",
            phase="faults",
            value=0.5,
            limit=0.01,
            unit="fraction",
            met=False,
            error_rate=0.5,
            text=text,
        )
    )
    return run


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("host-cpu", "cpu"),
        ("host-memory", "memory"),
        ("host-disk", "disk-io"),
        ("host-disk-io", "disk-io"),
        ("host-network", "network"),
        ("process-pause", "dependency-down"),
        ("service-stop", "dependency-down"),
    ],
)
def test_the_fault_explains_its_cause(run: Run, kind: str, cause: str) -> None:
    [finding] = [f for f in suffering(run, kind).findings() if f.cause == cause]
    assert finding.explained_by_fault == "f1"
    assert (
        f'The injected fault "the neighbour" ({kind} on app-1) explains this by itself: it was taken' in finding.summary
    )
    assert [piece.line is not None for piece in finding.evidence][:2] == [True, True]


def test_a_fault_that_was_not_shown_or_sits_elsewhere_explains_nothing(run: Run) -> None:
    assert all(f.explained_by_fault is None for f in suffering(run, "host-cpu", proven=False).findings())


def test_a_fault_of_that_name_on_no_host_explains_nothing(run: Run) -> None:
    assert all(f.explained_by_fault is None for f in suffering(run, "host-cpu", on="platform").findings())
