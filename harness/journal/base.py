"""What all records have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """The base of all records."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    t: float = 0.0
