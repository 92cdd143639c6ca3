"""Two runs side by side, as the journal holds it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Change = Literal["now met", "no longer met", "better", "worse", "no clear change", "unknown"]


class ComparedLevel(BaseModel):
    """One limit of a service level in one phase. `ratio` is after by before, None where that says nothing."""

    model_config = ConfigDict(frozen=True)

    name: str
    phase: str
    before: float | None
    after: float | None
    unit: str
    limit: float | None
    met_before: bool | None
    met_after: bool | None
    change: Change
    text: str = ""  # the level as the runbook has it: "api p95 <= 200 ms"
    ratio: float | None = None


class Comparison(BaseModel):
    """`run` is the one before; `differences`: what of the inputs differs, a sentence each."""

    model_config = ConfigDict(frozen=True)

    run: str
    levels: tuple[ComparedLevel, ...] = ()
    differences: tuple[str, ...] = Field(default=())
