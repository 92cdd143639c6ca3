"""A step of the rollback plan as a person writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from runbooks.parsing.amount import Length, Text
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked, Entry
from runbooks.parsing.yaml_source import Place
from runbooks.runbook import RollbackStep

LONGEST_S = 3600.0
_PLACES = ("host", "container", "here")


class RollbackEntry(Entry):
    """A step of the platform's own way back: on a host, in a container, or here."""

    host: Text | None = Field(default=None, description="a host of the target")
    container: Text | None = Field(default=None, description="a Docker container, by its name")
    here: Literal[True] | None = Field(default=None, description="on this machine; so is a step that names no place")
    run: Text = Field(description="a command for that place's sh, as it is written")
    when: Literal["asked", "stopped", "not-held"] = Field(
        default="asked", description="asked: by a person; stopped, not-held: by itself after such a run"
    )
    name: Text | None = Field(default=None, description="what reports call it")
    timeout: Annotated[Length, Field(le=LONGEST_S)] = Field(default=60.0, json_schema_extra={"default": "60s"})


def check_rollback(steps: Sequence[Any], checked: Checked, names: TargetNames | None) -> None:
    """Defects for steps with two places, or with one that the target doesn't have."""
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            continue
        place: Place = ("emergency", "rollback", index)
        given = [key for key in _PLACES if key in step]
        if len(given) > 1:
            what = f"a step runs in one place, not on {' and '.join(given)}"
            checked.defect((*place, given[1]), what, "make a step for each")
        for key in (key for key in given if step[key] is None):
            # it would run on this machine instead
            checked.defect((*place, key), f"{key} has no value", f"name it, or leave {key!r} out to run the step here")
        if names is not None:
            _check_names(step, place, checked, names)


def _check_names(step: dict[str, Any], place: Place, checked: Checked, names: TargetNames) -> None:
    host, container = step.get("host"), step.get("container")
    if isinstance(host, str) and host and host not in names.hosts:
        mend = suggest(host, names.hosts, what="the target's hosts are")
        checked.defect((*place, "host"), f"unknown host {host!r}", mend)
    if not isinstance(container, str) or not container:
        return
    if names.containers is None:
        mend = "add containers: {labels: {...}} to the target, or run it on a host"
        checked.defect((*place, "container"), f"{container!r}: the target has no containers", mend)
    elif names.containers and container not in names.containers:
        mend = suggest(container, names.containers, what="the target's containers are")
        checked.defect((*place, "container"), f"unknown container {container!r}", mend)


def rollback_steps(entries: Sequence[RollbackEntry]) -> tuple[RollbackStep, ...]:
    """The values of sound entries."""
    return tuple(
        RollbackStep(
            host=entry.host or "",
            run=entry.run,
            when=entry.when,
            container=entry.container or "",
            name=entry.name or "",
            timeout_s=entry.timeout,
        )
        for entry in entries
    )
