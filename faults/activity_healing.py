"""Takes an action of a Chaos Toolkit extension back, by its rollback, in any process."""

from __future__ import annotations

import re
import threading

from faults.extension_undo import ActivityUndo
from faults.fault import Healed
from harness.clock import Deadline
from harness.errors import BadInput, NotHealed, ReachFailed
from harness.reach.activity import Activity, as_json, from_json, perform
from harness.reach.allow_list import AllowList

_CUT = re.compile(r"([\"'{}\[\]:,=@\s]|\\)")
_LEAST_S = 0.2


def in_pieces(activity: Activity | None) -> tuple[str, ...]:
    """An activity as its undo record holds it; () for none."""
    return tuple(piece for piece in _CUT.split(as_json(activity)) if piece) if activity is not None else ()


def rollback_of(undo: ActivityUndo) -> Activity | None:
    """The activity that takes it back; None where there is none to be run. Raises ValueError for a damaged record."""
    return from_json("".join(undo.rollback)) if undo.rollback else None


def roll_back(undo: ActivityUndo, deadline: Deadline, _allow: AllowList) -> Healed:
    """Run the rollback once more: a rollback must be one that can be run twice. Raises NotHealed."""
    if not undo.rollback:
        return Healed("nothing to undo")
    try:
        activity = rollback_of(undo)
        assert activity is not None
        timeout_s = max(_LEAST_S, min(undo.timeout_s, deadline.left_s()))
        perform(activity, timeout_s=timeout_s, given_up=threading.Event())
    except (ReachFailed, BadInput, ValueError) as error:
        text = f"{undo.fault_id} could not be taken off: the rollback of {undo.action} failed: {error}"
        raise NotHealed(text, mend=command(undo)) from error
    return Healed("rollback")


def command(undo: ActivityUndo) -> str:
    """What a person types, where the extension is installed."""
    try:
        activity = rollback_of(undo)
    except ValueError:
        activity = None
    if activity is None:
        return f"see what {undo.action} did, and take it back"
    return activity.command or f"gameday heal  # it runs {activity}"


def what(undo: ActivityUndo) -> str:
    """What is left, in words."""
    return f"what {undo.action} did"
