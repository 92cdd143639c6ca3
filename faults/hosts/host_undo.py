"""The undo record of a fault on a host, and its healing in any process."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from faults.fault import Healed
from faults.hosts.program import SCRIPTS, ask_command, program
from faults.undo import Undo
from harness.clock import Deadline, steady_utc
from harness.errors import NotHealed, ReachFailed
from harness.reach.allow_list import AllowList

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

_LEFT = "left "
_ANSWER_S = 0.7  # of the deadline, for the way there and back


class HostUndo(Undo):
    """End the guardian of the fault on `host` and take off what it put on.

    `values` are those of its program (see `faults.hosts.program`): with them alone, it takes the fault off. `folder`
    holds, on the host, pid and start of each process that belongs to it. By `over_at` (UTC, ISO 8601) the guardian has
    ended by itself, whoever died when; where the fault is a process of ours (`ends_itself`), it has ended too.
    """

    door: Literal["host"] = "host"
    kind: str
    host: str
    ssh: str
    identity: str = ""
    known_hosts: str = ""
    folder: str
    values: Mapping[str, str] = Field(default_factory=dict)
    what: str
    by_hand: str  # what a person types on the host; "": the guardian's own program, as it lies there
    ends_itself: bool
    over_at: str


def end_on_host(undo: HostUndo, deadline: Deadline, allow: AllowList, door: SshDoor | None = None) -> Healed:
    """Take it off, over `door` or a connection of its own. Idempotent. Raises NotHealed."""
    if undo.kind not in SCRIPTS:
        raise NotHealed(f"nothing here heals a {undo.kind}", mend="heal it with the version that ran it")
    own = door is None
    door = door or _door(undo, allow)
    try:
        left_s = deadline.left_s()
        role = ask_command("heal", str(max(1, math.floor(left_s - _ANSWER_S))))
        answer = door.run(role, deadline, input=program(undo.kind, undo.values).encode())
    except ReachFailed as error:
        return _unreachable(undo, error)
    finally:
        if own:
            door.close()
    return _healed(undo, answer.stdout.decode(errors="replace").splitlines())


def command(undo: HostUndo) -> str:
    """What a person types."""
    way = ["ssh"]
    where = undo.ssh.removeprefix("ssh://")
    user, at, place = where.rpartition("@")
    host, colon, port = place.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        way += ["-p", port]
        where = f"{user}{at}{host.strip('[]')}"
    if undo.identity:
        way += ["-i", undo.identity]
    by_hand = undo.by_hand or f"sh {undo.folder}/guardian =gameday= heal 10"
    return f"{shlex.join([*way, where])} {shlex.quote(by_hand)}"


def what_is(undo: HostUndo) -> str:
    """What is left, in words."""
    return f"{undo.what} on host {undo.host}"


def _door(undo: HostUndo, allow: AllowList) -> SshDoor:
    from harness.reach.ssh import SshDoor  # noqa: PLC0415 - heavy, and every process of ours imports the doors

    return SshDoor(
        undo.host,
        undo.ssh,
        allow=allow,
        identity=Path(undo.identity) if undo.identity else None,
        known_hosts=Path(undo.known_hosts) if undo.known_hosts else None,
    )


def _healed(undo: HostUndo, lines: list[str]) -> Healed:
    if any(line.startswith("healed") for line in lines):
        return Healed("undone") if "healed guardian" in lines else Healed("checked", "nothing of it was left there")
    left = next((line.removeprefix(_LEFT) for line in lines if line.startswith(_LEFT)), "the host did not say how")
    raise NotHealed(f"{what_is(undo)} could not be taken off: {left}", where=undo.host, mend=command(undo))


def _unreachable(undo: HostUndo, error: ReachFailed) -> Healed:
    """Nobody could ask the host: the guardian ends by itself, but only where its end is the fault's end is it sure."""
    if undo.ends_itself and steady_utc() > datetime.fromisoformat(undo.over_at):
        return Healed("lease", f"{error}; it was over by {undo.over_at}, as its processes end by themselves")
    sure = "" if undo.ends_itself else ", unless that was killed"
    raise NotHealed(
        f"{what_is(undo)} could not be taken off: {error}; its guardian there does it by itself within seconds of the "
        f"connection's loss{sure}, at {undo.over_at} at the latest",
        where=undo.host,
        mend=f"{command(undo)}; where that host is gone for good: gameday heal --gone {undo.host}",
    ) from error
