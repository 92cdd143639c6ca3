"""Whom a trial kills, and at which moment of the run."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from pathlib import Path
from typing import Literal

import psutil

from bench.soak.site import Site
from faults.toxiproxy_process import read_state

Victim = Literal[
    "conductor",
    "healer",
    "conductor, healer",
    "healer, conductor",
    "locust",
    "toxiproxy-server",
    "ssh server",
    "ctrl-c",
]
VICTIMS: tuple[Victim, ...] = (
    "conductor", "healer", "conductor, healer", "healer, conductor", "locust", "toxiproxy-server", "ssh server",
    "ctrl-c",
)  # fmt: skip
BOTH: frozenset[Victim] = frozenset({"conductor, healer", "healer, conductor"})
OF_THE_SITE: frozenset[Victim] = frozenset({"toxiproxy-server", "ssh server"})
Moment = Literal["baseline", "preparing", "undo written", "on", "healing"]
MOMENTS: tuple[Moment, ...] = ("baseline", "preparing", "undo written", "on", "healing")


def kill(victim: Victim, conductor: psutil.Process, site: Site, gap_s: float) -> tuple[str, ...]:
    """Ends them with `gap_s` between, by SIGKILL (Ctrl-C: SIGINT). Returns who was not there any more."""
    if victim == "ctrl-c":
        return _end(conductor, signal.SIGINT, "conductor")
    # all are found first: who has died is nobody's parent any more
    found = [(name, _find(name, conductor, site)) for name in victim.split(", ")]
    gone: tuple[str, ...] = ()
    for index, (name, process) in enumerate(found):
        if index:
            threading.Event().wait(gap_s)
        gone += _end(process, signal.SIGKILL, name)
    return gone


def _find(name: str, conductor: psutil.Process, site: Site) -> psutil.Process | None:
    if name == "conductor":
        return conductor
    if name == "ssh server":
        return site.part("app-1")
    if name == "toxiproxy-server":
        state = read_state(site.sandbox.folder / "toxiproxy")
        return psutil.Process(state.pid) if state is not None else None
    module = {"healer": "faults.healer", "locust": "harness.load.locust_entry"}[name]
    with contextlib.suppress(psutil.NoSuchProcess):
        return next((p for p in conductor.children(recursive=True) if module in " ".join(p.cmdline())), None)
    return None


def _end(process: psutil.Process | None, number: signal.Signals, name: str) -> tuple[str, ...]:
    try:
        if process is None:
            return (name,)
        process.send_signal(number)  # psutil checks that the number still means the same process
    except psutil.NoSuchProcess:
        return (name,)
    return ()


def records(run: Path) -> list[dict[str, object]]:
    """What the conductor has written so far; half a line at the end is left out."""
    try:
        lines = (run / "journal" / "conductor.jsonl").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found
