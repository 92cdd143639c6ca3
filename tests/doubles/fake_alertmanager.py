"""An Alertmanager on this machine: its list of alerts as a test sets it, and the ways in which it can fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from served import served


class FakeAlertmanager(ThreadingHTTPServer):
    """`body` goes over `alerts` where it is set; `authorization`: what must be in the header."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.alerts: list[Any] = []
        self.body: bytes | None = None
        self.status = 200
        self.authorization = ""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


class _Api(BaseHTTPRequestHandler):
    server: FakeAlertmanager

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status = self.server.status
        if self.headers.get("Authorization", "") != self.server.authorization:
            status = 401
        body = self.server.body if self.server.body is not None else json.dumps(self.server.alerts).encode()
        self.send_response(status if self.path == "/api/v2/alerts" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def active(
    name: str, *, state: str = "active", starts_at: str = "2026-11-22T15:08:35.777Z", **labels: str
) -> dict[str, Any]:
    """An alert as the API lists it."""
    return {
        "annotations": {},
        "startsAt": starts_at,
        "endsAt": "2026-11-22T16:08:35.777Z",
        "fingerprint": "51de3f37210a6df8",
        "receivers": [{"name": "team"}],
        "status": {"state": state, "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        "labels": {"alertname": name, **labels},
    }


@contextmanager
def running() -> Iterator[FakeAlertmanager]:
    """Serves until the end of the block."""
    with served(FakeAlertmanager()) as server:
        yield server
