"""Names for sandboxes that no other test run has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_visitor import NAME

from runbooks.sandbox.sandbox import take_down


@pytest.fixture
def own() -> Iterator[str]:
    """A name of the test's own; whatever stands under it is taken down."""
    name = f"{NAME}-own"
    yield name
    take_down(name)
