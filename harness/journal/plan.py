"""The runbook's plan, as the journal holds it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PlannedLevel(BaseModel):
    """A service level as the runbook has it. `text` reads aloud, such as "api p95 < 200 ms"."""

    model_config = ConfigDict(frozen=True)

    name: str
    text: str
    unit: Literal["ms", "fraction", "count", "value", "s"]
    limit: float
    of: str = ""  # the "METHOD name" glob, the reading or the query it looks at


class PlannedFault(BaseModel):
    """A fault as the runbook has it: `at` and `for_s` in seconds on the timeline of the faults phase."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    fault_kind: str
    proxy: str = ""
    database: str = ""
    on: str = ""
    place: str = ""
    params: dict[str, float | str | bool] = Field(default_factory=dict)
    at: float = 0.0
    for_s: float = 0.0


class PlannedRollback(BaseModel):
    """A step of the rollback plan, with all that a later process needs to run it: the run folder is enough."""

    model_config = ConfigDict(frozen=True)

    host: str = ""
    run: str
    when: str = "asked"
    container: str = ""
    name: str = ""
    timeout_s: float = 60.0
    ssh: str = ""
    identity: str = ""
    known_hosts: str = ""

    @property
    def where(self) -> str:
        """The place by its name."""
        return self.host or self.container or "here"
