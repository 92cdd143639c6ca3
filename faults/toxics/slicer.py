"""Slicer: data arrives in small slices, with a pause after each."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from faults.fault import FaultPlan
from faults.quantity import Seconds, Size, say_seconds, say_size
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxic_params import ToxicParams
from faults.wire_amount import LEAST_MS, Slowed
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

# Toxiproxy reads 32 KiB at a time, and slices what it has read: larger slices are none
LARGEST_BYTES = 16 * 1024
SHORTEST_S = 0.0001
LONGEST_S = 10.0
_TIMER_MS = 1.5  # by which a short pause of the server's may be longer than asked
_LEAST_SLICES = 3
_SMALL_ANSWER_BYTES = 1000
_LEAST_SLOWER_MS = 40.0


class SlicerParams(ToxicParams):
    """Slices of `average_size` bytes, give or take `variation`, and `delay` seconds after each.

    Toxiproxy halves what it has read until a slice is average_size + variation at most: so slices are smaller than
    that, and may be half of it. An average size of 0, or a variation as large as the average, kills the server.
    """

    average_size: Annotated[Size, Field(ge=1, le=LARGEST_BYTES)]
    variation: Size = 0
    delay: Annotated[Seconds, Field(ge=SHORTEST_S, le=LONGEST_S)]

    @model_validator(mode="after")
    def _variation_below_average(self) -> Self:
        if self.variation >= self.average_size:
            raise ValueError("variation must be less than average_size -> else it would kill the server")
        return self

    @property
    def largest_bytes(self) -> int:
        return self.average_size + self.variation

    @property
    def smallest_bytes(self) -> float:
        return max(1.0, (self.average_size - self.variation) / 2)

    @property
    def shortest_s(self) -> float:
        return 2 * _LEAST_SLICES * self.delay

    @property
    def needs_bytes(self) -> int:
        return self.largest_bytes * (2 + math.ceil(LEAST_MS / (self.delay * 1000)))


def slicer(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are SlicerParams."""
    params = plan.params
    assert isinstance(params, SlicerParams)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="slicer",
        stream=params.stream,
        toxicity=params.toxicity,
        attributes={
            "average_size": params.average_size,
            "size_variation": params.variation,
            "delay": round(params.delay * 1_000_000),  # this one is in microseconds
        },
    )
    delay_ms = params.delay * 1000

    def least_ms(carried_bytes: int) -> float:
        # the pause behind the last slice holds nothing back
        return max(0, math.ceil(carried_bytes / params.largest_bytes) - 1) * delay_ms

    def most_ms(carried_bytes: int) -> float:
        return (carried_bytes / params.smallest_bytes + 2) * (delay_ms + _TIMER_MS)

    per_byte_ms = (delay_ms + _TIMER_MS) / params.largest_bytes
    least = _LEAST_SLICES * params.largest_bytes
    rule = Slowed(_what(params), params.stream, per_byte_ms, least_ms, most_ms, params.toxicity, least)
    slower_ms = max(_LEAST_SLOWER_MS, least_ms(_SMALL_ANSWER_BYTES))
    return ToxicFault(plan, proxy, toxic, rule=rule, delay_ms=slower_ms)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, SlicerParams)
    return f"data arrives in {_what(params)}"


def _what(params: SlicerParams) -> str:
    give = f" (give or take {params.variation})" if params.variation else ""
    return f"slices of {say_size(params.average_size)}{give} {params.stream}, {say_seconds(params.delay)} after each"
