"""The state of a container as evidence: never its environment, its labels or its command line."""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.evidence.plain_text import plain_text
from harness.reach.container_facts import ContainerEvent, ContainerState

_HEALTH_OUTPUT = 2000


def state_json(state: ContainerState, events: Sequence[ContainerEvent] | None) -> str:
    """A JSON object; `events` are the container's since the start of the run, None where the engine told none."""
    health = {
        "status": state.health,
        "failing_streak": state.failing_streak,
        "runs": [
            {"at": run.at, "exit_code": run.exit_code, "output": plain_text(run.output[:_HEALTH_OUTPUT].encode())}
            for run in state.health_runs
        ],
    }
    facts = {
        "name": state.name,
        "id": state.id,
        "image": state.image,
        "image_id": state.image_id,
        "status": state.status,
        "running": state.running,
        "exit_code": state.exit_code,
        "oom_killed": state.oom_killed,
        "restart_count": state.restart_count,
        "restart_policy": state.restart_policy,
        "error": state.error,
        "started_at": state.started_at.isoformat() if state.started_at else None,
        "finished_at": state.finished_at.isoformat() if state.finished_at else None,
        "health": health if state.health else None,
        "limits": {"cpus": state.cpus, "memory_bytes": state.memory_limit_bytes},
        "log_driver": state.log_driver,
        "events": [_event(e) for e in events] if events is not None else None,
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _event(event: ContainerEvent) -> dict[str, object]:
    told: dict[str, object] = {"at": event.at.isoformat(), "action": event.action}
    if event.exit_code is not None:
        told["exit_code"] = event.exit_code
    if event.signal:
        told["signal"] = event.signal
    return told
