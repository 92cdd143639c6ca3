"""A fault for gameday: a flag in a JSON file of feature flags is set for a while, then put back as it was found."""

from __future__ import annotations

import json
import shlex
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from faults.effect import judge
from faults.extension_undo import ExtensionUndo
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.kind import FaultKind
from faults.observation import Observation
from faults.platform import Platform
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed


class FeatureFlagParams(BaseModel):
    """The keys in a runbook. `extra="forbid"` makes a misspelt key a defect with its line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1, description="the JSON file of flags, relative to the target file")
    flag: str = Field(min_length=1)
    value: bool = False


def read_flags(path: Path) -> dict[str, Any]:
    """Raises ReachFailed: gameday's errors say what, where and how to mend it."""
    try:
        flags = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ReachFailed(f"the flags can't be read: {error}", where=str(path), mend="check `file`") from error
    if not isinstance(flags, dict):
        raise ReachFailed("the flags are no JSON object", where=str(path), mend="check `file`")
    return flags


def write_flags(path: Path, flags: dict[str, Any]) -> None:
    """All of it or nothing: the platform never reads half a file. Raises ReachFailed."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
            json.dump(flags, new, indent=2)
        Path(new.name).chmod(path.stat().st_mode & 0o777)
        Path(new.name).replace(path)
    except OSError as error:
        raise ReachFailed(f"the flags can't be written: {error}", where=str(path)) from error


def heal(undo: ExtensionUndo, deadline: Deadline) -> Healed:
    """Take it off by its undo record alone: this may be another process, after a crash, and the second time."""
    payload: Any = undo.payload
    path, flag = Path(payload["file"]), payload["flag"]
    try:
        flags = read_flags(path)
        if flag not in flags or flags[flag] != payload["ours"]:
            return Healed("absent", f"{flag} is not what the fault has set: it was left alone")
        if payload["found"]:
            flags[flag] = payload["was"]
        else:
            del flags[flag]
        write_flags(path, flags)
    except ReachFailed as error:
        raise NotHealed(f"{flag} could not be put back: {error}", where=str(path), mend=undo.command) from error
    return Healed("put back")


class FeatureFlag:
    """The fault of one run."""

    def __init__(self, plan: FaultPlan, platform: Platform, run: str) -> None:
        assert isinstance(plan.params, FeatureFlagParams)
        self.plan = plan
        self._params = plan.params
        self._path = platform.folder / plan.params.file
        self._undo: ExtensionUndo | None = None

    def prepare(self) -> ExtensionUndo:
        """Only reads. What it gives is on disk before `inject` is called."""
        flags, params = read_flags(self._path), self._params
        if flags.get(params.flag) == params.value:
            raise ReachFailed(f"{params.flag} is {params.value} already", where=str(self._path), mend="choose another")
        found = params.flag in flags
        self._undo = ExtensionUndo(
            fault_id=self.plan.id,
            payload={
                "file": str(self._path),
                "flag": params.flag,
                "ours": params.value,
                "found": found,
                "was": flags.get(params.flag),
            },
            command=f"$EDITOR {shlex.quote(str(self._path))}  # {params.flag} was {flags.get(params.flag)}",
            what=f"the flag {params.flag} in {self._path}",
        )
        return self._undo

    def inject(self) -> None:
        flags = read_flags(self._path)
        write_flags(self._path, {**flags, self._params.flag: self._params.value})

    def prove_wire(self) -> Effect:
        """Through the way that the platform takes: it reads the file."""
        value = read_flags(self._path).get(self._params.flag)
        text = f"{self._params.flag} is {value}"
        expected = f"{self._params.flag} is {self._params.value}"
        return Effect(expected, Measurement(text), effective=value == self._params.value)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        """`delay_ms`: what requests are slower by at least; None where they hang or fail."""
        return judge(before, during, delay_ms=10.0)

    def present(self) -> bool:
        return read_flags(self._path).get(self._params.flag) == self._params.value

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        return heal(self._undo, deadline)

    def measure_healed(self, deadline: Deadline) -> Effect:
        assert self._undo is not None
        value, was = read_flags(self._path).get(self._params.flag), self._undo.payload["was"]
        text = f"{self._params.flag} is {value}, and was {was} before"
        return Effect(f"{self._params.flag} is {was} again", Measurement(text), effective=value == was)

    def close(self) -> None:
        """Nothing is held open."""


def expected(params: BaseModel) -> str:
    assert isinstance(params, FeatureFlagParams)
    return f"the flag {params.flag} is {params.value}"


FEATURE_FLAG = FaultKind(
    "feature-flag",
    "a feature flag of the platform is set to `value`",
    FeatureFlagParams,
    FeatureFlag,
    expected,
    on="platform",
    needs="a JSON file of flags that the platform reads, and that gameday may write",
    proven="the file is read back",
    healed="the flag is put back as it was found, unless somebody else has changed it meanwhile",
    example="file: flags.json, flag: recommendations, value: false",
    heal=heal,
)
