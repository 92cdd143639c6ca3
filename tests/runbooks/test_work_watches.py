"""The watches of a run: they look at its turns, and a server that can't be had delays nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clock import Clock, boot_s
from harness.journal.record import PhaseStarted
from runbooks.target import Cache, Database, Secret, Target
from runbooks.work_watches import WorkWatches


def target(port: int) -> Target:
    return Target(
        path=Path("t.yaml"), text="", name="t", environment="practice", base_url="http://127.0.0.1:1",
        allow=("127.0.0.0/8",), toxiproxy=None, proxies={},
        databases={"main": Database("main", Secret("", f"postgresql://me@127.0.0.1:{port}/x"))},
        caches={"main": Cache("main", Secret("", f"redis://127.0.0.1:{port}/0"))}, hosts={},
    )  # fmt: skip


@pytest.fixture
def black_hole() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_servers_that_never_answer_hold_nobody_up_and_are_said(black_hole: int) -> None:
    watches = WorkWatches(target(black_hole), Clock.start(), lambda _: None)
    watches.start()
    begun = boot_s()
    watches.see(PhaseStarted(name="baseline"))
    missing = watches.finish(0.3)
    assert boot_s() - begun < 5
    assert {m.source for m in missing} == {"database.main", "cache.main"}
    watches.finish(10)


def test_servers_that_refuse_are_said_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    watches = WorkWatches(target(port), Clock.start(), lambda _: None)
    watches.start()
    assert all("refused" in m.reason for m in watches.finish(15))
