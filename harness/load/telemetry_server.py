"""The conductor's end of the telemetry: a unix socket that load processes connect to."""

from __future__ import annotations

import contextlib
import selectors
import shutil
import socket
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from harness.load.message import Message, parse

_LONGEST_LINE = 8_000_000
_READ_BYTES = 262_144


@dataclass(frozen=True)
class Arrival:
    """A message, or the end of a connection (`message` None), or a line that was none (`unreadable`)."""

    connection: int
    message: Message | None
    unreadable: bool = False


@dataclass
class _Connection:
    sock: socket.socket
    number: int
    rest: bytearray = field(default_factory=bytearray)


class TelemetryServer:
    """Bound when made, in a directory of its own that only this user can enter.

    `poll` belongs to one thread; `broadcast`, `wake` and `close` may be called from any.
    """

    def __init__(self) -> None:
        # not in the run folder: the path of a unix socket has about 100 characters
        self._folder = Path(tempfile.mkdtemp(prefix="gameday-"))
        self.path = self._folder / "load"
        self._lock = threading.Lock()
        self._connections: dict[int, _Connection] = {}
        self._next_number = 0
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(128)
        self._listener.settimeout(0.0)
        self._waker, self._woken = socket.socketpair()
        self._woken.settimeout(0.0)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    def poll(self, timeout_s: float) -> list[Arrival]:
        """What arrived, waiting up to `timeout_s` for something to."""
        arrivals: list[Arrival] = []
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._woken:
                with contextlib.suppress(OSError):
                    self._woken.recv(4096)
            else:
                arrivals += self._read(key.data)
        return arrivals

    def broadcast(self, line: bytes) -> None:
        """Send to every connected process; one that does not listen is passed over."""
        with self._lock:
            connections = list(self._connections.values())
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sock.send(line, socket.MSG_DONTWAIT)

    def wake(self) -> None:
        """Make a waiting `poll` return."""
        with contextlib.suppress(OSError):
            self._waker.send(b"x", socket.MSG_DONTWAIT)

    def close(self) -> None:
        """Close everything and remove the directory. Load processes that still live take it as the end."""
        with self._lock:
            sockets = [c.sock for c in self._connections.values()]
            self._connections.clear()
        for sock in (*sockets, self._listener, self._waker, self._woken):
            sock.close()
        self._selector.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # it left before we came
        sock.settimeout(0.0)
        with self._lock:
            connection = _Connection(sock, self._next_number)
            self._connections[connection.number] = connection
            self._next_number += 1
        self._selector.register(sock, selectors.EVENT_READ, connection)

    def _read(self, connection: _Connection) -> list[Arrival]:
        try:
            data = connection.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        connection.rest += data
        if not data or len(connection.rest) > _LONGEST_LINE:
            self._drop(connection)
            return [Arrival(connection.number, None)]
        *lines, rest = bytes(connection.rest).split(b"\n")
        connection.rest = bytearray(rest)
        return [_arrival(connection.number, line) for line in lines if line]

    def _drop(self, connection: _Connection) -> None:
        self._selector.unregister(connection.sock)
        connection.sock.close()
        with self._lock:
            self._connections.pop(connection.number, None)


def _arrival(number: int, line: bytes) -> Arrival:
    try:
        return Arrival(number, parse(line))
    except ValueError:
        return Arrival(number, None, unreadable=True)
