"""What speaks against a fault before it is injected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import ReachFailed, Refused


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason not to. `refusal`: too dangerous rather than unfit; `mend` names the opt-out then."""

    what: str
    mend: str
    refusal: bool = False


def heed(found: Sequence[Objection], where: str) -> None:
    """Raises Refused or ReachFailed with the first of them, where there is any."""
    if found:
        kind = Refused if found[0].refusal else ReachFailed
        raise kind(found[0].what, where=where, mend=found[0].mend)
