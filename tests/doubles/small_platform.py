"""The smallest platform: it answers every GET with "ok"; and the load of those who look at it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from served import served

LOCUSTFILE = """
from locust import FastHttpUser, constant, task

class Visitor(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def home(self):
        self.client.get("/")
"""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # a full queue would cost a second by itself


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def small_platform() -> Iterator[str]:
    """Its address, as "127.0.0.1:PORT"."""
    with served(_Server(("127.0.0.1", 0), _Answer)) as server:
        yield f"127.0.0.1:{server.server_address[1]}"
