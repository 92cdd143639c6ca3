"""What the parameters of Toxiproxy's toxics have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults.probe import Stream
from faults.quantity import Fraction


class ToxicParams(BaseModel):
    """`toxicity`: the share of connections (not of requests) that get it, drawn once for each connection.

    `stream` is upstream by default, where nothing large waits in the server: a toxic that holds back large responses
    to clients that give up wedges the server's control API.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    toxicity: Annotated[Fraction, Field(gt=0, description="of the connections")] = 1.0
    stream: Stream = "upstream"

    @property
    def shortest_s(self) -> float:
        """A fault that lasts less can't be proven."""
        return 0.0

    @property
    def needs_bytes(self) -> int:
        """How many bytes a probe must be able to carry in the direction of `stream` to prove it; 0: any will do."""
        return 0
