from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from harness.clock import Clock, boot_s
from harness.errors import ReachFailed
from harness.journal.record import AlertSeen, Record
from harness.monitor import alert_webhook
from harness.monitor.alert_webhook import AlertWebhook, BadPost, Webhook, read_post

GROUP = {
    "version": "4",
    "status": "firing",
    "receiver": "gameday",
    "groupLabels": {"alertname": "DatabaseSlow"},
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "DatabaseSlow", "severity": "page"},
            "annotations": {},
            "startsAt": "2026-11-22T15:08:35.777123456Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
    ],
}


@dataclass
class Listener:
    """The webhook and what it handed over."""

    hook: AlertWebhook
    port: int = 0
    records: list[Record] = field(default_factory=list)

    @property
    def seen(self) -> list[tuple[str, str]]:
        return [(r.name, r.state) for r in self.records if isinstance(r, AlertSeen)]

    def post(self, body: object, path: str = "/alerts", method: str = "POST") -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, raw)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    records: list[Record] = []
    hook = AlertWebhook(Webhook("127.0.0.1", 0, "/alerts"), records.append, Clock.start(), frozenset())
    address = hook.open()
    yield Listener(hook, int(address.removesuffix("/alerts").rpartition(":")[2]), records)
    hook.close()


def test_alertmanagers_json_is_understood_and_told_once(listener):
    assert [listener.post(GROUP), listener.post(GROUP)] == [200, 200]
    over = GROUP | {"alerts": [GROUP["alerts"][0] | {"status": "resolved"}]}
    assert listener.post(over) == 200
    assert listener.seen == [("DatabaseSlow", "firing"), ("DatabaseSlow", "resolved")]
    assert listener.records[0].labels == {"severity": "page"}
    assert listener.records[0].since is not None


@pytest.mark.parametrize("body", [{"alert": "DatabaseSlow"}, {"name": "DatabaseSlow", "state": "Alerting"}])
def test_a_plain_alert_is_understood(listener, body):
    assert listener.post(body) == 200
    assert listener.post(body | {"status": "resolved"}) == 200
    assert listener.seen == [("DatabaseSlow", "firing"), ("DatabaseSlow", "resolved")]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b"{}", b'{"alert": ""}', b'{"alert": 5}', b'{"alerts": {}}',
     b'{"alerts": [3]}', b'{"alerts": [{"labels": {}}]}', b'{"alert": "x", "status": 5}',
     b'{"alert": "x", "status": "?"}'],
)  # fmt: skip
def test_garbage_is_refused_and_changes_nothing(listener, body, capfd):
    assert listener.post(body) == 400
    assert listener.records == []
    assert capfd.readouterr() == ("", "")


def test_too_many_alerts_in_one_post_are_refused():
    with pytest.raises(BadPost):
        read_post(json.dumps({"alerts": [GROUP["alerts"][0]] * 501}).encode())


def test_only_posts_to_the_path_are_heard(listener):
    body = {"alert": "DatabaseSlow"}
    assert [listener.post(body, "/"), listener.post(body, method="GET"), listener.post(body, "/alerts?x=1")] == [
        404,
        405,
        200,
    ]
    assert len(listener.seen) == 1


def raw(port: int, *parts: bytes) -> bytes:
    """What the server answers to these bytes until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        for part in parts:
            sock.sendall(part)
        answer = b""
        while chunk := sock.recv(4096):
            answer += chunk
        return answer


def test_a_body_without_a_length_or_too_long_is_refused_unread(listener):
    assert b" 411 " in raw(listener.port, b"POST /alerts HTTP/1.0\r\n\r\n")
    assert b" 413 " in raw(listener.port, b"POST /alerts HTTP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n")
    assert b" 411 " in raw(listener.port, b"POST /alerts HTTP/1.0\r\nContent-Length: -1\r\n\r\n")


def drip(sock: socket.socket, bound_s: float) -> bool:
    """Whether we were cut off while we went on sending."""
    begun, tick = boot_s(), threading.Event()
    while boot_s() - begun < bound_s:
        try:
            sock.sendall(b" ")
        except OSError:
            return True
        tick.wait(0.05)
    return False


def test_a_client_that_drips_is_cut_off_and_nobody_else_waits_for_it(listener, monkeypatch, capfd):
    monkeypatch.setattr(alert_webhook, "CONNECTION_S", 0.5)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as slow:
        slow.sendall(b"POST /alerts HTTP/1.0\r\nContent-Length: 100\r\n\r\n{")
        assert listener.post({"alert": "DatabaseSlow"}) == 200
        assert drip(slow, bound_s=8) is True
    assert capfd.readouterr() == ("", "")


def test_many_idle_connections_leave_the_rest_refused_not_hanging(listener):
    idle = [socket.create_connection(("127.0.0.1", listener.port), timeout=10) for _ in range(40)]
    try:
        assert any(sock.recv(1) == b"" for sock in idle[-5:])
    finally:
        for sock in idle:
            sock.close()


def test_a_port_that_is_taken_is_said_with_its_mend(listener):
    other = AlertWebhook(Webhook("127.0.0.1", listener.port, "/"), print, Clock.start(), frozenset())
    with pytest.raises(ReachFailed, match="can't listen for alerts") as caught:
        other.open()
    assert "alerting.webhook.listen" in caught.value.mend


def test_it_reads_how_many_fire_while_it_listens_and_nothing_after(listener):
    listener.post({"alert": "DatabaseSlow"})
    assert listener.hook.read() == {"firing": 1.0}
    listener.hook.close()
    with pytest.raises(ReachFailed):
        listener.hook.read()
