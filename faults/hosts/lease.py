"""Our end of a fault on a host: the channel to its guardian, kept alive by beats and listened to."""

from __future__ import annotations

import threading
from typing import Protocol

from harness.clock import Deadline, boot_s
from harness.errors import GamedayError, ReachFailed, ReachTimeout

LEASE_S = 3
"""How long the guardian waits for a beat."""
_BEAT_S = 0.7
_LISTEN_S = 0.1
_SEND_S = 3.0


class Stream(Protocol):
    """What is asked of the connection to the guardian."""

    def send(self, data: bytes, deadline: Deadline) -> None: ...

    def read_line(self, timeout_s: float) -> bytes | None: ...

    def close(self) -> None: ...


class Lease:
    """A guardian that was started. `begin` lets it inject; until `end`, a thread of ours beats. When we die or stand
    still, or the connection is lost, the guardian takes the fault off."""

    def __init__(self, stream: Stream, where: str) -> None:
        self._stream = stream
        self._where = where
        self._said = threading.Condition()
        self._lines: list[str] = []
        self._heard_at_s = boot_s()
        self._gone = False
        self._over = ""  # why nothing more is heard
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {where}", daemon=True)

    def begin(self, deadline: Deadline) -> None:
        """Let the guardian inject. Raises ReachFailed with what it says when that failed."""
        self._thread.start()
        self._wait_for("ready", deadline)
        self._send(b"go\n")
        self._wait_for("on", deadline)

    @property
    def holds(self) -> bool:
        """Whether the guardian still sees the fault on. Raises ReachFailed while it is not heard."""
        with self._said:
            if self._gone or self._over:
                return False
            silent_s = boot_s() - self._heard_at_s
        if silent_s > LEASE_S:
            raise ReachTimeout(f"the guardian was not heard for {silent_s:.1f} s", where=self._where)
        return True

    def end(self, deadline: Deadline) -> bool:
        """Ask the guardian to take the fault off and to end. True when it says that it has."""
        self._ending.set()
        try:
            self._send(b"end\n")
            self._wait_for("undone", deadline)
        except GamedayError:
            return False
        finally:
            self._stream.close()
        return True

    def _send(self, data: bytes) -> None:
        self._stream.send(data, Deadline.after(_SEND_S))

    def _keep(self) -> None:
        """Beats and listens, until the channel ends."""
        beaten_at_s = 0.0
        try:
            while True:
                if not self._ending.is_set() and boot_s() - beaten_at_s >= _BEAT_S:
                    beaten_at_s = boot_s()
                    if "on" in self._lines:
                        self._send(b"beat\n")
                line = self._stream.read_line(_LISTEN_S)
                if line is not None:
                    self._hear(line.decode(errors="replace").strip())
        except GamedayError as error:
            with self._said:
                self._over = error.what
                self._said.notify_all()

    def _hear(self, line: str) -> None:
        with self._said:
            self._heard_at_s = boot_s()
            if line in ("beat", "gone"):
                self._gone = line == "gone"
            else:
                self._lines.append(line)
            self._said.notify_all()

    def _wait_for(self, word: str, deadline: Deadline) -> None:
        with self._said:
            self._said.wait_for(lambda: word in self._lines or self._failure() or self._over, deadline.left_s())
            if word in self._lines:
                return
            failure = self._failure() or self._over
        if failure:
            raise ReachFailed(failure, where=self._where)
        raise ReachTimeout(f"the guardian did not say {word!r} in time", where=self._where)

    def _failure(self) -> str:
        return next((x.partition(" ")[2] or x for x in self._lines if x.startswith(("failed", "left"))), "")
