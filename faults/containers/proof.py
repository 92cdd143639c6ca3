"""The proof that a fault is on a container: its engine's word, the kernel's counters, and its published port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faults.containers.act import Act, CpuLimit, Kill, MemoryLimit, NetworkCut, Pause, Restart, Stop
from faults.containers.found import FoundContainer
from faults.containers.knock import Answer
from faults.containers.undo import ContainersUndo
from faults.containers.usage import Counters, measure
from faults.containers.victim import Victim
from harness.clock import Deadline, utc_now

if TYPE_CHECKING:
    from harness.reach.container_writer import ContainerWriter

SLOWER_MS = 20.0
"""A request whose median is slower by half of this, and by far more than samples vary, feels the fault."""
CALL_S = 4.0
_FROZEN_CPUS = 0.002
_CPU_SLACK = 1.25
_CPU_FLOOR = 0.02
_LEAST_SENT_BYTES_PER_S = 1000.0
_THROTTLED = 0.2


@dataclass(frozen=True, slots=True)
class Seen:
    """What one container shows under the fault. `shown` None: it can't be said (yet)."""

    shown: bool | None
    text: str
    values: Mapping[str, float] = field(default_factory=dict)


def seen(writer: ContainerWriter, act: Act, victim: Victim, undo: ContainersUndo) -> Seen:
    """Measure one container. Raises ReachFailed."""
    found = victim.found
    attributes = writer.attributes(found.id, Deadline.after(CALL_S))
    now = FoundContainer.of(attributes, found.short) if attributes is not None else None
    if now is None:
        return Seen(isinstance(act, Kill), f"{found.short} is not there any more: its engine removed it")
    if isinstance(act, CpuLimit):
        return _limited_cpu(writer, act, found, now)
    if isinstance(act, MemoryLimit):
        return _limited_memory(writer, act, found, now)
    if isinstance(act, Pause):
        return _paused(writer, act, victim, now)
    if isinstance(act, NetworkCut):
        return _cut(act, victim, now)
    return _ended(writer, act, victim, now, undo)


def absorbed(act: Act, victim: Victim, seen: Seen) -> str:
    """What the container carried before and carries no more, or how far it is held back: work that the rest of the
    platform does now, or does without. "" where that was none."""
    short = victim.found.short
    if isinstance(act, CpuLimit):
        share = seen.values.get("throttled_share", 0.0)
        return (
            f"{short} wanted more CPU, and was held back in {share:.0%} of its periods" if share >= _THROTTLED else ""
        )
    sent = victim.usage.sent_bytes_per_s if victim.usage is not None else 0.0
    if not act.silences or sent < _LEAST_SENT_BYTES_PER_S:
        return ""
    return f"{short} sent {sent / 1000:.1f} KB/s before, and nothing now"


def became(found: FoundContainer, now: FoundContainer | None) -> str:
    """What became of a container that is no longer as the fault left it."""
    if now is None:
        return f"{found.short} was removed or made anew by its orchestrator, or by somebody else"
    if now.started_at != found.started_at:
        at = now.started_at[:19]
        return f"{found.short} was started anew at {at}Z by its orchestrator, or by somebody else"
    return f"{found.short} is {now.status} and has {now.said_cpus}, {now.said_memory}: somebody took the fault off it"


def as_found(pairs: Sequence[tuple[FoundContainer, FoundContainer]]) -> str:
    """A sentence on containers that are as they were found."""
    shorts = ", ".join(found.short for found, _ in pairs)
    anew = [now.short for found, now in pairs if now.started_at != found.started_at]
    started = f" ({', '.join(anew)} started anew)" if anew else ""
    verb = "is" if len(pairs) == 1 else "are"
    return f"{shorts} {verb} as found: running, with the same limits, restart policy and networks{started}"


def _paused(writer: ContainerWriter, act: Pause, victim: Victim, now: FoundContainer) -> Seen:
    found = victim.found
    if not act.is_on(found, now):
        anew = " and was started anew" if now.started_at != found.started_at else ""
        return Seen(shown=False, text=f"{found.short} is {now.status}{anew}, not paused")
    usage = measure(writer, found.id, Deadline.after(CALL_S))
    if usage is None:
        return Seen(None, f"{found.short} is paused; its CPU time can't be measured")
    before = f" ({victim.usage.cpus * 1000:.0f} ms a second before)" if victim.usage is not None else ""
    text = (
        f"{found.short} is paused: {usage.cpus * usage.seconds * 1000:.1f} ms of CPU in {usage.seconds:.1f} s{before}"
    )
    reaction, reacts = _port(victim, dead=("silent",))
    flat = usage.cpus <= _FROZEN_CPUS
    return Seen(flat and not reacts, text + reaction, {"cpu_ms_per_s": round(usage.cpus * 1000, 3)})


