"""An HTTP server that holds some state in order, and spoils its answers as a test says: of any call, the answer may be
any bytes at all, and what it asked for may have been done or not."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from served import served

State = Callable[[str, list[str], dict[str, object]], tuple[int, object]]
"""Verb, path in parts and body to status and answer, as the real server does it."""


@dataclass(frozen=True)
class Spoilt:
    """`done`: the call was carried out all the same. `raw` is all that comes back, b"" an end without a word."""

    done: bool
    raw: bytes


class SpoiltHttp(ThreadingHTTPServer):
    """`script` has one entry for each call to come, None for a sound answer; when it is over, all are sound."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state: State = lambda *_: (200, {})
        self.script: list[Spoilt | None] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def play(self, script: Sequence[Spoilt | None], state: State) -> None:
        self.script, self.state = list(script), state

    def answer(self, verb: str, path: str, body: bytes) -> bytes:
        with self.lock:
            spoilt = self.script.pop(0) if self.script else None
            sound = b""
            if spoilt is None or spoilt.done:
                status, content = self.state(verb, path.strip("/").split("/"), json.loads(body) if body else {})
                sound = whole(status, b"" if content is None else json.dumps(content).encode())
        return sound if spoilt is None else spoilt.raw

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has hung up: no concern of the server's."""


class _Handler(BaseHTTPRequestHandler):
    server: SpoiltHttp

    def _call(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Type") != "application/json":
            body = b""
        self.wfile.write(self.server.answer(self.command, self.path, body))
        self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _call  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_: object) -> None:
        """Quiet."""


def whole(status: int, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + (b"" if status in (204, 304) else body)


@contextlib.contextmanager
def serving() -> Iterator[SpoiltHttp]:
    with served(SpoiltHttp()) as server:
        yield server
