"""The undo records of faults that are not ours: of plugins, and of Chaos Toolkit's extensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from faults.undo import Undo


class ExtensionUndo(Undo):
    """What the fault of a plugin left. The kind `kind` of the entry point `entry_point` heals it, from `payload` alone.

    A plugin gives `payload`, which must hold no secret (name where it is found instead), `command`, what a person types
    where the plugin is not there any more, and `what`, what is left, in words. The rest is filled in.
    """

    door: Literal["extension"] = "extension"
    payload: Mapping[str, JsonValue] = Field(default_factory=dict)
    command: str
    what: str = ""
    kind: str = ""
    entry_point: str = ""
    distribution: str = ""


class ActivityUndo(Undo):
    """Run the activity `rollback` of a Chaos Toolkit extension; none where it is ().

    It stands here as JSON in pieces: whole, a reference to a secret could look like a secret itself to the journal's
    redaction. `timeout_s`: how long it may take.
    """

    door: Literal["activity"] = "activity"
    action: str
    rollback: tuple[str, ...]
    timeout_s: float
