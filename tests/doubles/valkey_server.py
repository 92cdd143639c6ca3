"""A real Valkey from the wheel, on a loopback port, thrown away in the end."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from eventually import until

from runbooks.sandbox import valkey
from runbooks.sandbox.port import free_port


@contextlib.contextmanager
def valkey_server(*settings: str) -> Iterator[int]:
    """Its port; `settings` are more of its command line."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="gameday-test-valkey-") as folder:
        part = valkey.plan(port, Path(folder) / "log", settings)
        process = subprocess.Popen(part.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            until(part.ready)
            yield port
        finally:
            process.kill()
            process.wait(10)