def _cut(act: NetworkCut, victim: Victim, now: FoundContainer) -> Seen:
    found = victim.found
    cut = act.cut_of(found)
    names = ", ".join(e.network for e in found.networks if e.network_id in cut)
    if not act.is_on(found, now):
        return Seen(shown=False, text=f"{found.short} is still in {names}")
    text = f"{found.short} has no endpoint in {names}"
    if len(cut) < len(found.networks):
        return Seen(shown=True, text=f"{text}; other networks still lead to it")
    reaction, reacts = _port(victim, dead=("refused", "silent"))
    return Seen(not reacts, text + reaction)


def _ended(writer: ContainerWriter, act: Act, victim: Victim, now: FoundContainer, undo: ContainersUndo) -> Seen:
    found = victim.found
    code = _exit_code(writer, found, undo)
    exited = f" with exit code {code}" if code is not None else ""
    values = {"exit_code": float(code)} if code is not None else {}
    anew = now.started_at != found.started_at
    if isinstance(act, Restart):
        if anew and now.runs:
            return Seen(shown=True, text=f"{found.short} ended{exited} and started anew at {now.started_at[:19]}Z")
        return Seen(
            shown=None if anew else False, text=f"{found.short} is {now.status}, started at {now.started_at[:19]}Z"
        )
    if isinstance(act, Stop | Kill) and now.status in ("running", "paused") and not anew:
        survived = f": it survived {act.params.signal}" if isinstance(act, Kill) else ""
        return Seen(shown=False, text=f"{found.short} still runs{survived}")
    if now.runs and anew:
        text = f"{found.short} ended{exited}, and its orchestrator started it again at {now.started_at[:19]}Z"
        return Seen(isinstance(act, Kill), text, values)
    if isinstance(act, Kill) and code is not None and code != act.params.exit_code:
        exited = f"{exited} ({act.params.exit_code} is what {act.params.signal} alone leaves)"
    reaction, reacts = _port(victim, dead=("refused", "silent"))
    return Seen(not reacts, f"{found.short} has ended{exited}{reaction}", values)


def _limited_cpu(writer: ContainerWriter, act: CpuLimit, found: FoundContainer, now: FoundContainer) -> Seen:
    if not act.is_on(found, now):
        return Seen(shown=False, text=f"{found.short} has {now.said_cpus}, not {act.cpus(found):.3g} CPUs")
    usage = measure(writer, found.id, Deadline.after(CALL_S))
    if usage is None:
        return Seen(None, f"{found.short} has {now.said_cpus}; its CPU time can't be measured")
    held = f"held back in {usage.throttled} of {usage.periods} periods"
    text = f"{found.short} has {now.said_cpus} and used {usage.cpus:.3g} in {usage.seconds:.1f} s, {held}"
    values = {"cpus": round(usage.cpus, 4), "throttled_share": round(usage.throttled_share, 4)}
    if not usage.periods:
        return Seen(None, f"{text}: it wants no CPU now, so nothing shows that the limit holds", values)
    return Seen(usage.cpus <= act.cpus(found) * _CPU_SLACK + _CPU_FLOOR, text, values)


def _limited_memory(writer: ContainerWriter, act: MemoryLimit, found: FoundContainer, now: FoundContainer) -> Seen:
    stats = writer.stats(found.id, Deadline.after(CALL_S))
    counters = Counters.of(stats) if stats else None
    if not act.is_on(found, now):
        return Seen(shown=False, text=f"{found.short} has {now.said_memory}")
    if counters is None or not now.runs:
        return Seen(not now.runs or None, f"{found.short} has {now.said_memory} and is {now.status}")
    used = f"{counters.memory_bytes / 2**20:.4g} MiB"
    text = f"{found.short} uses {used} of {counters.limit_bytes / 2**20:.5g} MiB, by the kernel's own count"
    return Seen(counters.limit_bytes == act.params.limit, text, {"memory_bytes": float(counters.memory_bytes)})


def _port(victim: Victim, dead: Sequence[Answer]) -> tuple[str, bool]:
    """What to say of its published port, and whether it reacts still, where it did before."""
    if victim.port is None or victim.reacted not in ("answers", "closes"):
        return "", False
    answer = victim.port.knock()
    reacts = answer not in dead and not (answer == "closes" and victim.reacted == "answers")
    said = {"answers": "still answers", "closes": "closes at once", "silent": "says nothing", "refused": "refuses"}
    return f"; {victim.port} {said[answer]}", reacts


def _exit_code(writer: ContainerWriter, found: FoundContainer, undo: ContainersUndo) -> int | None:
    now = utc_now() + timedelta(seconds=undo.ahead_s)
    events = writer.events(datetime.fromisoformat(undo.since), now, Deadline.after(CALL_S))
    return next((e.exit_code for e in reversed(events) if e.id == found.id and e.action == "die"), None)
