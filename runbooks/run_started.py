"""The first record of a run: its inputs and its plan, all that a report needs to know of them."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from faults.fault import FaultPlan
from harness.analysis import invariant
from harness.analysis.alert_level import AlertLevel
from harness.analysis.service_level import CrashLevel, QueryLevel, ReadingLevel, RequestLevel, ServiceLevel
from harness.clock import Clock, boot_id
from harness.journal.plan import PlannedFault, PlannedLevel, PlannedRollback
from harness.journal.record import RunStarted
from harness.report import format as say
from runbooks.run_folder import RunFolder
from runbooks.runbook import RollbackStep, Runbook
from runbooks.target import Target

_LATENCIES = ("p50_ms", "p95_ms", "p99_ms", "mean_ms", "max_ms")


def run_started(
    runbook: Runbook, target: Target, folder: RunFolder, clock: Clock, names: tuple[str, str]
) -> RunStarted:
    """The record, without secrets. `names`: what the person typed as the runbook and as the target."""
    phases = runbook.phases
    return RunStarted(
        run=folder.run,
        version=version("gameday"),
        started_at=clock.started_at.isoformat(timespec="milliseconds"),
        runbook=runbook.title,
        runbook_path=names[0],
        hypothesis=runbook.hypothesis,
        expect=runbook.expect,
        target=target.name,
        target_path=names[1],
        environment=target.environment,
        base_url=target.base_url,
        inputs=folder.inputs,
        copies=folder.copies,
        epoch_boot_s=clock.epoch_boot_s,
        boot_id=boot_id(),
        pid=os.getpid(),
        locustfile=runbook.load.locustfile.name,
        tags=runbook.load.tags,
        users=runbook.load.users,
        spawn_rate=runbook.load.spawn_rate,
        phases_s={"warm-up": phases.warm_up_s, "baseline": phases.baseline_s, "faults": runbook.faults_s,
                  "recovery": phases.recovery_s},
        recover_within_s=runbook.recover_within_s,
        service_levels=(
            *(p for level in runbook.service_levels for p in planned_levels(level)),
            *(p for level in runbook.alerts for p in planned_alerts(level)),
        ),
        faults=tuple(planned_fault(f) for f in runbook.faults),
        stop_when=tuple(c.text for c in runbook.stop_when),
        collect=runbook.collect,
        rollback=tuple(planned_rollback(step, target) for step in runbook.rollback),
        slack_channel=runbook.slack_channel,
        databases={d.name: d.through for d in target.databases.values()},
        caches={c.name: c.through for c in target.caches.values()},
        allow=target.allow,
        engine=target.containers.engine if target.containers is not None else "",
        folder=str(Path.cwd()),
    )  # fmt: skip


def planned_rollback(step: RollbackStep, target: Target) -> PlannedRollback:
    """The step with the way to its host."""
    host = target.hosts.get(step.host)
    return PlannedRollback(
        host=step.host,
        run=step.run,
        when=step.when,
        container=step.container,
        name=step.name,
        timeout_s=step.timeout_s,
        ssh=host.ssh if host else "",
        identity=str(host.identity or "") if host else "",
        known_hosts=str(host.known_hosts or "") if host else "",
    )


def planned_fault(plan: FaultPlan) -> PlannedFault:
    return PlannedFault(
        id=plan.id,
        name=plan.name,
        fault_kind=plan.kind,
        proxy=plan.proxy,
        database=plan.database,
        on=plan.on,
        place=plan.place,
        params=plan.recorded_params,
        at=plan.at_s,
        for_s=plan.for_s,
    )


def planned_levels(level: ServiceLevel) -> tuple[PlannedLevel, ...]:
    """One planned level for each limit that the service level sets."""
    if isinstance(level, RequestLevel):
        latencies = tuple(
            PlannedLevel(name=level.name, text=_latency_text(level.name, key, limit), unit="ms", limit=limit,
                         of=level.requests)
            for key in _LATENCIES
            if (limit := getattr(level, key)) is not None
        )  # fmt: skip
        if level.error_rate is None:
            return latencies
        text = f"{level.name} error rate <= {say.quantity(level.error_rate, 'fraction')}"
        errors = PlannedLevel(name=level.name, text=text, unit="fraction", limit=level.error_rate, of=level.requests)
        return (*latencies, errors)
    if isinstance(level, ReadingLevel):
        return _planned_reading(level)
    if isinstance(level, CrashLevel):
        text = f"{level.name}: no crash of {'anything' if level.of == '*' else level.of}"
        return (PlannedLevel(name=level.name, text=text, unit="count", limit=0.0, of=level.of),)
    text = f"{level.name}: {invariant.expectation(level)}"
    asked = level.sql if isinstance(level, QueryLevel) else invariant.of(level)
    return (PlannedLevel(name=level.name, text=text, unit="value", limit=invariant.limit_of(level), of=asked),)


def planned_alerts(level: AlertLevel) -> tuple[PlannedLevel, ...]:
    """The alert's time to fire, and to be over where that is asked."""
    labels = "".join(f", {key}={value}" for key, value in level.labels.items())
    text = f"{level.name}: {level.alert}{labels} fires within {say.seconds(level.within_s)} of the {level.after}"
    fires = PlannedLevel(name=level.name, text=text, unit="s", limit=level.within_s, of=level.alert)
    if level.resolved_within_s is None:
        return (fires,)
    text = f"{level.name}: {level.alert} is over within {say.seconds(level.resolved_within_s)} of the healing"
    over = PlannedLevel(name=level.resolved_name, text=text, unit="s", limit=level.resolved_within_s, of=level.alert)
    return (fires, over)


def _planned_reading(level: ReadingLevel) -> tuple[PlannedLevel, ...]:
    by = "" if level.by == "mean" else f" {level.by}"
    return tuple(
        PlannedLevel(name=level.name, text=f"{level.name}: {level.reading}{by} {sign} {limit:g}", unit="value",
                     limit=limit, of=level.reading)
        for sign, limit in (("<=", level.max), (">=", level.min))
        if limit is not None
    )  # fmt: skip


def _latency_text(name: str, key: str, limit_ms: float) -> str:
    return f"{name} {key.removesuffix('_ms')} <= {say.quantity(limit_ms, 'ms')}"
