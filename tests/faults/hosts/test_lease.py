"""Our end of the channel to a guardian: what it says is heard, and silence is not taken for a yes."""

from __future__ import annotations

import queue
import threading

import pytest

from faults.hosts import lease as lease_module
from faults.hosts.lease import Lease
from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout


class FakeGuardian:
    """The far end of a channel: `say` is heard by the lease, `heard` is what the lease sent."""

    def __init__(self, *, injects: str = "on", undoes: bool = True) -> None:
        self.heard: list[bytes] = []
        self.closed = threading.Event()
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._injects, self._undoes = injects, undoes
        self.say("ready")

    def say(self, line: str) -> None:
        self._lines.put(line.encode())

    def send(self, data: bytes, deadline: Deadline) -> None:
        if self.closed.is_set():
            raise ReachFailed("closed")
        self.heard.append(data)
        if data == b"go\n":
            self.say(self._injects)
        if data == b"end\n" and self._undoes:
            self.say("undone")

    def read_line(self, timeout_s: float) -> bytes | None:
        if self.closed.is_set():
            raise ReachFailed("the command ended")
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        self.closed.set()


def soon() -> Deadline:
    return Deadline.after(10)


def until(event: threading.Event, holds: object) -> None:
    deadline = soon()
    while not holds():  # type: ignore[operator]
        assert not deadline.passed
        event.wait(0.02)


def test_a_guardian_is_told_to_go_kept_by_beats_and_ended() -> None:
    guardian = FakeGuardian()
    lease = Lease(guardian, "host app-1")
    lease.begin(soon())
    until(threading.Event(), lambda: guardian.heard.count(b"beat\n") >= 2)
    assert lease.holds
    assert lease.end(soon())
    assert guardian.closed.is_set()
    assert guardian.heard[0] == b"go\n"
    assert guardian.heard[-1] == b"end\n"
    until(threading.Event(), lambda: not lease.holds)


def test_why_an_injection_failed_is_raised() -> None:
    with pytest.raises(ReachFailed, match="only 5 kB are available now") as raised:
        Lease(FakeGuardian(injects="failed only 5 kB are available now"), "host app-1").begin(soon())
    assert raised.value.where == "host app-1"


def test_a_fault_that_the_guardian_sees_no_more_is_gone_and_a_lost_channel_too() -> None:
    guardian = FakeGuardian()
    lease = Lease(guardian, "host app-1")
    lease.begin(soon())
    guardian.say("gone")
    until(threading.Event(), lambda: not lease.holds)
    lost = FakeGuardian(undoes=False)
    other = Lease(lost, "host app-1")
    other.begin(soon())
    lost.close()
    until(threading.Event(), lambda: not other.holds)
    assert not other.end(Deadline.after(0.2))


def test_silence_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "LEASE_S", 0.1)
    lease = Lease(FakeGuardian(undoes=False), "host app-1")
    lease.begin(soon())
    threading.Event().wait(0.3)
    with pytest.raises(ReachTimeout, match="the guardian was not heard for"):
        _ = lease.holds
    assert not lease.end(Deadline.after(0.2))
    with pytest.raises(ReachTimeout, match="did not say 'on' in time"):
        Lease(FakeGuardian(injects="beat"), "host app-1").begin(Deadline.after(0.3))
