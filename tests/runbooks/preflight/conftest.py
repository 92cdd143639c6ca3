"""Preflight against a world made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from preflight_world import RUNBOOK, TARGET, FakeWorld

from runbooks.environment import Environment
from runbooks.preflight import Options, Preflight, preflight
from runbooks.runbook import Runbook
from runbooks.target import Target

Look = Callable[..., Preflight]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Preflight with sound inputs; keywords change them."""

    def run(
        world: FakeWorld | None = None,
        runbook: Runbook = RUNBOOK,
        target: Target = TARGET,
        token: str | None = None,
        **more: object,
    ) -> Preflight:
        options = Options(runs=tmp_path / "runs", environment=Environment(slack_token=token), **more)  # type: ignore[arg-type]
        return preflight(runbook, target, options=options, world=world or FakeWorld())

    return run
