"""What a stop condition is: a frozen value that folds messages into a state and says when it breaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from harness.journal.record import Breach, Readings, Window


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a condition is from its limit, for the live view. `share` 0..1 (1: at the limit); None: unknown."""

    text: str
    share: float | None


class Condition(Protocol):
    """A stop condition. `text` reads aloud; `step` is pure: the state before and a message give the state after
    and a Breach or nothing."""

    @property
    def text(self) -> str: ...

    def start(self) -> Any: ...

    def step(self, state: Any, message: Window | Readings) -> tuple[Any, Breach | None]: ...

    def distance(self, state: Any) -> Distance: ...


@runtime_checkable
class LearnsInWarmUp(Protocol):
    """A condition that keeps what it saw before it was armed; every other one starts fresh then."""

    def armed(self, state: Any) -> Any: ...
