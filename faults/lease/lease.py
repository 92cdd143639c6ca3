"""Our side of the lease: starts the keeper beside a Toxiproxy of another machine, and keeps its heart beating."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from faults.undo import EnabledUndo, ToxicUndo
from harness.clock import Deadline, boot_s
from harness.errors import GamedayError, ReachFailed
from harness.journal.lease_record import LeaseKept

LEASE_S = 3.0
"""Without a heartbeat for so long, the keeper heals."""
BEAT_S = 0.5
TRY_S = 60.0
START_S = 15.0
_HOLD_S = 3.0
_SEND_S = 3.0
_READ_S = 0.5
_DISMISS_S = 2.0
_PROGRAM = Path(__file__).with_name("keeper_program.py")
# `python3 -I`: neither the host's environment nor a user's own modules change what it does
_COMMAND = (
    "exec python3 -I -S -c 'import sys; n = int(sys.stdin.buffer.readline()); "
    'exec(compile(sys.stdin.buffer.read(n), "gameday-keeper", "exec"))\' gameday-keeper'
)
MEND = "install python3 there, or play without a keeper: --no-lease"


class Stream(Protocol):
    """A command on the host that is talked to in lines; see harness.reach.ssh_stream."""

    def send(self, data: bytes, deadline: Deadline) -> None: ...

    def read_line(self, timeout_s: float) -> bytes | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Watch:
    """What a keeper is told first. `host` and `port` are the API's, as reached from here; `proxies`: listen and
    upstream of those that it must find there, by name; `bound_s`: after so long it heals and ends in any case."""

    id: str
    host: str
    port: int
    proxies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    bound_s: float = 3600.0
    lease_s: float = LEASE_S
    try_s: float = TRY_S

    def hello(self, *, look: bool = False) -> bytes:
        told = {key: getattr(self, key) for key in self.__slots__}
        return _line({**told, "proxies": dict(self.proxies), "look": look})


@dataclass(frozen=True, slots=True)
class KeeperFacts:
    """A keeper that could stand there: the API as it reaches it, and whether that address is its own machine's."""

    python: str
    api: str
    here: bool
    folder: str = ""
    pid: int = 0


def look(open_stream: Callable[[str, Deadline], Stream], watch: Watch, deadline: Deadline) -> KeeperFacts:
    """Whether a keeper could stand on that host; it writes nothing and ends at once. Raises ReachFailed."""
    stream = _started(open_stream, watch.hello(look=True), deadline)
    try:
        return _facts(stream, deadline)
    finally:
        stream.close()


