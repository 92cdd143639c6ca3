"""A webhook that the platform's alerting posts to: Alertmanager's JSON (version 4), which Grafana sends too, or a plain
{"alert": "DatabaseSlow"}. Whoever can reach the port can post, so it listens on this machine unless told otherwise."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast
from urllib.parse import urlsplit

from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import Record
from harness.monitor.alert import SOURCE, Alert, AlertBook, State, read_labels, read_moment

MAX_BYTES: Final = 1 << 20
CONNECTION_S: Final = 5.0
MOST_CONNECTIONS: Final = 16
MOST_ALERTS: Final = 500
_LONGEST_NAME: Final = 200
_STATES: Final[dict[str, State]] = {"firing": "firing", "alerting": "firing", "resolved": "resolved", "ok": "resolved"}


class BadPost(Exception):
    """What was posted tells of no alert; the message says why."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to listen; port 0: the system chooses one."""

    host: str
    port: int
    path: str


def read_post(body: bytes) -> tuple[Alert, ...]:
    """The alerts of one post. Raises BadPost."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BadPost("the body is no JSON") from None
    if not isinstance(value, dict):
        raise BadPost("the body is no JSON object")
    listed = value.get("alerts")
    if listed is None:
        return (_plain(value),)
    if not isinstance(listed, list) or len(listed) > MOST_ALERTS:
        raise BadPost(f"alerts is no list, or has more than {MOST_ALERTS} entries")
    return tuple(_listed(entry) for entry in listed)


def _listed(entry: object) -> Alert:
    if not isinstance(entry, dict):
        raise BadPost("an alert is no JSON object")
    labels = read_labels(entry.get("labels"))
    name = labels.pop("alertname", "")
    if not name:
        raise BadPost("an alert has no label alertname")
    return Alert(name, _state(entry.get("status")), labels, read_moment(entry.get("startsAt")))


def _plain(value: dict[str, Any]) -> Alert:
    name = value.get("alert", value.get("name"))
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME:
        raise BadPost('there is neither "alerts" nor a name under "alert"')
    state = _state(value.get("status", value.get("state", "firing")))
    return Alert(name, state, read_labels(value.get("labels")), read_moment(value.get("startsAt")))


def _state(word: object) -> State:
    state = _STATES.get(word.lower()) if isinstance(word, str) else None
    if state is None:
        raise BadPost("status is neither firing nor resolved")
    return state


class AlertWebhook:
    """The listener: a source of readings (`firing`) that hands over every change that is posted. It listens from
    `open` on until `close`."""

    name = SOURCE

    def __init__(self, webhook: Webhook, emit: Callable[[Record], None], clock: Clock, wanted: frozenset[str]) -> None:
        self._book = AlertBook("webhook", emit, clock, wanted)
        self._lock = threading.Lock()
        self._webhook = webhook
        self._server: _Server | None = None

    def open(self) -> str:
        """Begin to listen; the address to post to. Raises ReachFailed where the port can't be had."""
        hook = self._webhook
        shown = f"[{hook.host}]" if ":" in hook.host else hook.host
        try:
            self._server = _Server(hook, self._heard)
        except OSError as error:
            raise ReachFailed(
                f"can't listen for alerts: {error.strerror or error}",
                where=f"{shown}:{hook.port}",
                mend="choose another port under alerting.webhook.listen",
            ) from error
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="alert webhook", daemon=True).start()
        return f"http://{shown}:{self._server.server_address[1]}{hook.path}"

    def read(self) -> dict[str, float]:
        """How many of the posted alerts fire. Raises ReachFailed when it does not listen (any more)."""
        if self._server is None:
            raise ReachFailed("the webhook does not listen", where=SOURCE)
        with self._lock:
            return {"firing": float(self._book.firing)}

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _heard(self, alerts: tuple[Alert, ...]) -> None:
        with self._lock:
            for alert in alerts:
                self._book.tell(alert)


class _Server(ThreadingHTTPServer):
    """At most `MOST_CONNECTIONS` at once, each bounded in time; a bad client never shows on our terminal."""

    daemon_threads = True

    def __init__(self, hook: Webhook, heard: Callable[[tuple[Alert, ...]], None]) -> None:
        self.path = hook.path
        self.heard = heard
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        if ":" in hook.host:
            self.address_family = socket.AF_INET6
        super().__init__((hook.host, hook.port), _Post)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        cut = threading.Timer(CONNECTION_S, _cut_off, (request,))
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our business."""


def _cut_off(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Post(BaseHTTPRequestHandler):
    timeout = CONNECTION_S
    server_version = "gameday"
    sys_version = ""

    def do_POST(self) -> None:
        server = cast("_Server", self.server)
        if urlsplit(self.path).path != server.path:
            self._answer(404, "no such path")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal():
            self._answer(411, "Content-Length is missing")
        elif int(length[:12]) > MAX_BYTES:
            self._answer(413, f"the body is larger than {MAX_BYTES} bytes")
        else:
            self._take(server, self.rfile.read(int(length)))

    def do_GET(self) -> None:
        self._answer(405, "alerts are posted here")

    def _take(self, server: _Server, body: bytes) -> None:
        try:
            alerts = read_post(body)
        except BadPost as error:
            self._answer(400, str(error))
            return
        server.heard(alerts)
        self._answer(200, f"{len(alerts)} heard")

    def _answer(self, status: int, text: str) -> None:
        body = json.dumps({"ok": status == 200, "message": text}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: the journal has what was heard."""
