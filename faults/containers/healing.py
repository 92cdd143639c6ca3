"""Puts containers back to what was found, by their undo record alone, in any process.

A container that somebody else removed, made anew or started meanwhile is recognised and said, never fought over.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from faults.containers.found import FoundContainer, FoundEndpoint
from faults.containers.undo import ContainersUndo
from faults.fault import Healed
from harness.clock import Deadline, boot_s, utc_now
from harness.errors import NotHealed, ReachFailed
from harness.reach.allow_list import AllowList

if TYPE_CHECKING:
    from harness.reach.container_writer import ContainerWriter

_PAUSE_S = 0.1
_HURRY_S = 2.0
"""A stop that is still under way when healing begins is given so long, and then ended by SIGKILL."""
_AT_ONCE = 8
_ENDING_SIGNALS = {"9", "15", "2", "3", "6", "KILL", "TERM", "INT", "QUIT", "ABRT"}
_ENDED = ("exited", "created")
_ALIVE = ("running", "paused")
_DEFAULT_ENGINE = "unix:///var/run/docker.sock"


def heal(undo: ContainersUndo, deadline: Deadline, allow: AllowList) -> Healed:
    """Idempotent. Raises NotHealed, with what a person types."""
    from harness.reach.container_writer import ContainerWriter  # noqa: PLC0415 - docker is slow to import, and only who touches containers needs it

    writer = ContainerWriter(undo.engine, allow=allow)
    try:
        if undo.kind == "container-network":  # one after the other: see `_in_address_order`
            outcomes = [_outcome(writer, undo, found, deadline) for found in _in_address_order(undo)]
        else:
            with ThreadPoolExecutor(min(_AT_ONCE, len(undo.containers)), thread_name_prefix="heal") as pool:
                outcomes = list(pool.map(lambda found: _outcome(writer, undo, found, deadline), undo.containers))
    finally:
        writer.close()
    failed = [(found, text) for found, text, ok in outcomes if not ok]
    if failed:
        texts = "; ".join(f"{found.short} ({found.ref}): {text}" for found, text in failed)
        what = f"{undo.kind} is not taken off: {texts}; Docker has no lease that ends it"
        raise NotHealed(what, where=undo.engine, mend=_commands(undo, [found for found, _ in failed]))
    return Healed(_RUNGS[undo.kind], "; ".join(text for _, text, _ in outcomes if text), command(undo))


def command(undo: ContainersUndo) -> str:
    """What a person types."""
    return _commands(undo, list(undo.containers))


def policy_command(undo: ContainersUndo, found: FoundContainer) -> str:
    """What a person types where somebody changed the restart policy meanwhile."""
    retries = f":{found.restart_retries}" if found.restart_retries else ""
    return f"{_docker(undo)} update --restart {found.restart_policy}{retries} {found.ref}"


def what(undo: ContainersUndo) -> str:
    """What is left, in words."""
    return f"{undo.kind} on {', '.join(undo.hit)}"


Outcome = tuple[FoundContainer, str, bool]


def _outcome(writer: ContainerWriter, undo: ContainersUndo, found: FoundContainer, deadline: Deadline) -> Outcome:
    """One container: a note or the reason, and whether it is healed. Tries until the deadline; never raises
    ReachFailed."""
    while True:
        try:
            return found, _WAYS[undo.kind](writer, undo, found, deadline), True
        except ReachFailed as error:
            if deadline.left_s() <= _PAUSE_S:
                return found, error.what, False
        threading.Event().wait(_PAUSE_S)


def _now(writer: ContainerWriter, found: FoundContainer, deadline: Deadline) -> tuple[FoundContainer | None, str]:
    """The container as it is, or None and what became of it."""
    attributes = writer.attributes(found.id, deadline)
    if attributes is not None:
        return FoundContainer.of(attributes, found.short), ""
    again = writer.attributes(found.name, deadline)
    if again is None:
        return None, f"{found.short} was removed meanwhile: nothing of ours is left"
    ref = str(again["Id"])[:12]
    return None, f"{found.short} was made anew meanwhile ({ref}): left to who did it, nothing of ours is on it"


def _unpause(writer: ContainerWriter, undo: ContainersUndo, found: FoundContainer, deadline: Deadline) -> str:
    del undo
    now, gone = _now(writer, found, deadline)
    if now is None:
        return gone
    if now.started_at != found.started_at or now.status not in ("paused", "running"):
        return f"{found.short} was {_ended_or_started(now)} meanwhile, by somebody else: left as it is"
    if now.status == "paused":
        _try_and_see(
            lambda: writer.unpause(found.id, deadline),
            lambda: _is(writer, found, deadline, lambda c: c.status != "paused"),
        )
    return ""


def _start(writer: ContainerWriter, undo: ContainersUndo, found: FoundContainer, deadline: Deadline) -> str:
    begun = boot_s()
    while True:
        now, gone = _now(writer, found, deadline)
        if now is None:
            return gone
        if now.status in _ENDED:
            _try_and_see(
                lambda: writer.start(found.id, deadline),
                lambda: _is(writer, found, deadline, lambda c: c.status not in _ENDED),
            )
            return ""
        if now.status in _ALIVE and now.started_at != found.started_at:
            again = f"{found.short} ran again already: its orchestrator, a person or another healing started it"
            return again if undo.kind != "container-restart" else ""
        if now.status in _ALIVE and not _is_ending(writer, undo, found, deadline):
            return ""
        if now.status in _ALIVE and boot_s() - begun > _HURRY_S:
            writer.kill(found.id, "SIGKILL", deadline)
        if deadline.left_s() <= _PAUSE_S:
            raise ReachFailed(f"it is {now.status}, and its end is under way")
        threading.Event().wait(_PAUSE_S)


def _is_ending(writer: ContainerWriter, undo: ContainersUndo, found: FoundContainer, deadline: Deadline) -> bool:
    """Whether it was sent a signal that ends it, and has not ended yet."""
    now = utc_now() + timedelta(seconds=undo.ahead_s)
    events = [e for e in writer.events(datetime.fromisoformat(undo.since), now, deadline) if e.id == found.id]
    sent = [e.at for e in events if e.action == "kill" and e.signal.removeprefix("SIG") in _ENDING_SIGNALS]
    ended = [e.at for e in events if e.action == "die"]
    if not sent or (ended and max(ended) >= max(sent)):
        return False
    return (now - min(sent)).total_seconds() < undo.settle_s + _HURRY_S


def _reconnect(writer: ContainerWriter, undo: ContainersUndo, found: FoundContainer, deadline: Deadline) -> str:
    now, gone = _now(writer, found, deadline)
    if now is None:
        return gone
    for endpoint in found.networks:
        if endpoint.network_id in undo.cut and now.endpoint(endpoint.network_id) is None:
            _connect(writer, found, endpoint, deadline)
    now, gone = _now(writer, found, deadline)
    notes = [] if now is None else [*found.moved(now)]
    if now is not None and now.started_at != found.started_at:
        notes.append(f"{found.short} was {_ended_or_started(now)} meanwhile, by somebody else")
    return "; ".join(notes)


def _connect(writer: ContainerWriter, found: FoundContainer, endpoint: FoundEndpoint, deadline: Deadline) -> None:
    _try_and_see(
        lambda: writer.connect(endpoint.network_id, found.id, endpoint.settings, deadline),
        lambda: _is(writer, found, deadline, lambda c: c.endpoint(endpoint.network_id) is not None),
    )


def _limit_cpu(writer: ContainerWriter, undo: ContainersUndo, found: FoundContainer, deadline: Deadline) -> str:
    del undo
    limits = {"NanoCpus": found.nano_cpus} if found.nano_cpus > 0 else {"CpuQuota": found.cpu_quota_us or -1}
    return _update(writer, found, limits, lambda now: now.cpus == found.cpus, deadline)


def _limit_memory(writer: ContainerWriter, undo: ContainersUndo, found: FoundContainer, deadline: Deadline) -> str:
    limits = {"Memory": found.memory_bytes, "MemorySwap": found.memory_swap_bytes}
    back = (found.memory_bytes, found.memory_swap_bytes)
    note = _update(writer, found, limits, lambda now: (now.memory_bytes, now.memory_swap_bytes) == back, deadline)
    now, _ = _now(writer, found, deadline)
    if now is None or not (now.oom_killed and now.status in _ENDED):
        return note
    _start(writer, undo, found, deadline)
    return f"{found.short} had been killed for lack of memory, and was started again"


def _update(
    writer: ContainerWriter,
    found: FoundContainer,
    limits: Mapping[str, int],
    is_back: Callable[[FoundContainer], bool],
    deadline: Deadline,
) -> str:
    now, gone = _now(writer, found, deadline)
    if now is None:
        return gone
    if not is_back(now):
        _try_and_see(lambda: writer.update(found.id, limits, deadline), lambda: _is(writer, found, deadline, is_back))
    if now.started_at != found.started_at or now.status not in ("running", "paused"):
        return f"{found.short} was {_ended_or_started(now)} meanwhile, not by us: see its log"
    return ""


def _try_and_see(act: Callable[[], None], is_done: Callable[[], bool]) -> None:
    """What counts is what the engine shows then, whatever it answered. Raises ReachFailed."""
    refusal: ReachFailed | None = None
    try:
        act()
    except ReachFailed as error:
        refusal = error
    try:
        done = is_done()
    except ReachFailed as error:
        raise refusal or error from error
    if not done:
        raise refusal or ReachFailed("the engine said yes, and shows it unchanged")


def _is(
    writer: ContainerWriter, found: FoundContainer, deadline: Deadline, true: Callable[[FoundContainer], bool]
) -> bool:
    now, _ = _now(writer, found, deadline)
    return now is None or true(now)


def _ended_or_started(now: FoundContainer) -> str:
    return "started anew" if now.runs else f"{now.status}"


def _in_address_order(undo: ContainersUndo) -> list[FoundContainer]:
    """A network's pool gives its lowest free address: who had the lower one goes first, and gets it back."""

    def lowest(found: FoundContainer) -> tuple[int, ...]:
        numbers = []
        for endpoint in found.networks:
            with suppress(ValueError):
                numbers.append(int(ipaddress.ip_address(endpoint.address)))
        return tuple(sorted(numbers))

    return sorted(undo.containers, key=lowest)


