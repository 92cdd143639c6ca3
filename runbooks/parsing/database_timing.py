"""Which faults on one database can be on at once, each still measured by itself."""

from __future__ import annotations

from collections.abc import Sequence

from faults.fault import FaultPlan
from faults.quantity import say_seconds
from runbooks.parsing.validation import Checked

_SLOTS = "slot-exhaustion"


def check_databases(plans: Sequence[FaultPlan], checked: Checked) -> None:
    """A defect for each fault that starts while another on its database leaves it nothing, or can't be told from it."""
    placed = sorted((p for p in plans if p.database), key=lambda p: p.at_s)
    for index, second in enumerate(placed):
        for first in placed[:index]:
            if first.database == second.database and second.at_s < first.at_s + first.for_s:
                _check_pair(first, second, checked)


def _check_pair(first: FaultPlan, second: FaultPlan, checked: Checked) -> None:
    """`second` starts while `first` is on, on the same database."""
    names, database = f"{first.name!r} and {second.name!r}", repr(second.database)
    if first.kind == second.kind == _SLOTS:
        what = f"{names} take the slots of {database} at once"
    elif _SLOTS in (first.kind, second.kind):
        what = f"{names} are on at once: the one takes the slots of {database} that the other's sessions need"
    elif first.kind == second.kind and _table(first) == _table(second):
        what = f"{names} are both {first.kind} on {_table(first) or database} at once: the second could not be measured"
    else:
        return
    mend = f"start {second.name!r} at {say_seconds(first.at_s + first.for_s)} or later, or make them one"
    checked.defect(("faults", int(second.id[1:]) - 1), what, mend)


def _table(plan: FaultPlan) -> str:
    return str(getattr(plan.params, "table", None) or "")
