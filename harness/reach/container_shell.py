"""The door into a container: one command of its `sh`, by the engine's exec, that ends by its deadline."""

from __future__ import annotations

import contextlib
import math
import shlex
import socket
import threading
from collections.abc import Mapping
from typing import Any, Final

import docker.errors
import requests
from docker.utils.socket import STDERR, STDOUT, SocketError, frames_iter

from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.container_roster import is_named
from harness.reach.docker import DockerDoor
from harness.reach.docker_engine import connect
from harness.reach.in_time import in_time
from harness.reach.remote_command import CommandResult

MAX_BYTES: Final = 4 * 1024 * 1024
_LOOK_S: Final = 5.0
# an exec can't be ended from outside: its own end of time comes with it, where the image has `timeout`
_TIMED: Final = (
    "if command -v timeout >/dev/null 2>&1; then exec timeout {seconds} sh -c {command}; else exec sh -c {command}; fi"
)


class ContainerShell:
    """The containers of one engine, as in DockerDoor. Its methods raise ReachFailed, ReachTimeout or NotAllowed."""

    def __init__(self, engine: str, *, allow: AllowList, environment: Mapping[str, str]) -> None:
        self._door = DockerDoor(engine, allow=allow, timeout_s=_LOOK_S, environment=environment)
        self._allow = allow
        self._environment = dict(environment)

    def find(self, name: str, deadline: Deadline) -> str:
        """The id of the one running container of that name, its own or its Compose service's."""
        found = [c for c in self._door.list(deadline) if is_named(c, (name,))]
        running = [c for c in found if c.status == "running"]
        if len(running) == 1:
            return running[0].id
        if running:
            names = ", ".join(sorted(c.name for c in running))
            raise ReachFailed(f"several containers are named {name}: {names}", where=self._door.where, mend="name one")
        state = f"it is {found[0].status}" if found else "there is no such container"
        raise ReachFailed(f"{name} does not run: {state}", where=self._door.where, mend="docker ps --all")

    def run(self, name: str, command: str, deadline: Deadline, *, max_bytes: int = MAX_BYTES) -> CommandResult:
        """What `command` wrote in the container's sh, at most `max_bytes`; `exit_code` -1: it is not known."""
        container = self.find(name, deadline)
        seconds = max(1, math.ceil(deadline.left_s()))
        words = ["sh", "-c", _TIMED.format(seconds=seconds, command=shlex.quote(command))]
        output = _Output(max_bytes)

        def work() -> CommandResult:
            client = connect(self._door.where, self._environment, self._allow, seconds + _LOOK_S)
            try:
                exec_id = client.exec_create(container, words)["Id"]
                output.take(client.exec_start(exec_id, socket=True))
                code = client.exec_inspect(exec_id).get("ExitCode")
            finally:
                client.close()
            return output.result(-1 if code is None else int(code))

        late = "the command did not end in time: it may still run in the container"
        try:
            return in_time(work, timeout_s=deadline.left_s(), where=name, release=output.leave, what=late)
        except (docker.errors.DockerException, requests.RequestException, SocketError, OSError, KeyError) as error:
            text = " ".join(str(error).split())[:300]
            if isinstance(error, requests.Timeout):
                raise ReachTimeout(late, where=name) from error
            raise ReachFailed(f"the engine could not run it: {text}", where=name) from error

    def close(self) -> None:
        """Lets go of the connection."""
        self._door.close()


class _Output:
    """Both outputs of an exec, bounded, from the engine's raw stream; another thread may leave it behind."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parts = {STDOUT: bytearray(), STDERR: bytearray()}
        self._cut = False
        self._lock = threading.Lock()  # guards what `leave` reaches for
        self._stream: Any = None
        self._left = False

    def take(self, stream: Any) -> None:
        """Read to the end of `stream`, and close it: the SDK would leave that to the garbage collector."""
        with self._lock:
            self._stream = stream
            if self._left:
                _shut(stream)
        try:
            for kind, piece in frames_iter(stream, tty=False):  # type: ignore[no-untyped-call]
                part = self._parts.get(kind)
                if part is None:
                    continue
                room = self._max_bytes - len(part)
                part += piece[:room]
                self._cut = self._cut or len(piece) > room
        finally:
            with self._lock:
                self._stream = None
            stream._response.close()  # noqa: SLF001 - the SDK hangs it there to keep it alive
            stream.close()

    def leave(self) -> None:
        with self._lock:
            self._left = True
            if self._stream is not None:
                _shut(self._stream)

    def result(self, exit_code: int) -> CommandResult:
        return CommandResult(bytes(self._parts[STDOUT]), bytes(self._parts[STDERR]), exit_code, truncated=self._cut)


def _shut(stream: Any) -> None:
    """Wake whoever reads from it."""
    with contextlib.suppress(OSError, AttributeError):
        getattr(stream, "_sock", stream).shutdown(socket.SHUT_RDWR)
