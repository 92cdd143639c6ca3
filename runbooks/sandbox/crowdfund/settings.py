"""What the application is told at its start."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

# Published on purpose: the scenario signs with it when PAYSTACK_SECRET_KEY is not set, and it opens nothing.
PRACTICE_PAYSTACK_SECRET = "gameday-practice-secret"  # noqa: S105 - see above


class Settings(BaseModel):
    """Addresses are as the application reaches them: through the proxies, unless it bypasses them."""

    model_config = ConfigDict(frozen=True)

    database_dsn: str
    cache_url: str
    paystack_url: str
    application_log: Path
    access_log: Path
    token_secret: str
    paystack_secret: str = PRACTICE_PAYSTACK_SECRET
    pool_size: int = 10
    pool_timeout_s: float = 1.0
    cache_timeout_s: float = 0.2
    paystack_timeout_s: float = 4.0

    @classmethod
    def read(cls, path: Path) -> Settings:
        return cls.model_validate_json(path.read_bytes())
