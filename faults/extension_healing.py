"""Takes the fault of a plugin off by its undo record: the plugin is loaded again, in any process, and asked to."""

from __future__ import annotations

from faults.extension_undo import ExtensionUndo
from faults.fault import Healed
from faults.foreign_call import foreign_call
from harness.clock import Deadline
from harness.errors import GamedayError, NotHealed
from harness.reach.allow_list import AllowList

_LEAST_S = 0.2


def heal_extension(undo: ExtensionUndo, deadline: Deadline, _allow: AllowList) -> Healed:
    """Idempotent, as far as the plugin keeps its word. Raises NotHealed with the plugin's own command."""
    from faults import extensions  # noqa: PLC0415 - every process of ours imports this, and few heal a plugin's fault

    extension = extensions.load(undo.entry_point)
    if extension is None:
        raise _not_healed(undo, f"the plugin {undo.entry_point} of {undo.distribution} is not installed here")
    kind = next((kind for kind in extension.kinds if kind.name == undo.kind), None)
    if kind is None or kind.heal is None:
        raise _not_healed(undo, f"{extension} {extension.problem or f'has no kind {undo.kind!r} any more'}")
    heal, where = kind.heal, f"{undo.fault_id} ({undo.kind})"
    try:
        healed: object = foreign_call(
            lambda: heal(undo, deadline),
            whose=f"heal of {extension}",
            timeout_s=max(_LEAST_S, deadline.left_s()),
            where=where,
        )
    except NotHealed as error:
        raise NotHealed(error.what, where=error.where, mend=error.mend or undo.command) from error
    except GamedayError as error:
        raise _not_healed(undo, error.what) from error
    if not isinstance(healed, Healed):
        raise _not_healed(undo, f"{extension} does not say how it took it off: its heal returns no Healed")
    return healed


def command(undo: ExtensionUndo) -> str:
    """What a person types, as the plugin says."""
    return undo.command


def what(undo: ExtensionUndo) -> str:
    """What is left, in words."""
    return undo.what or undo.kind


def _not_healed(undo: ExtensionUndo, why: str) -> NotHealed:
    return NotHealed(f"{undo.fault_id} could not be taken off: {why}", where=undo.what, mend=undo.command)
