"""One toxiproxy-server process: started in its own session, known by its number, start time and port."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from faults import process
from faults.listener import holds_listener
from harness.clock import Deadline
from harness.errors import GamedayError, ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi

LOOPBACK = AllowList(["127.0.0.0/8"])
STATE = "toxiproxy-server.json"
CONFIG = "toxiproxy-proxies.json"
LOG = "toxiproxy-server.log"
CALL_S = 1.0
STOP_S = 3.0
_HOST = "127.0.0.1"
_START_S = 3.0
_PORT_ATTEMPTS = 5
_OPEN_FILES = 65536


class ServerState(BaseModel):
    """What another process needs to find the server, and to be sure that it is that one. `replaces_dead`: the one that
    was in its place had ended by itself."""

    model_config = ConfigDict(frozen=True)

    pid: int
    start_ticks: int
    api_url: str
    binary: str
    replaces_dead: bool = False


def start(folder: Path, binary: Path, deadline: Deadline, *, port: int, replaces_dead: bool = False) -> ServerState:
    """Start the program on `port`, or on a free one that the system chooses, and wait for its API."""
    for _ in range(_PORT_ATTEMPTS):
        chosen = port or _free_port()
        pid = _spawn(folder, binary, chosen)
        state = ServerState(
            pid=pid,
            start_ticks=process.start_ticks(pid) or 0,
            api_url=f"http://{_HOST}:{chosen}",
            binary=str(binary),
            replaces_dead=replaces_dead,
        )
        # before it answers: if we die now, the next one finds and ends it
        replace_file(folder / STATE, state.model_dump_json())
        if _came_up(state, Deadline.after(min(_START_S, deadline.left_s()))):
            return state
        kill(state)
        if deadline.passed:
            break
    (folder / STATE).unlink(missing_ok=True)
    raise GamedayError(
        f"toxiproxy-server did not come up: {_last_line(folder / LOG)}",
        where=str(binary),
        mend=f"see {folder / LOG}",
    )


def _spawn(folder: Path, binary: Path, port: int) -> int:
    """Start it in a session of its own: a Ctrl-C or a closed terminal must not take it away under a fault."""
    arguments = [str(binary), "-host", _HOST, "-port", str(port)]
    if (folder / CONFIG).exists():
        arguments += ["-config", str(folder / CONFIG)]
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        pid = os.posix_spawn(
            binary,
            arguments,
            {"LOG_LEVEL": "warn"},
            file_actions=[(os.POSIX_SPAWN_DUP2, *pair) for pair in ((nothing, 0), (log, 1), (log, 2))],
            setsid=True,
            setsigmask=[],
        )
    except OSError as error:
        raise GamedayError(f"toxiproxy-server can't be started: {error.strerror}", where=str(binary)) from error
    finally:
        os.close(log)
        os.close(nothing)
    _raise_open_files(pid)
    return pid


def _raise_open_files(pid: int) -> None:
    """Two descriptors a connection, and out of them the server stops accepting for good."""
    if hasattr(resource, "prlimit"):
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
            if hard != resource.RLIM_INFINITY and hard < _OPEN_FILES:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))


def _came_up(state: ServerState, deadline: Deadline) -> bool:
    pause = threading.Event()
    while not deadline.passed and process.is_alive(state.pid, state.start_ticks):
        if answers(state):
            return True
        pause.wait(0.01)
    return False


def answers(state: ServerState) -> bool:
    """Whether it is that process, and its API that answers there: without its port it stays alive mutely."""
    if not process.is_alive(state.pid, state.start_ticks):
        return False
    try:
        ToxiproxyApi(state.api_url, LOOPBACK, CALL_S).version()
    except ReachFailed:
        return False
    return holds_listener(state.pid, urlsplit(state.api_url).port or 0) is not False


def kill(state: ServerState) -> None:
    """End it at once; nothing happens when it is gone."""
    with contextlib.suppress(TimeoutError):
        process.end_process(state.pid, state.start_ticks, Deadline.after(STOP_S), ask_first=False)
    reap(state.pid)


def reap(pid: int) -> None:
    """Take the exit status if it was a child of ours: nobody else would."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((_HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def read_state(folder: Path) -> ServerState | None:
    """What the folder says of its server; None when it says nothing that can be read."""
    try:
        return ServerState.model_validate_json((folder / STATE).read_bytes())
    except (OSError, ValidationError):
        return None


def replace_file(path: Path, text: str) -> None:
    """The whole file or the old one, whatever happens in between."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.draft")
    draft.write_text(text)
    draft.replace(path)


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError, IndexError):
        return log.read_text(errors="replace").strip().splitlines()[-1][:300]
    return "it said nothing"
