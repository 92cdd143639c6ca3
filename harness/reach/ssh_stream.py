"""A command on a host that is talked to, line by line, for as long as it runs."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any, Final

from harness.clock import Deadline
from harness.errors import GamedayError, ReachFailed
from harness.reach.in_time import in_time
from harness.reach.ssh_failure import mapped

_CHUNK_BYTES: Final = 65536
_SHOWN_CHARACTERS: Final = 300


class SshStream:
    """`channel` is a paramiko.Channel just opened. One thread may send while another reads. Unlike `SshDoor.run`,
    nothing ends the command but itself: what it does when we are gone is its own affair."""

    def __init__(self, channel: Any, where: str, close_link: Callable[[], None]) -> None:
        self._channel = channel
        self._where = where
        self._close_link = close_link
        self._rest = b""

    def start(self, command: str, deadline: Deadline) -> None:
        """Raises ReachFailed or ReachTimeout."""
        self._in_time(lambda: self._channel.exec_command(command), deadline)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """All of `data`. Raises ReachFailed or ReachTimeout, and the connection is closed then."""
        self._in_time(lambda: self._channel.sendall(data), deadline)

    def read_line(self, timeout_s: float) -> bytes | None:
        """The next line without its end; None when there is none yet. Raises ReachFailed at the end of the output."""
        deadline = Deadline.after(timeout_s)
        while b"\n" not in self._rest:
            try:
                self._channel.settimeout(max(deadline.left_s(), 0.001))
                chunk = self._channel.recv(_CHUNK_BYTES)
            except (TimeoutError, socket.timeout):  # noqa: UP041 - paramiko raises the older one
                return None
            except (OSError, EOFError) as error:
                raise mapped(error, self._where) from error
            if not chunk:
                raise ReachFailed(f"the command ended{self._last_words()}", where=self._where)
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> None:
        """The connection with it; never waits."""
        with contextlib.suppress(Exception):  # each is closed whatever became of the other
            self._channel.close()
        self._close_link()

    def _in_time(self, call: Callable[[], None], deadline: Deadline) -> None:
        try:
            in_time(call, timeout_s=deadline.left_s(), where=self._where, release=self.close)
        except GamedayError:
            raise
        except Exception as error:
            raise mapped(error, self._where) from error

    def _last_words(self) -> str:
        """What it wrote to its standard error, at the end."""
        with contextlib.suppress(Exception):  # a channel that is broken tells nothing
            self._channel.settimeout(0.5)
            text = " ".join(self._channel.recv_stderr(_CHUNK_BYTES).decode(errors="replace").split())
            return f": {text[-_SHOWN_CHARACTERS:]}" if text else ""
        return ""
