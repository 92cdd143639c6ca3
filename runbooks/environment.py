"""The one reader of the environment: what gameday takes from it, and nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Environment:
    """`slack_token` from SLACK_BOT_TOKEN, `slack_url` from GAMEDAY_SLACK_URL (another Web API address, for tests)."""

    slack_token: str | None = field(default=None, repr=False)
    slack_url: str | None = None

    @classmethod
    def read(cls) -> Environment:
        return cls(os.environ.get("SLACK_BOT_TOKEN") or None, os.environ.get("GAMEDAY_SLACK_URL") or None)
