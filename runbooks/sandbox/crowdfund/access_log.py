"""The access log: nginx's combined format, then request time and upstream time in seconds."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from runbooks.sandbox.crowdfund import upstream_time

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AccessLog:
    """ASGI middleware that writes one line per finished request, one line per write."""

    def __init__(self, app: ASGIApp, stream: TextIO) -> None:
        self._app = app
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        waited = upstream_time.begin()
        status, sent = 499, 0  # nginx's code for a client that left before the answer

        async def counting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            took_s = time.monotonic() - started
            self._stream.write(access_line(scope, status, sent, took_s, waited.total_s))


def access_line(scope: Scope, status: int, sent_bytes: int, took_s: float, waited_s: float) -> str:
    """One line; what came from the client is escaped as nginx does, so that it can't forge another line."""
    headers = dict(scope["headers"])
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    path = scope.get("raw_path") or scope["path"].encode()
    request = f"{scope['method']} {_escaped(path + query)} HTTP/{scope['http_version']}"
    client = scope["client"][0] if scope.get("client") else "-"
    at = datetime.now().astimezone().strftime("%d/%b/%Y:%H:%M:%S %z")
    referer = _escaped(headers.get(b"referer", b"-"))
    agent = _escaped(headers.get(b"user-agent", b"-"))
    return (
        f'{client} - - [{at}] "{request}" {status} {sent_bytes} "{referer}" "{agent}" '
        f"rt={took_s:.3f} urt={waited_s:.3f}\n"
    )


def _escaped(raw: bytes) -> str:
    return "".join(chr(b) if 0x20 <= b < 0x7F and b not in b'"\\' else f"\\x{b:02X}" for b in raw)
