"""A runbook file, read into a frozen `Runbook` with every defect at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faults.fault import FaultPlan
from faults.quantity import say_seconds
from harness.analysis.alert_level import AlertLevel
from harness.analysis.service_level import ServiceLevel
from harness.guard.condition import Condition
from runbooks.parsing.alert_entry import Timeline, read_alerts
from runbooks.parsing.amount import LONGEST_S
from runbooks.parsing.as_played import AsPlayed
from runbooks.parsing.collect_entry import check_collect, everything
from runbooks.parsing.condition_entry import read_conditions
from runbooks.parsing.defects import Defects
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.fault_entry import read_faults
from runbooks.parsing.level_entry import read_levels
from runbooks.parsing.load_entry import check_load, read_load
from runbooks.parsing.reference import References
from runbooks.parsing.rollback_entry import check_rollback, rollback_steps
from runbooks.parsing.runbook_entries import LoadEntry, PhasesEntry, RecoverWithin, RunbookFile
from runbooks.parsing.toolkit_entry import toolkit_secrets
from runbooks.parsing.validation import Checked, quiet
from runbooks.parsing.yaml_source import YamlSource, read_yaml
from runbooks.runbook import LoadPlan, Phases, Runbook

_SECRET_NAME = re.compile(r"key|token|secret|pass|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RunbookReading:
    """What came of the file: `runbook` only where there is no defect."""

    runbook: Runbook | None
    defects: Defects


@dataclass(frozen=True, slots=True)
class _Parts:
    load: LoadPlan | None
    levels: tuple[ServiceLevel, ...]
    faults: tuple[FaultPlan, ...]
    conditions: tuple[Condition, ...]
    alerts: tuple[AlertLevel, ...] = ()


def read_runbook(
    path: Path, names: TargetNames | None, environment: Mapping[str, str], played: AsPlayed | None = None
) -> RunbookReading:
    """Reads and checks, against the target's names where they are known; never raises for what the file says.

    `played` stands in for what is in the file."""
    defects = Defects(str(path))
    source = read_yaml(path, defects, References(environment, path.parent).expand, played.text if played else None)
    if source is None:
        return RunbookReading(None, defects)
    if played is not None:
        played.put_into(source.value)
    checked = Checked(source, defects)
    file = checked.model(RunbookFile, source.value, ())
    parts = _parts(checked, path.parent, names)
    _check_timeline(checked, parts.faults)
    _check_emergency(checked, names)
    _check_expectation(checked)
    if file is None or parts.load is None or defects:
        return RunbookReading(None, defects)
    runbook = _runbook(path, source, file, parts, names)
    hidden = (*runbook.hidden, *toolkit_secrets(parts.faults, parts.levels, environment))
    return RunbookReading(replace(runbook, hidden=hidden), defects)


def _parts(checked: Checked, folder: Path, names: TargetNames | None) -> _Parts:
    value = checked.source.value
    load = quiet(LoadEntry, value.get("load"))
    levels = read_levels(_list(value.get("service_levels")), checked, names)
    stop_when = value.get("stop_when")
    check_load(folder, checked)
    faults = read_faults(_list(value.get("faults")), checked, names)
    return _Parts(
        load=read_load(load, folder) if load is not None else None,
        levels=levels,
        faults=faults,
        alerts=read_alerts(_list(value.get("alerts")), checked, names, _timeline(value, faults, levels)),
        conditions=read_conditions(stop_when if isinstance(stop_when, list) else None, checked, names, levels),
    )


def _timeline(value: Mapping[str, Any], faults: tuple[FaultPlan, ...], levels: tuple[ServiceLevel, ...]) -> Timeline:
    phases = quiet(PhasesEntry, value.get("phases", {}))
    rest_s = None
    if phases is not None:
        rest_s = max([phases.faults or 0.0, *(f.at_s + f.for_s for f in faults)]) + phases.recovery
    taken, any_fault = frozenset(level.name for level in levels), bool(value.get("faults"))
    return Timeline(faults, rest_s, value.get("stop_when") != [], taken, any_fault)


def _check_timeline(checked: Checked, faults: tuple[FaultPlan, ...]) -> None:
    value = checked.source.value
    phases = quiet(PhasesEntry, value.get("phases", {}))
    if phases is None:
        return
    for fault in faults:
        end_s = fault.at_s + fault.for_s
        if phases.faults is not None and end_s > phases.faults + 1e-9:
            what = f"the fault {fault.name!r} ends at {say_seconds(end_s)}, past the faults phase"
            mend = f"write phases.faults: {end_s:g}s or more, or leave it out"
            checked.defect(("faults", int(fault.id[1:]) - 1), what, mend)
        elif end_s > LONGEST_S:
            what = f"the fault {fault.name!r} ends {end_s / 3600:.4g} h after the start of the faults phase"
            checked.defect(("faults", int(fault.id[1:]) - 1), what, "a phase lasts at most 24h")
    if faults and phases.recovery <= 0:
        checked.defect(("phases", "recovery"), "without a recovery phase nobody sees the faults go", "write 20s")
    within = quiet(RecoverWithin, {"recover_within": value.get("recover_within")})
    if within is not None and within.recover_within > phases.recovery:
        what = f"recover_within is longer than the recovery phase of {say_seconds(phases.recovery)}"
        checked.defect(("recover_within",), what, "make phases.recovery as long")


def _check_emergency(checked: Checked, names: TargetNames | None) -> None:
    collect, rollback = (_list(checked.source.at(("emergency", key))) for key in ("collect", "rollback"))
    check_rollback(rollback, checked, names)
    if names is not None:
        check_collect(collect, checked, names)


def _check_expectation(checked: Checked) -> None:
    value = checked.source.value
    if value.get("expect") == "stopped" and value.get("stop_when") == []:
        what = "the run is expected to stop, and nothing can stop it"
        checked.defect(("stop_when",), what, "add a condition, such as {condition: error_rate, above: 1%}")


def _runbook(path: Path, source: YamlSource, file: RunbookFile, parts: _Parts, names: TargetNames | None) -> Runbook:
    assert parts.load is not None
    phases = file.phases
    collect = file.emergency.collect
    return Runbook(
        path=path,
        text=source.text,
        title=file.title,
        hypothesis=file.hypothesis,
        expect=file.expect,
        load=parts.load,
        phases=Phases(phases.warm_up, phases.baseline, phases.recovery, phases.faults or 0.0),
        recover_within_s=file.recover_within or phases.recovery,
        service_levels=parts.levels,
        faults=parts.faults,
        stop_when=parts.conditions,
        alerts=parts.alerts,
        collect=tuple(dict.fromkeys(collect)) if collect is not None else everything(names),
        rollback=rollback_steps(file.emergency.rollback),
        slack_channel=file.notify.slack,
        hidden=_hidden(source),
        roles=file.roles,
    )


def _hidden(source: YamlSource) -> tuple[str, ...]:
    """The values of references whose names sound secret."""
    parts = (part for found in source.parts.values() for part in found)
    return tuple(dict.fromkeys(value for reference, value in parts if _SECRET_NAME.search(reference)))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
