"""The conformance kit over kinds of our own, each on its fake server."""

from __future__ import annotations

from typing import Any

import pytest

from faults.catalog import KINDS
from faults.conformance import FaultCase, FaultConformance
from faults.fault import FaultPlan

pytestmark = pytest.mark.timeout(120)


def plan(kind: str, **params: object) -> FaultPlan:
    return FaultPlan("f1", "a fault", kind, "pg", KINDS[kind].params.model_validate(params), 0.0, 10.0)


def broken(toxiproxy: Any) -> None:
    toxiproxy.proxies.clear()


class TestLatency(FaultConformance):
    @pytest.fixture
    def case(self, toxiproxy: Any, wire: Any) -> FaultCase:
        return FaultCase(
            plan=plan("latency", latency="50ms", jitter="5ms"),
            place=wire,
            is_on=lambda: bool(toxiproxy.toxics()) if toxiproxy.proxies else False,
            sabotage=toxiproxy.proxies.clear,
            proves=False,  # the fake delays nothing
        )


class TestDown(FaultConformance):
    @pytest.fixture
    def case(self, toxiproxy: Any, wire: Any) -> FaultCase:
        return FaultCase(
            plan=plan("down"),
            place=wire,
            is_on=lambda: bool(toxiproxy.proxies) and not toxiproxy.proxies["pg"]["enabled"],
            sabotage=toxiproxy.proxies.clear,
            proves=False,
        )
