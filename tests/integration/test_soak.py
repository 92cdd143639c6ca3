"""A small soak: whatever is killed at whatever moment of a real game day, nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults.toxiproxy_binary import find_or_build
from harness.clock import Deadline

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
ROOT = Path(__file__).parents[2]


def test_random_kills_leave_nothing_behind() -> None:
    find_or_build(Deadline.after(300))
    command = [sys.executable, "-m", "bench.soak", "--trials", "3", "--jobs", "1", "--seed", "38"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=380,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(": ok in ") == 3
