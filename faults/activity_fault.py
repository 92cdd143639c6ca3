"""An action of a Chaos Toolkit extension as a fault: proven by a probe of it, taken back by a rollback.

The probe's tolerance says what it answers when all is well, as in a steady-state hypothesis: within it before, outside
of it under the fault, within it again after healing.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_serializer,
    model_validator,
)

from faults import activity_healing
from faults.effect import judge
from faults.extension_undo import ActivityUndo
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.observation import Observation
from faults.platform import Platform
from faults.quantity import Seconds
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed
from harness.reach.activity import Activity, Performed, perform
from harness.reach.allow_list import AllowList
from harness.redaction import Redactor

LONGEST_ACTION_S = 120.0
PROBE_S = 5.0
ROLLBACK_S = 60.0
_PRESENT_EVERY_S = 5.0
_AGAIN_S = 0.2
_ANY_SLOWER_MS = 10.0
_NO_DOORS = AllowList(())  # no door of ours is opened
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_DOTTED = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"
_WRITTEN_OUT = "holds what looks like a secret -> write ${NAME} there: it is found in the environment when it is run"


class ActivityParams(BaseModel):
    """A function of an installed extension. A `${NAME}` in its arguments stays as it is written: it is found in the
    `configuration` or `secrets` beside it, else in the environment, when the function is called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["python"] = Field(default="python", description="the provider; only functions are run")
    module: str = Field(pattern=_DOTTED, description="such as chaosaws.ec2.actions")
    func: str = Field(pattern=r"^[A-Za-z_]\w*$")
    arguments: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_secrets_only(self) -> Self:
        check_by_reference(self.arguments)
        return self

    @model_serializer
    def said(self) -> str:
        """ "chaosaws.ec2.actions.stop_instance(id="i-1")": so it stands in the journal."""
        return str(self.activity({}, {}))

    def __str__(self) -> str:
        return self.said()

    def activity(self, configuration: Mapping[str, object], secrets: Mapping[str, object]) -> Activity:
        return Activity(self.module, self.func, self.arguments, configuration, secrets)


class ProbeParams(ActivityParams):
    """A probe, and what it answers when all is well, in Chaos Toolkit's words."""

    tolerance: Annotated[JsonValue, Field(description="true, 200, [1, 5], a text, {type: range | regex | jsonpath}")]

    @model_validator(mode="after")
    def _has_a_tolerance(self) -> Self:
        if self.tolerance is None or isinstance(self.tolerance, float):
            raise ValueError("the tolerance is a truth value, a whole number, a text, a list or a mapping")
        return self

    def activity(self, configuration: Mapping[str, object], secrets: Mapping[str, object]) -> Activity:
        return Activity(self.module, self.func, self.arguments, configuration, secrets, self.tolerance)


