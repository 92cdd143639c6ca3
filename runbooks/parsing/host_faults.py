"""What can be said of the faults on hosts without asking a host: the process is watched, and no two take the same."""

from __future__ import annotations

from collections.abc import Sequence

from faults.fault import FaultPlan
from faults.hosts.network_delay import HostNetworkParams
from faults.hosts.process_pause import ProcessPauseParams
from faults.hosts.service_stop import ServiceStopParams
from faults.quantity import say_seconds
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked


def check_host_faults(plans: Sequence[FaultPlan], checked: Checked, names: TargetNames | None) -> None:
    """A defect for a process that the target does not watch, and for two faults that change the same thing at once."""
    on_hosts = [plan for plan in plans if plan.on == "host"]
    for plan in on_hosts:
        if names is not None and isinstance(plan.params, ProcessPauseParams):
            _check_watched(plan, plan.params.process, checked, names)
    by_start = sorted(on_hosts, key=lambda plan: plan.at_s)
    for index, second in enumerate(by_start):
        for first in by_start[:index]:
            if _same(first, second) and second.at_s < first.at_s + first.for_s:
                what = f"{first.name!r} and {second.name!r} change {_changes(second)} of {second.place} at once"
                mend = f"start {second.name!r} at {say_seconds(first.at_s + first.for_s)} or later, or make them one"
                checked.defect(("faults", int(second.id[1:]) - 1), what, mend)


def _check_watched(plan: FaultPlan, process: str, checked: Checked, names: TargetNames) -> None:
    if plan.place not in names.hosts or f"{plan.place}.{process}" in names.processes:
        return
    known = [full.removeprefix(f"{plan.place}.") for full in names.processes if full.startswith(f"{plan.place}.")]
    mend = (
        suggest(process, known, what=f"those of {plan.place} are")
        if known
        else f"add {process}: with a part of its command line under processes: of {plan.place} in the target"
    )
    what = f"the target watches no process {process!r} on {plan.place}"
    checked.defect(("faults", int(plan.id[1:]) - 1, "process"), what, mend)


def _same(first: FaultPlan, second: FaultPlan) -> bool:
    return first.place == second.place and _changes(first) == _changes(second) != ""


def _changes(plan: FaultPlan) -> str:
    """What a fault changes so that no other can; "" for a pressure, which adds up."""
    params = plan.params
    if isinstance(params, ProcessPauseParams):
        return f"process {params.process}"
    if isinstance(params, ServiceStopParams):
        return f"service {params.unit}"
    return f"interface {params.interface}" if isinstance(params, HostNetworkParams) else ""
