"""The first record of a run: its inputs and its plan, all that a report needs to know of them."""

from __future__ import annotations

import os
import shlex
from importlib.metadata import version

from faults.fault import FaultPlan
from harness.analysis.service_level import QueryLevel, ReadingLevel, RequestLevel, ServiceLevel
from harness.clock import Clock
from harness.journal.plan import PlannedFault, PlannedLevel, PlannedRollback
from harness.journal.record import RunStarted
from harness.report import format as say
from runbooks.run_folder import RunFolder
from runbooks.runbook import Runbook
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
        pid=os.getpid(),
        locustfile=runbook.load.locustfile.name,
        tags=runbook.load.tags,
        users=runbook.load.users,
        spawn_rate=runbook.load.spawn_rate,
        phases_s={"warm-up": phases.warm_up_s, "baseline": phases.baseline_s, "faults": runbook.faults_s,
                  "recovery": phases.recovery_s},
        recover_within_s=runbook.recover_within_s,
        service_levels=tuple(p for level in runbook.service_levels for p in planned_levels(level)),
        faults=tuple(planned_fault(f) for f in runbook.faults),
        stop_when=tuple(c.text for c in runbook.stop_when),
        collect=runbook.collect,
        rollback=tuple(PlannedRollback(host=s.host, run=s.run, when=s.when) for s in runbook.rollback),
        slack_channel=runbook.slack_channel,
        databases={d.name: d.through for d in target.databases.values()},
        caches={c.name: c.through for c in target.caches.values()},
        rerun=shlex.join(["gameday", "run", names[0], "--target", names[1]]),
    )  # fmt: skip


def planned_fault(plan: FaultPlan) -> PlannedFault:
    return PlannedFault(
        id=plan.id,
        name=plan.name,
        fault_kind=plan.kind,
        proxy=plan.proxy,
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
        limit = level.max if level.max is not None else (level.min or 0.0)
        sign = "<=" if level.max is not None else ">="
        text = f"{level.name}: {level.reading} {sign} {limit:g}"
        return (PlannedLevel(name=level.name, text=text, unit="value", limit=limit, of=level.reading),)
    return (_planned_query(level),)


def _latency_text(name: str, key: str, limit_ms: float) -> str:
    return f"{name} {key.removesuffix('_ms')} <= {say.quantity(limit_ms, 'ms')}"


def _planned_query(level: QueryLevel) -> PlannedLevel:
    limit = float(level.equals) if isinstance(level.equals, int | float) else 0.0
    return PlannedLevel(name=level.name, text=f"{level.name}: the query answers {level.equals}", unit="count",
                        limit=limit, of=level.sql)  # fmt: skip
