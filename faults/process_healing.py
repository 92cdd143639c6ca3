"""Ends what the undo record of a process names: the load, or a managed toxiproxy-server."""

from __future__ import annotations

import contextlib
from pathlib import Path

from faults import process
from faults.fault import Healed
from faults.toxiproxy_server import ManagedServer
from faults.undo import ProcessUndo
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed

SERVER = "toxiproxy-server"


def end_processes(undo: ProcessUndo, deadline: Deadline) -> Healed:
    """End the group, and the managed server's current process. Idempotent. Raises NotHealed."""
    try:
        ended = process.end_group(undo.pgid, undo.start_ticks, deadline)
        if undo.managed_folder:
            with contextlib.suppress(ReachFailed):
                ManagedServer.attach(Path(undo.managed_folder)).stop()
                ended = True
    except TimeoutError as error:
        what = f"{undo.fault_id} could not be taken off: {undo.what}: {error}"
        raise NotHealed(what, where=undo.what, mend=kill_command(undo)) from error
    return Healed("killed" if ended else "gone")


def kill_command(undo: ProcessUndo) -> str:
    """What a person types to end it."""
    return f"kill -9 -- -{undo.pgid}"


def is_server(undo: ProcessUndo) -> bool:
    """Whether it is the server that holds the proxies."""
    return undo.what == SERVER
