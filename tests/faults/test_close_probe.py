"""The probe that times a close: it waits for the other end's, and never longer than asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from faults.close_probe import CloseProbe
from harness.clock import boot_s
from harness.reach.allow_list import AllowList

LOOPBACK = AllowList(["127.0.0.0/8"])
Serve = Callable[[Callable[[socket.socket], None]], tuple[str, int]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server of one connection that does with it as it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads: list[threading.Thread] = []

        def start(does: Callable[[socket.socket], None]) -> tuple[str, int]:
            def run() -> None:
                with server.accept()[0] as link:
                    does(link)

            threads.append(threading.Thread(target=run))
            threads[0].start()
            address: tuple[str, int] = server.getsockname()
            return address

        yield start
        for thread in threads:
            thread.join(10)


def test_a_close_that_comes_late_takes_as_long(serve: Serve) -> None:
    def close_late(link: socket.socket) -> None:
        link.recv(1)
        threading.Event().wait(0.2)

    sample = CloseProbe(serve(close_late), allow=LOOPBACK).measure(5)
    assert sample.ok
    assert sample.elapsed_ms >= 195


def test_a_greeting_is_no_close(serve: Serve) -> None:
    def greet(link: socket.socket) -> None:
        link.sendall(b"220 ready\r\n")
        link.recv(1)
        threading.Event().wait(0.1)

    sample = CloseProbe(serve(greet), allow=LOOPBACK).measure(5)
    assert sample.ok
    assert sample.elapsed_ms >= 95


def test_a_close_that_never_comes_is_silence_in_time(serve: Serve) -> None:
    over = threading.Event()
    address = serve(lambda _: (over.wait(10), None)[1])
    begun = boot_s()
    sample = CloseProbe(address, allow=LOOPBACK).measure(0.3)
    over.set()
    assert boot_s() - begun < 5
    assert (sample.ok, sample.silent) == (False, True)


def test_nobody_there_is_a_failure() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        probe = CloseProbe(nobody.getsockname(), allow=LOOPBACK)
        assert not probe.measure(1).ok
        assert not CloseProbe(nobody.getsockname(), allow=AllowList(["10.0.0.0/8"])).measure(1).ok
