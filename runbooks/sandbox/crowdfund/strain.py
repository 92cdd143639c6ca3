"""What some named defects do to every request: this application is made to practise on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runbooks.sandbox.crowdfund.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_KEPT_BYTES = 300_000_000
_CHUNK_BYTES = 16_384
_LEAST_ENTRIES = 5
_WRITERS = 4


class Strain:
    """ASGI middleware. Without a defect it passes requests on; the health check is always spared."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._requests = 0
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._audit = AuditLog(settings.application_log.with_name("audit.log"), settings.audit_s)
        self._front = Front(settings.front_bytes_per_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/health":
            self._requests += 1
            burn(self._settings.session_key_cpu_s)
            self._keep()
            self._crash_when_due()
            await self._audit.write()
            send = self._front.throttled(send)
        await self._app(scope, receive, send)

    def _keep(self) -> None:
        """A cache without bounds, but for one that saves the machine."""
        size = self._settings.leak_bytes
        if size and self._kept_bytes + size <= MOST_KEPT_BYTES:
            self._kept.append(b"\x01" * size)
            self._kept_bytes += size

    def _crash_when_due(self) -> None:
        every = self._settings.crash_every
        if every and self._requests % every == 0:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.kill(os.getpid(), signal.SIGSEGV)


def burn(cpu_s: float) -> None:
    """Derives keys until the calling thread has used so much CPU time."""
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        hashlib.pbkdf2_hmac("sha256", b"practice", b"gameday-practice", 1000)


class AuditLog:
    """Entries that are each a file of its own, synced to the disk and taken away again: four writers for a request,
    one request at a time."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._one = asyncio.Lock()

    async def write(self) -> None:
        if self._seconds:
            async with self._one:
                await asyncio.gather(*(asyncio.to_thread(self._sync_entries, i) for i in range(_WRITERS)))

    def _sync_entries(self, writer: int) -> None:
        until, entries = time.monotonic() + self._seconds, 0
        path = self._path.with_suffix(f".{writer}")
        while entries < _LEAST_ENTRIES or time.monotonic() < until:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, b"an entry of the audit log\n" * 2500)
                os.fsync(handle)
            finally:
                os.close(handle)
            path.unlink()
            entries += 1


class Front:
    """All responses together leave with so many bytes a second, as through a small network interface."""

    def __init__(self, bytes_per_s: int) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0

    def throttled(self, send: Send) -> Send:
        """`send`, with the bodies that go through it slowed down."""
        if not self._bytes_per_s:
            return send

        async def slowly(message: Message) -> None:
            body = message.get("body", b"") if message["type"] == "http.response.body" else b""
            chunks = [body[i : i + _CHUNK_BYTES] for i in range(0, len(body), _CHUNK_BYTES)]
            for chunk in chunks[:-1]:
                await self._pass(len(chunk))
                await send({**message, "body": chunk, "more_body": True})
            if chunks:
                await self._pass(len(chunks[-1]))
                message = {**message, "body": chunks[-1]}
            await send(message)

        return slowly

    async def _pass(self, size: int) -> None:
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + size / self._bytes_per_s
        await asyncio.sleep(self._free_at - now)
