"""A real toxiproxy-server with a real upstream, and a platform in small that asks through it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import served
from wire_stage import LOOPBACK, Answer, Client, Stage, Upstream

from faults.toxiproxy_binary import find_or_build
from faults.toxiproxy_server import ManagedServer, ProxySpec
from harness.clock import Clock, Deadline
from harness.journal.writer import Journal
from harness.reach.toxiproxy import ToxiproxyApi


@pytest.fixture(scope="session")
def binary() -> Path:
    return find_or_build(Deadline.after(300))


@pytest.fixture
def upstream() -> Iterator[str]:
    with served(Upstream(("127.0.0.1", 0), Answer)) as server:
        yield f"127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def stage(tmp_path: Path, binary: Path, upstream: str) -> Iterator[Stage]:
    spec = ProxySpec("postgres", "127.0.0.1:0", upstream)
    server = ManagedServer.ensure(tmp_path / "toxiproxy", [spec], Deadline.after(10), binary=binary)
    api = ToxiproxyApi(server.api_url, LOOPBACK)
    yield Stage(server, api, server.proxies[0], tmp_path, Clock.start())
    server.stop()


@pytest.fixture
def journal(stage: Stage) -> Iterator[Journal]:
    with Journal(stage.folder / "journal", "conductor", stage.clock) as journal:
        yield journal


@pytest.fixture
def client(stage: Stage) -> Iterator[Client]:
    over = threading.Event()
    client = Client(stage.address, stage.clock)
    threads = [threading.Thread(target=client.run, args=(over,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    over.wait(0.7)
    yield client
    over.set()
    for thread in threads:
        thread.join()
