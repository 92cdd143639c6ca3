"""The guard rails: one line for each, whether it lets the game day pass, refuses it, or was waived."""

from __future__ import annotations

from runbooks.guard_rails.guard_rails import Answer, GuardRails
from runbooks.guard_rails.permit import mend_of
from runbooks.preflight.check import Check, good, refused, warning

AREA = "guard rail"


def check_rails(rails: GuardRails) -> list[Check]:
    """One line for each rail."""
    return [_check(answer) for answer in rails.ask()]


def _check(answer: Answer) -> Check:
    if answer.state == "ok":
        return good(AREA, answer.rail, answer.detail)
    if answer.state == "waived":
        return warning(AREA, answer.rail, f"{answer.detail} (waived by {answer.opt_out})")
    return refused(AREA, answer.rail, answer.detail, mend_of(answer))
