"""The guide's example plugin, installed as a person installs it: it passes the kit, and gameday knows its kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "own-fault"


def run(*command: str, environment: Mapping[str, str], timeout_s: float = 100.0) -> str:
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(200)
def test_the_example_of_the_guide_is_installed_listed_and_passes_the_kit(tmp_path: Path) -> None:
    source, site = tmp_path / "own-fault", tmp_path / "site"
    shutil.copytree(EXAMPLE, source)
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "--disable-pip-version-check", "--target", str(site), str(source), environment=os.environ)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    page = run(str(Path(sys.executable).parent / "gameday"), "faults", "feature-flag", environment=environment)
    pytest_command = (sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:locust")
    kit = run(*pytest_command, "-c", "/dev/null", "--rootdir", str(source), str(source), environment=environment)

    assert "a feature flag of the platform is set" in page
    assert "gameday-feature-flag 1.0.0" in " ".join(page.split())
    assert "13 passed" in kit
