"""Production is known however people spell it, and what only sounds like it is not."""

from __future__ import annotations

import pytest

from runbooks.guard_rails.production import is_production


@pytest.mark.parametrize(
    "environment",
    ["production", "PRODUCTION", "prod", "Prod1", "prod-2", "prod.eu", "eu/prod", "eu prod", "eu_prod", "live!",
     "production2", "non-eu-prod", "pre-sales-live", "\uff50rod", "prod\u200b"],
)  # fmt: skip
def test_production_is_known_however_it_is_spelt(environment: str) -> None:
    assert is_production(environment)


@pytest.mark.parametrize(
    "environment",
    ["practice", "staging", "non-prod", "nonprod", "not production", "preprod", "pre-production", "delivery",
     "product-demo", "productive"],
)  # fmt: skip
def test_what_only_sounds_like_production_is_none(environment: str) -> None:
    assert not is_production(environment)
