"""A part of the sandbox: one server in a process of its own, in a session of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faults.process import start_ticks
from harness.errors import BadInput, GamedayError
from runbooks.sandbox.state import PartState
from runbooks.sandbox.unprivileged import Runner

# In the environment of every process of a sandbox, with its folder: what outlives everything is found by it.
MARK = "GAMEDAY_SANDBOX"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class PartPlan:
    """How a part is started and how one sees that it is ready.

    `log` takes its output. `quit_signal` asks it to end, `orphan_signal` reaches it when its supervisor dies.
    """

    name: str
    command: tuple[str, ...]
    port: int
    log: Path
    ready: Callable[[], bool]
    keep_fds: tuple[int, ...] = ()
    runner: Runner = field(default_factory=Runner)
    environment: Mapping[str, str] = field(default_factory=dict)
    quit_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM


class Part:
    """A started part."""

    def __init__(self, plan: PartPlan, process: subprocess.Popen[bytes]) -> None:
        self.plan = plan
        self.process = process
        self.state = PartState(name=plan.name, pid=process.pid, ticks=start_ticks(process.pid) or 0, port=plan.port)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def check(self) -> bool:
        """Whether it is ready; GamedayError or BadInput with what it said last when it has ended instead."""
        if self.ended:
            raise _did_not_start(self.plan)
        return self.plan.ready()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process; nothing when it has ended."""
        if not self.ended:
            self.process.send_signal(number)


def start(plan: PartPlan, folder: Path) -> Part:
    """Starts a part of the sandbox in `folder`. Call it from a process with one thread only."""
    dies_with_us = _dies_with_parent(plan.orphan_signal)
    with plan.log.open("ab") as log:
        process = subprocess.Popen(
            plan.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, **plan.environment, MARK: str(folder)},
            pass_fds=plan.keep_fds,
            start_new_session=True,
            user=plan.runner.uid,
            group=plan.runner.gid,
            extra_groups=plan.runner.extra_groups,
            preexec_fn=dies_with_us,  # noqa: PLW1509 - the supervisor has one thread
        )
    return Part(plan, process)


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    """The command of one of our own servers."""
    return (sys.executable, "-P", "-m", module, *arguments)


def last_words(log: Path, lines: int = 3) -> str:
    """The last lines of a log, on one line."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "it said nothing"
    return " | ".join(text.strip().splitlines()[-lines:])[-600:] or "it said nothing"


def _did_not_start(plan: PartPlan) -> GamedayError:
    """What its last words mean to a person."""
    words = last_words(plan.log)
    if "in use" in words:
        return BadInput(f"{plan.name}'s port {plan.port} was taken by another program", mend="try again")
    if "No space left" in words:
        return BadInput(
            "the disk is full", where=str(plan.log.parent), mend="free 200 MB, or set TMPDIR to another disk"
        )
    return GamedayError(f"{plan.name} did not start: {words}")


def _dies_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """To be run in the child: it gets `number` when its parent dies, however that dies. None where Linux is not."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel
