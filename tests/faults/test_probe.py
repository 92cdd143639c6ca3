"""Probes measure, and never longer than they were asked to: whatever the wire does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from faults.probe import HttpProbe, PostgresProbe, Probe, RedisProbe, TcpProbe
from harness.clock import boot_s
from harness.reach.allow_list import AllowList

LOOPBACK = AllowList(["127.0.0.0/8"])
Address = tuple[str, int]


@pytest.fixture
def silent() -> Iterator[Address]:
    """Accepts connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.fixture
def closing() -> Iterator[Address]:
    """Closes every connection at once, as a proxy does whose upstream is dead."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_all() -> None:
            try:
                while True:
                    server.accept()[0].close()
            except OSError:
                return

        thread = threading.Thread(target=close_all)
        thread.start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def refused() -> Iterator[Address]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()


def probes(via: Address) -> list[Probe]:
    return [
        PostgresProbe("postgresql://u:secret@db.invalid/x", allow=LOOPBACK, via=via),
        RedisProbe("redis://cache.invalid:6379/0", allow=LOOPBACK, via=via),
        HttpProbe("http://pay.invalid/ping?x=1", allow=LOOPBACK, via=via),
    ]


@pytest.mark.parametrize("number", range(3))
def test_silence_is_a_sample_in_time(silent: Address, number: int) -> None:
    probe = probes(silent)[number]
    begun = boot_s()
    sample = probe.measure(0.3)
    assert boot_s() - begun < 0.8
    assert not sample.ok
    assert sample.error == "no answer within 0.3 s"
    probe.close()


@pytest.mark.parametrize("number", range(3))
def test_a_refused_connection_is_told_apart(refused: Address, number: int) -> None:
    sample = probes(refused)[number].measure(1)
    assert (sample.ok, sample.refused) == (False, True)


@pytest.mark.parametrize("number", range(3))
def test_a_connection_closed_at_once_is_no_answer(closing: Address, number: int) -> None:
    sample = probes(closing)[number].measure(1)
    assert (sample.ok, sample.refused) == (False, False)
    assert "secret" not in sample.error


def test_tcp_sees_refused_closed_and_open(silent: Address, closing: Address, refused: Address) -> None:
    results = [TcpProbe(address, allow=LOOPBACK).measure(0.5) for address in (silent, closing, refused)]
    assert [(s.ok, s.refused) for s in results] == [(True, False), (False, False), (False, True)]


def test_an_address_outside_the_allow_list_is_not_touched(silent: Address) -> None:
    sample = TcpProbe(silent, allow=AllowList(["10.0.0.0/8"])).measure(0.5)
    assert "allow list" in sample.error


def test_probes_read_aloud_without_secrets(silent: Address) -> None:
    port = silent[1]
    assert [p.what for p in probes(silent)] == [
        f"SELECT 1 through 127.0.0.1:{port}",
        f"PING through 127.0.0.1:{port}",
        f"GET /ping through 127.0.0.1:{port}",
    ]
    assert HttpProbe("https://pay.invalid", allow=LOOPBACK, via=silent).round_trips == 3
