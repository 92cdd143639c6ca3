"""The real Locust against a small server that can fail in every way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from failing_platform import PlatformServer
from played_load import Load, living
from served import served


@pytest.fixture
def platform() -> Iterator[PlatformServer]:
    with served(PlatformServer()) as server:
        yield server
        server.released.set()


@pytest.fixture
def full_url() -> Iterator[str]:
    """An address whose queue is full: connecting to it hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.settimeout(0.0)
            sock.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for sock in waiting:
            sock.close()


@pytest.fixture
def load(tmp_path: Path, platform: PlatformServer) -> Iterator[Load]:
    load = Load(tmp_path, platform)
    yield load
    if load.process and load.process.pgid:
        load.process.stop(0.0)
        assert living(load.process.pgid) == []
