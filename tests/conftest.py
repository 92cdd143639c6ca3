"""What tests of several rooms share: a Slack on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_slack import GOOD_TOKEN, FakeSlack, serving


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSlack]:
    """Nothing in between: a proxy of this machine's is not asked."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as fake:
        yield fake


@pytest.fixture
def good_token() -> str:
    return GOOD_TOKEN
