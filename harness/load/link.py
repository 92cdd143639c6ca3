"""A load process's end of the telemetry: a native thread with its socket, beside Locust's event loop.

A greenlet would fall silent as soon as a user blocks the loop in C code: then nobody would hear that the conductor
died, and a stuck load would look like an idle one. So this thread shares nothing with gevent.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from gevent.monkey import get_original

from harness.clock import boot_s
from harness.load.wire import QUIT, QUIT_POLITELY, tick_of, tick_start

_MOST_LINES = 240  # a minute of windows
_LONGEST_WAIT_S = 0.5
_BUSY = (errno.EAGAIN, errno.EWOULDBLOCK)


class Link:
    """Connects at once; raises OSError if the conductor is not there.

    Called in the native thread: `on_tick` at every tick, `on_quit` when the conductor asks for the end (True:
    politely), `on_lost` when it is gone.
    """

    def __init__(
        self, path: str, on_tick: Callable[[], None], on_quit: Callable[[bool], None], on_lost: Callable[[], None]
    ) -> None:
        self.pid = os.getpid()
        self.dropped = 0
        self._on_tick, self._on_quit, self._on_lost = on_tick, on_quit, on_lost
        self._lock = get_original("_thread", "allocate_lock")()
        self._lines: deque[bytes] = deque()
        self._rest = b""
        native_socket = get_original("socket", "socket")
        self._reader = native_socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._reader.connect(path)
        # its own object, since a timeout belongs to an object: the reader waits, the writer never does
        self._writer = native_socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(self._reader.fileno()))
        self._writer.settimeout(0.0)

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        get_original("_thread", "start_new_thread")(self._run, ())

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message and send what the socket takes; never waits for the conductor, never raises."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._lines.append(line)
            while len(self._lines) > _MOST_LINES:
                self._lines.popleft()
                self.dropped += 1
            self._push()

    def abandon(self) -> None:
        """Close the descriptors that a fork inherited; the parent's connection lives on."""
        self._reader.close()
        self._writer.close()

    def _push(self) -> None:
        try:
            while self._rest or self._lines:
                data = self._rest or self._lines.popleft()
                self._rest = data
                self._rest = data[self._writer.send(data) :]
        except OSError:
            return  # full: the next tick tries again; broken: the reader hears it

    def _run(self) -> None:
        received = b""
        tick = tick_of(boot_s())
        while True:
            self._reader.settimeout(min(_LONGEST_WAIT_S, max(0.001, tick_start(tick + 1) - boot_s())))
            try:
                data = self._reader.recv(4096)
            except TimeoutError:
                data = None
            except OSError as error:
                data = None if error.errno in _BUSY else b""
            if data == b"":
                return self._on_lost()
            received = self._obey(received + (data or b""))
            if tick_of(boot_s()) > tick:
                tick = tick_of(boot_s())
                self._call_tick()

    def _call_tick(self) -> None:
        try:
            self._on_tick()
        except Exception as error:  # noqa: BLE001 - one lost window must not end the watch over the conductor
            self.send({"type": "note", "text": f"a window was lost: {error!r}"})

    def _obey(self, received: bytes) -> bytes:
        *lines, rest = received.split(b"\n")
        for order in lines:
            if order in (QUIT.strip(), QUIT_POLITELY.strip()):
                self._on_quit(order == QUIT_POLITELY.strip())
        return rest