Way = Callable[["ContainerWriter", ContainersUndo, FoundContainer, Deadline], str]
_WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "container-pause": _unpause,
        "container-stop": _start,
        "container-kill": _start,
        "container-restart": _start,
        "container-network": _reconnect,
        "container-cpu": _limit_cpu,
        "container-memory": _limit_memory,
    }
)
_RUNGS: Mapping[str, str] = MappingProxyType(
    {
        "container-pause": "unpause",
        "container-stop": "start",
        "container-kill": "start",
        "container-restart": "start",
        "container-network": "connect",
        "container-cpu": "update",
        "container-memory": "update",
    }
)


def _docker(undo: ContainersUndo) -> str:
    return "docker" if undo.engine == _DEFAULT_ENGINE else f"docker -H {undo.engine}"


def _commands(undo: ContainersUndo, containers: list[FoundContainer]) -> str:
    docker = _docker(undo)
    refs = " ".join(found.ref for found in containers)
    match undo.kind:
        case "container-pause":
            return f"{docker} unpause {refs}"
        case "container-network":
            lines = [_connecting(undo, found) for found in containers]
            return " && ".join(f"{docker} network connect {line}" for some in lines for line in some)
        case "container-cpu":
            return " && ".join(f"{docker} update {_cpu_flag(found)} {found.ref}" for found in containers)
        case "container-memory":
            flags = ((f"--memory {f.memory_bytes} --memory-swap {f.memory_swap_bytes}", f.ref) for f in containers)
            return " && ".join(f"{docker} update {flag} {ref}" for flag, ref in flags)
    return f"{docker} start {refs}"


def _connecting(undo: ContainersUndo, found: FoundContainer) -> list[str]:
    lines = []
    for endpoint in found.networks:
        if endpoint.network_id in undo.cut:
            options = [f"--alias {alias} " for alias in endpoint.aliases]
            address = endpoint.static.get("IPv4Address")
            options += [f"--ip {address} "] if address else []
            lines.append(f"{''.join(options)}{endpoint.network} {found.ref}")
    return lines


def _cpu_flag(found: FoundContainer) -> str:
    return f"--cpus {found.nano_cpus / 1e9:g}" if found.nano_cpus > 0 else f"--cpu-quota {found.cpu_quota_us or -1}"
