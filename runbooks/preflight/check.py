"""What preflight says: one line for each thing it looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from faults.objection import Objection
from runbooks.environment import Environment

READY, BAD_INPUT, REFUSED = 0, 2, 14


@dataclass(frozen=True, slots=True)
class Options:
    """`runs`: where run folders are made. `allow_production` is the opt-out of law 11 for the environment, `no_lease`
    the one for a Toxiproxy on another machine that nobody heals when we can't; `opt_outs` are those of the other guard
    rails, as they are typed."""

    allow_production: bool = False
    runs: Path = Path("runs")
    environment: Environment = field(default_factory=Environment.read)
    no_lease: bool = False
    opt_outs: frozenset[str] = frozenset()

    @property
    def waived(self) -> frozenset[str]:
        """Every opt-out of a guard rail."""
        return self.opt_outs | ({"--allow-production"} if self.allow_production else frozenset())


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `ok` None: a warning, or it can't be known without touching something.

    `refusal`: not broken but too dangerous; `mend` names the opt-out then.
    """

    area: str
    name: str
    ok: bool | None
    detail: str
    mend: str = ""
    refusal: bool = False


@dataclass(frozen=True, slots=True)
class Preflight:
    """All checks, in the order of the areas."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True when the game day can be played, and may be; warnings don't count."""
        return not any(check.ok is False for check in self.checks)

    @property
    def refused(self) -> bool:
        return any(check.ok is False and check.refusal for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0, 14 when anything is refused, else 2 when anything is broken."""
        if self.refused:
            return REFUSED
        return READY if self.ok else BAD_INPUT


def good(area: str, name: str, detail: str) -> Check:
    return Check(area, name, ok=True, detail=detail)


def warning(area: str, name: str, detail: str, mend: str = "") -> Check:
    return Check(area, name, ok=None, detail=detail, mend=mend)


def bad(area: str, name: str, detail: str, mend: str = "") -> Check:
    return Check(area, name, ok=False, detail=detail, mend=mend)


def refused(area: str, name: str, detail: str, mend: str) -> Check:
    return Check(area, name, ok=False, detail=detail, mend=mend, refusal=True)


def objected(area: str, name: str, found: Iterable[Objection]) -> list[Check]:
    """A line for each."""
    return [Check(area, name, ok=False, detail=o.what, mend=o.mend, refusal=o.refusal) for o in found]
