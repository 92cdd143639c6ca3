"""Properties: whatever a file, a server or a host says, nobody sees a traceback and no fault stays on unsaid.

In a suite each property is tried with a few dozen inputs, always the same ones. `HYPOTHESIS_PROFILE=thorough pytest
tests/properties` tries some thousand others each time; what it finds is printed so that it can be tried again.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

# what is slow here is the machine: no time is ever measured. No database: runs leave nothing in the tree. No shrinking:
# it takes minutes, and what fails is printed whole
_COMMON = {
    "deadline": None,
    "database": None,
    "print_blob": True,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("suite", max_examples=30, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=1500, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Thousands of reports take longer than any test of the suite may."""
    if os.environ.get("HYPOTHESIS_PROFILE") == "thorough":
        for item in items:
            item.add_marker(pytest.mark.timeout(1800))
