"""The look that preflight takes at the place of a rollback step."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from harness.clock import Deadline
from harness.errors import BadInput
from harness.reach.allow_list import AllowList
from harness.reach.container_shell import ContainerShell
from harness.reach.here import run_here
from harness.reach.ssh import SshDoor
from runbooks.runbook import RollbackStep
from runbooks.target import Host, Target


def find_program(step: RollbackStep, word: str, target: Target, allow: AllowList, timeout_s: float) -> str:
    """Where the place of the step finds the program `word`; "" when it doesn't, or when there is no word to look for.

    Nothing runs but the shell's own `command -v`, and nothing at all in a container: it is only seen to run. Raises
    ReachFailed.
    """
    deadline = Deadline.after(timeout_s)
    look = f"command -v {shlex.quote(word)}" if word else ":"
    if step.container:
        _see_container(step.container, target, allow, deadline, os.environ)
        return word
    if step.host:
        return _ask_host(target.hosts.get(step.host), look, allow, deadline)
    return _line(run_here(look, deadline, folder=Path.cwd()).stdout)


def _see_container(
    name: str, target: Target, allow: AllowList, deadline: Deadline, environment: Mapping[str, str]
) -> None:
    engine = target.containers.engine if target.containers is not None else ""
    shell = ContainerShell(engine, allow=allow, environment=environment)
    try:
        shell.find(name, deadline)
    finally:
        shell.close()


def _ask_host(host: Host | None, look: str, allow: AllowList, deadline: Deadline) -> str:
    if host is None:
        raise BadInput("the target has no such host")
    door = SshDoor(host.name, host.ssh, allow=allow, identity=host.identity, known_hosts=host.known_hosts)
    try:
        return _line(door.run(look, deadline).stdout)
    finally:
        door.close()


def _line(answer: bytes) -> str:
    return answer.decode(errors="replace").strip().partition("\n")[0]
