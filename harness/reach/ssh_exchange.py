"""One command on one channel: sent, fed, both outputs drained, the exit code awaited.

A raw channel, since Fabric's `run` reads 1000 bytes at a time and is 50 times slower. An output that nobody drains
would stall the other.
"""

from __future__ import annotations

import math
import selectors
from typing import Any, Final

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach.remote_command import CommandResult, watched

MOST_STDERR_BYTES: Final = 256 * 1024
_CHUNK_BYTES: Final = 1 << 20
_LINGER_S: Final = 2.0  # how long output may stay open, silent, after the command itself has ended
_TICK_S: Final = 0.05
_LOOK_S: Final = 0.25  # the exit code does not wake the selector


class SshExchange:
    """`channel` is a paramiko.Channel just opened; it is closed in the end, which ends the command as well."""

    def __init__(self, channel: Any, deadline: Deadline, max_bytes: int) -> None:
        self._channel = channel
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._cut = False
        self._quiet_until: Deadline | None = None

    def play(self, command: str, fed: bytes) -> CommandResult | None:
        """The command's result, or None when the deadline came first. Raises what paramiko raises, and ReachFailed
        when the connection died in the middle: what the command did is unknown then."""
        channel = self._channel
        # the far end's own limit comes after ours: it is for the case that we can't tell it anything any more
        seconds = math.ceil(self._deadline.left_s()) + 1
        try:
            channel.settimeout(max(self._deadline.left_s(), 0.001))
            line = watched(command, seconds, fed=bool(fed))
            # names of files on the host need not be valid text
            channel.exec_command(line.encode("utf-8", "surrogateescape"))
            if fed:
                channel.sendall(fed)
                channel.shutdown_write()
            return self._read()
        finally:
            channel.close()

    def _read(self) -> CommandResult | None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel.fileno(), selectors.EVENT_READ)
            while not self._deadline.passed:
                drained = self._drain()
                if len(self._stdout) > self._max_bytes:
                    del self._stdout[self._max_bytes :]
                    return self._result(-1, cut=True)
                if self._ended(drained=drained):
                    # some servers close the channel without an end-of-file before it: all output was sent all the same
                    return self._last(cut=not (self._channel.eof_received or self._channel.closed))
                if drained:
                    continue
                wait_s = min(self._deadline.left_s(), _TICK_S if self._quiet_until else _LOOK_S)
                if self._channel.eof_received:
                    # the descriptor stays readable after the end of the outputs: only the exit code is awaited
                    self._channel.status_event.wait(min(wait_s, _TICK_S))
                else:
                    selector.select(wait_s)
        return None

    def _drain(self) -> bool:
        """Take what is there; True when there was anything."""
        channel, took = self._channel, False
        while channel.recv_ready() and len(self._stdout) <= self._max_bytes:
            self._stdout += channel.recv(_CHUNK_BYTES)
            took = True
        while channel.recv_stderr_ready():
            chunk = channel.recv_stderr(_CHUNK_BYTES)
            room = MOST_STDERR_BYTES - len(self._stderr)
            self._stderr += chunk[:room]
            self._cut = self._cut or len(chunk) > room
            took = True
            if self._deadline.passed:
                break
        return took

    def _ended(self, *, drained: bool) -> bool:
        channel = self._channel
        if not channel.exit_status_ready() or drained:
            self._quiet_until = None
            return False
        if channel.eof_received or channel.closed:
            return True
        # something that the command left in the background holds its output open
        self._quiet_until = self._quiet_until or Deadline.after(_LINGER_S)
        return self._quiet_until.passed

    def _last(self, *, cut: bool) -> CommandResult:
        self._drain()
        code = self._channel.recv_exit_status()
        transport = self._channel.get_transport()
        if code == -1 and not transport.is_active():
            raise ReachFailed(
                "the connection died while a command ran: what it did is unknown",
                mend="look at the host, then run again",
            )
        return self._result(code, cut=cut and bool(self._stdout))

    def _result(self, code: int, *, cut: bool) -> CommandResult:
        return CommandResult(bytes(self._stdout), bytes(self._stderr), code, truncated=cut or self._cut)