class Lease:
    """Two threads: one sends the heartbeats, each with every record that is open, one reads the answers. `host` names
    the keeper's host; `tell` gets what becomes of it."""

    def __init__(self, stream: Stream, host: str, facts: KeeperFacts, tell: Callable[[LeaseKept], None]) -> None:
        self.host = host
        self.facts = facts
        self._stream = stream
        self._tell = tell
        self._changed = threading.Condition()
        self._due = threading.Event()
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._open: dict[str, dict[str, object]] = {}
        self._healed: dict[str, str] = {}
        self._beat = 0
        self._acked = 0
        self._heard_s = boot_s()
        self._lost = ""
        self._threads = [
            threading.Thread(target=target, name=f"lease {host}", daemon=True) for target in (self._send, self._read)
        ]

    @classmethod
    def start(
        cls,
        open_stream: Callable[[str, Deadline], Stream],
        watch: Watch,
        host: str,
        tell: Callable[[LeaseKept], None],
        deadline: Deadline,
    ) -> Self:
        """Send the program, and wait until it stands. Raises ReachFailed with what stands in the way."""
        stream = _started(open_stream, watch.hello(), deadline)
        try:
            facts = _facts(stream, deadline)
        except GamedayError:
            stream.close()
            raise
        lease = cls(stream, host, facts, tell)
        for thread in lease._threads:
            thread.start()
        detail = f"python3 {facts.python}, process {facts.pid}, Toxiproxy's API at {facts.api}, log in {facts.folder}"
        tell(LeaseKept(host=host, state="stands", detail=detail))
        return lease

    @property
    def lost(self) -> str:
        """Why nobody outlives us there any more; "" while the keeper stands."""
        return self._lost

    @property
    def promise(self) -> str:
        """What a person may expect of it once we can't reach anything."""
        return f"the lease keeper on {self.host} takes it off by itself, {LEASE_S:g} s after it last heard from here"

    def hold(self, undo: ToxicUndo | EnabledUndo) -> None:
        """Returns once the keeper has the record. Raises ReachFailed: then there must be no injection."""
        with self._changed:
            self._open[undo.fault_id] = _told(undo)
            carried = self._beat + 1
            self._due.set()
            self._changed.wait_for(lambda: self._lost or self._acked >= carried, _HOLD_S)
            if self._lost:
                raise ReachFailed(self._lost, where=self.host, mend="is the host up, and the way to it?")
            if self._acked < carried:
                raise ReachFailed(f"the lease keeper on {self.host} has not taken the undo record in {_HOLD_S:g} s")

    def release(self, fault_id: str) -> str:
        """The fault is off. The rung by which the keeper had taken it off itself, "" when it hadn't."""
        with self._changed:
            self._open.pop(fault_id, None)
            return self._healed.get(fault_id, "")

    def close(self) -> None:
        """Dismiss the keeper. Where something is still open, it is left to heal that by itself. Idempotent."""
        with self._changed:
            if self._closing.is_set():
                return
            left = sorted(self._open)
            self._closing.set()
        self._due.set()
        if left:
            self._tell(LeaseKept(host=self.host, state="left", detail=f"it takes off by itself: {', '.join(left)}"))
        else:
            with contextlib.suppress(GamedayError):
                self._stream.send(_line({"done": True}), Deadline.after(_DISMISS_S))
            if self._ended.wait(_DISMISS_S) and not self._lost:
                self._tell(LeaseKept(host=self.host, state="ended"))
        self._stream.close()

    def _send(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                self._due.clear()
                self._beat += 1
                message = {"beat": self._beat, "undos": list(self._open.values())}
            try:
                self._stream.send(_line(message), Deadline.after(_SEND_S))
            except GamedayError as error:
                self._lose(f"can't be reached any more ({error.what})")
                return
            if boot_s() - self._heard_s > LEASE_S:
                self._lose(f"has not answered for {LEASE_S:g} s")
                return
            self._due.wait(BEAT_S)

    def _read(self) -> None:
        try:
            while True:
                line = self._stream.read_line(_READ_S)
                if line is not None:
                    self._take(_message(line))
        except GamedayError as error:
            if not self._closing.is_set():
                self._lose(f"ended ({error.what})")
        finally:
            self._ended.set()

    def _take(self, message: Mapping[str, Any]) -> None:
        if "ack" in message:
            with self._changed:
                self._heard_s = boot_s()
                self._acked = max(self._acked, int(message["ack"]))
                self._changed.notify_all()
        elif "over" in message:
            self._lose(f"takes off by itself what is injected: {message['over']}")
        elif "healed" in message:
            with self._changed:
                self._healed[str(message["healed"])] = str(message.get("rung", ""))

    def _lose(self, why: str) -> None:
        with self._changed:
            if self._lost or self._closing.is_set():
                return
            self._lost = f"the lease keeper on {self.host} {why}"
            self._changed.notify_all()
        self._tell(LeaseKept(host=self.host, state="lost", detail=self._lost))


def _started(open_stream: Callable[[str, Deadline], Stream], hello: bytes, deadline: Deadline) -> Stream:
    program = _PROGRAM.read_bytes()
    stream = open_stream(_COMMAND, deadline)
    try:
        stream.send(b"%d\n%s%s" % (len(program), program, hello), deadline)
    except GamedayError:
        stream.close()
        raise
    return stream


def _facts(stream: Stream, deadline: Deadline) -> KeeperFacts:
    line = None
    while line is None:
        if deadline.passed:
            raise ReachFailed("the lease keeper did not stand in time", mend=MEND)
        try:
            line = stream.read_line(min(_READ_S, deadline.left_s()))
        except ReachFailed as error:
            raise ReachFailed(f"the lease keeper could not start: {error.what}", where=error.where, mend=MEND) from None
    said = _message(line)
    if "ready" not in said:
        what = said.get("error") or f"it said {line[:200].decode(errors='replace')!r}"
        mend = "does `host:` name the host that Toxiproxy runs on, and does its API listen there?"
        raise ReachFailed(f"the lease keeper can't reach Toxiproxy's API: {what}", mend=mend)
    return KeeperFacts(
        python=str(said.get("python")),
        api=str(said["ready"]),
        here=bool(said.get("here")),
        folder=str(said.get("folder", "")),
        pid=int(said.get("pid", 0)),
    )


def _told(undo: ToxicUndo | EnabledUndo) -> dict[str, object]:
    toxic = undo.toxic if isinstance(undo, ToxicUndo) else ""
    keys = ("proxy", "listen", "upstream", "enabled")
    return {"id": undo.fault_id, "toxic": toxic, **{key: getattr(undo, key) for key in keys}}


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _message(line: bytes) -> Mapping[str, Any]:
    """Anything else than a message of the keeper's (a login banner, say) is no message."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
