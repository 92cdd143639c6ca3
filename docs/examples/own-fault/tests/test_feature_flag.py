"""gameday's conformance kit over the fault, and what only this fault promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gameday_feature_flag import FeatureFlagParams

from faults.conformance import FaultCase, FaultConformance
from faults.fault import FaultPlan
from faults.platform import Platform
from harness.clock import Deadline
from harness.reach.allow_list import AllowList


class TestFeatureFlag(FaultConformance):
    @pytest.fixture
    def flags(self, tmp_path: Path) -> Path:
        path = tmp_path / "flags.json"
        path.write_text('{"recommendations": true, "other": 1}')
        return path

    @pytest.fixture
    def case(self, flags: Path) -> FaultCase:
        params = FeatureFlagParams(file="flags.json", flag="recommendations", value=False)
        return FaultCase(
            plan=FaultPlan("f1", "no recommendations", "feature-flag", "", params, 0.0, 10.0, "platform"),
            place=Platform("shop", "http://127.0.0.1:8000", AllowList(["127.0.0.0/8"]), flags.parent),
            is_on=lambda: flags.exists() and json.loads(flags.read_text()).get("recommendations") is not True,
            sabotage=flags.unlink,
        )

    def test_a_flag_that_somebody_else_has_changed_is_left_alone(self, case: FaultCase, flags: Path) -> None:
        fault = case.fault()
        fault.prepare()
        fault.inject()
        flags.write_text('{"recommendations": "beta"}')
        assert fault.heal(Deadline.after(1.0)).rung == "absent"
        assert json.loads(flags.read_text()) == {"recommendations": "beta"}
