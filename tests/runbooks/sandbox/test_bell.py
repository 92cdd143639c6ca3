"""What wakes the supervisor."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from harness.clock import boot_s
from runbooks.sandbox.bell import Bell


@pytest.fixture
def owner() -> Iterator[tuple[int, int]]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    reading, writing = os.pipe()
    yield reading, writing
    for number, handler in kept.items():
        signal.signal(number, handler)
    os.close(reading)


def test_a_signal_ends_a_wait_and_every_later_one(owner: tuple[int, int]) -> None:
    bell = Bell(None)
    started = boot_s()
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert bell.wait(5)
    assert bell.wait(5)
    assert boot_s() - started < 2


def test_without_a_signal_the_wait_takes_its_time(owner: tuple[int, int]) -> None:
    assert not Bell(None).wait(0.02)


def test_the_owners_end_is_noticed(owner: tuple[int, int]) -> None:
    reading, writing = owner
    bell = Bell(reading)
    assert not bell.wait_for_owner(0.01)
    os.close(writing)
    assert bell.wait_for_owner(5)
    assert not bell.rung


def test_a_restart_is_asked_for_once(owner: tuple[int, int]) -> None:
    bell = Bell(None)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert not bell.wait_for_owner(1)
    assert bell.take_restart()
    assert not bell.take_restart()
    assert not bell.rung