class ToolkitSettings(BaseModel):
    """Chaos Toolkit's own two sections of an experiment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    configuration: dict[str, JsonValue] = Field(default_factory=dict, description="{region: eu-west-1}")
    secrets: dict[str, dict[str, dict[str, JsonValue]]] = Field(
        default_factory=dict, description="{aws: {token: {type: env, key: AWS_TOKEN}}}; never the value itself"
    )

    @model_validator(mode="after")
    def _settings_name_secrets_only(self) -> Self:
        check_by_reference(self.configuration)
        for group, entries in self.secrets.items():
            for name, entry in entries.items():
                if entry.get("type") not in ("env", "vault") or not {"key", "path"} & entry.keys():
                    raise ValueError(f"the secret {group}.{name} needs its source -> write {{type: env, key: NAME}}")
        return self


def _a_way_back(value: object) -> object:
    if value == "none":
        return None
    if isinstance(value, Mapping | ActivityParams):
        return value
    raise ValueError('must say what takes the action back -> write {module: ..., func: ...}, or "none" for nothing')


def _none_is_a_word(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"const": "none"} if part == {"type": "null"} else part for part in schema["anyOf"]]


Rollback = Annotated[
    ActivityParams | None,
    BeforeValidator(_a_way_back),
    Field(description='"none" where there is nothing to take back', json_schema_extra=_none_is_a_word),
]


class ChaosToolkitParams(ToolkitSettings):
    """`rollback` takes `action` back, and may be run more than once; None, written "none": there is nothing to do."""

    action: ActivityParams
    rollback: Rollback
    probe: ProbeParams
    timeout: Annotated[Seconds, Field(ge=0.1, le=LONGEST_ACTION_S)] = 30.0

    @model_serializer
    def said(self) -> dict[str, object]:
        """Without what is only plumbing."""
        named = {"action": self.action, "rollback": self.rollback or "none", "probe": self.probe}
        return {**{key: str(value) for key, value in named.items()}, "timeout": self.timeout}

    @property
    def activities(self) -> tuple[Activity, ...]:
        """The action, the probe, and the rollback if there is one."""
        both = (self.configuration, self.secrets)
        found = (self.action.activity(*both), self.probe.activity(*both))
        return (*found, self.rollback.activity(*both)) if self.rollback is not None else found


def check_by_reference(values: Mapping[str, Any]) -> None:
    """Raises ValueError where a secret is written out: undo records and copies of the runbook would hold it."""
    open_text = json.loads(_REFERENCE.sub("", json.dumps(values)))
    if Redactor().value(open_text) != open_text:
        raise ValueError(_WRITTEN_OUT)


class ActivityFault:
    """The fault of one run. Each activity is run in a process of its own; all of them end when it is healed."""

    def __init__(self, plan: FaultPlan, _platform: Platform, _run: str) -> None:
        assert isinstance(plan.params, ChaosToolkitParams)
        self.plan = plan
        self._params = plan.params
        self._action, self._probe = plan.params.activities[:2]
        self._given_up = threading.Event()
        self._undo: ActivityUndo | None = None
        self._looked_s = float("-inf")
        self._there = False

    def prepare(self) -> ActivityUndo:
        answer = self._ask()
        if not answer.tolerated:
            text = f"the probe {self._probe.name} answers {answer.output!r} before the fault: not within its tolerance"
            mend = "mend the platform first, or the tolerance: it says what the probe answers when all is well"
            raise ReachFailed(text, where=self.plan.name, mend=mend)
        rollback = self._params.activities[2] if len(self._params.activities) > 2 else None
        self._undo = ActivityUndo(
            fault_id=self.plan.id,
            action=self._action.name,
            rollback=activity_healing.in_pieces(rollback),
            timeout_s=ROLLBACK_S,
        )
        return self._undo

    def inject(self) -> None:
        perform(self._action, timeout_s=self._params.timeout, given_up=self._given_up)

    def prove_wire(self) -> Effect:
        answer = self._ask()
        self._there, self._looked_s = not answer.tolerated, boot_s()
        expected = f"{self._probe.name} answers outside its tolerance"
        return Effect(expected, self._measured(answer), effective=not answer.tolerated)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return judge(before, during, delay_ms=_ANY_SLOWER_MS)

    def present(self) -> bool:
        """As the probe says; it is asked every 5 s at most, since each time is a process."""
        if boot_s() - self._looked_s >= _PRESENT_EVERY_S:
            self._there, self._looked_s = not self._ask().tolerated, boot_s()
        return self._there

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        self._given_up.set()  # an action that is under way would land after its rollback
        self._looked_s = float("-inf")
        return activity_healing.roll_back(self._undo, deadline, _NO_DOORS)

    def measure_healed(self, deadline: Deadline) -> Effect:
        expected = f"{self._probe.name} answers within its tolerance again"
        pause = threading.Event()
        while True:
            answer = perform(self._probe, timeout_s=max(_AGAIN_S, min(PROBE_S, deadline.left_s())))
            if answer.tolerated or deadline.left_s() < _AGAIN_S:
                return Effect(expected, self._measured(answer), effective=answer.tolerated)
            pause.wait(_AGAIN_S)

    def close(self) -> None:
        """Nothing is held open: each process ended with its answer."""

    def _ask(self) -> Performed:
        return perform(self._probe, timeout_s=PROBE_S)

    def _measured(self, answer: Performed) -> Measurement:
        return Measurement(f"{self._probe.name} answers {answer.output!r}", {"probe_ms": answer.took_ms})


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, ChaosToolkitParams)
    return f"{params.action} is run"
