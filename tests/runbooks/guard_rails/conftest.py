"""A target and a runbook for the rails, and a moment to look at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from faults.fault import FaultPlan, PlaceKind
from harness.analysis.service_level import RequestLevel
from harness.clock import Deadline
from runbooks.guard_rails.rail import Moment
from runbooks.runbook import LoadPlan, Phases, Runbook
from runbooks.target import Target


class Params(BaseModel):
    """What the kinds of other places may have."""

    count: int | None = None
    share: float | None = None
    sessions: int | None = None


class Leave(BaseModel):
    """A kind that takes all but a few."""

    leave: int = 3


Fault = Callable[..., FaultPlan]
MomentOf = Callable[..., Moment]


@pytest.fixture
def fault() -> Fault:
    """`fault("proxy", "postgres", at, for_, count=2)`."""
    numbers = iter(range(1, 1000))

    def made(
        on: PlaceKind = "proxy", place: str = "postgres", at: float = 0, for_: float = 10, **params: float
    ) -> FaultPlan:
        number = next(numbers)
        shape: BaseModel = Leave(**params) if "leave" in params else Params(**params)  # type: ignore[arg-type]
        return FaultPlan(f"f{number}", f"fault {number}", "kind", place, shape, at, for_, on)

    return made


@pytest.fixture
def moment(tmp_path: Path) -> MomentOf:
    """`moment(*faults, now=..., rest_s=..., **what the target says)`; its runbook takes 40 s."""
    target = Target(
        path=tmp_path / "target.yaml", text="", name="t", environment="practice", base_url="http://127.0.0.1:1",
        allow=("127.0.0.0/8",), toxiproxy=None, proxies={}, databases={}, caches={}, hosts={},
    )  # fmt: skip
    runbook = Runbook(
        path=tmp_path / "book.yaml", text="", title="t", hypothesis="h", expect="held",
        load=LoadPlan(tmp_path / "locustfile.py"), phases=Phases(10, 10, 20), recover_within_s=20,
        service_levels=(RequestLevel("api", "*", p95_ms=200.0),), faults=(), stop_when=(), collect=(), rollback=(),
        slack_channel="",
    )  # fmt: skip

    def made(*faults: FaultPlan, now: datetime | None = None, rest_s: float = 40.0, **said: object) -> Moment:
        return Moment(
            replace(runbook, faults=faults), replace(target, **said), now or datetime(2026, 6, 1, 12, tzinfo=UTC),
            rest_s, Deadline.after(5.0),
        )  # fmt: skip

    return made
