"""The parameters that every fault by sessions of the exhausting role has."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults.exhausting_role import Allowed
from faults.quantity import Seconds


class LeasedParams(BaseModel):
    """`lease`: how soon the server ends a session that is not renewed. `allow_*`: what is refused else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lease: Annotated[Seconds, Field(ge=2.0, le=60.0, description="the server ends what isn't renewed so long")] = 10.0
    allow_superuser: bool | None = Field(default=None, description="though the exhausting role is a superuser")
    allow_reserved: bool | None = Field(default=None, description="though it may use the reserved slots")
    allow_replication: bool | None = Field(default=None, description="though it has REPLICATION")
    allow_unlimited: bool | None = Field(default=None, description="though it has no connection limit")

    @property
    def allowed(self) -> Allowed:
        return Allowed(
            superuser=self.allow_superuser is True,
            reserved=self.allow_reserved is True,
            replication=self.allow_replication is True,
            unlimited=self.allow_unlimited is True,
        )
