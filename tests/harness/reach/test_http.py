"""One GET with a total deadline, against a local server with all its moods."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from served import served

from harness.clock import boot_s
from harness.errors import NotAllowed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.http import fetch, probe

LOOPBACK = AllowList(["127.0.0.0/8"])


class _Site(ThreadingHTTPServer):
    daemon_threads = False  # awaited at the end: no socket of theirs outlives the test

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


class _Page(BaseHTTPRequestHandler):
    server: _Site

    def do_GET(self) -> None:
        self.server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        mood = self.path.partition("?")[0].strip("/")
        if mood == "hang":
            self.server.over.wait(10)
        elif mood == "garbage":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif mood == "drip":
            self._drip()
        elif mood == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 400)
        else:
            self.send_response(int(mood) if mood.isdigit() else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"x" * 1000)

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.over.wait(0.05):
            self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextlib.contextmanager
def _serving(context: ssl.SSLContext | None = None) -> Iterator[_Site]:
    site = _Site()
    if context:
        # the handshake belongs to the request's own thread, which closes the socket whatever comes of it
        site.socket = context.wrap_socket(site.socket, server_side=True, do_handshake_on_connect=False)
    with served(site):
        try:
            yield site
        finally:
            site.over.set()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Site]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with _serving() as running:
        yield running


@pytest.mark.parametrize("status", [200, 204, 404, 500, 503])
def test_any_status_is_an_answer(site: _Site, status: int) -> None:
    answer = probe(f"http://127.0.0.1:{site.port}/{status}", allow=LOOPBACK, timeout_s=2)
    assert answer.status == status
    assert 0 < answer.elapsed_ms < 2000


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(site: _Site, status: int) -> None:
    assert probe(f"http://127.0.0.1:{site.port}/{status}", allow=LOOPBACK, timeout_s=2).status == status
    assert [path for path, _ in site.seen] == [f"/{status}"]


def test_goes_by_way_of_another_address_and_keeps_the_name(site: _Site) -> None:
    url = "http://me:hunter2@shop.invalid:81/a b?q=ü#part"
    assert probe(url, allow=LOOPBACK, timeout_s=2, via=("127.0.0.1", site.port)).status == 200
    [(path, headers)] = site.seen
    assert path == "/a%20b?q=%C3%BC"
    assert headers["host"] == "shop.invalid:81"
    assert headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("mood", ["hang", "drip"])
def test_the_deadline_is_for_all_of_it(site: _Site, mood: str) -> None:
    begun = boot_s()
    with pytest.raises(ReachTimeout) as caught:
        probe(f"http://me:hunter2@127.0.0.1:{site.port}/{mood}", allow=LOOPBACK, timeout_s=0.3)
    assert boot_s() - begun < 1.8
    assert caught.value.where == f"127.0.0.1:{site.port}"


def test_a_listener_that_never_accepts_costs_the_deadline_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = boot_s()
        with pytest.raises(ReachTimeout):
            probe(f"http://127.0.0.1:{silent.getsockname()[1]}/", allow=LOOPBACK, timeout_s=0.3)
        with pytest.raises(ReachTimeout):
            probe(f"https://127.0.0.1:{silent.getsockname()[1]}/", allow=LOOPBACK, timeout_s=0.3)
    assert boot_s() - begun < 1.8


def test_nobody_there_something_else_there_and_not_allowed_are_told_apart(site: _Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ReachFailed, match="refused"):
        probe(f"http://127.0.0.1:{port}/", allow=LOOPBACK, timeout_s=2)
    with pytest.raises(ReachFailed, match="no HTTP"):
        probe(f"http://127.0.0.1:{site.port}/garbage", allow=LOOPBACK, timeout_s=2)
    with pytest.raises(NotAllowed):
        probe(f"http://127.0.0.1:{site.port}/", allow=AllowList(["10.0.0.0/8"]), timeout_s=2)
    assert [path for path, _ in site.seen] == ["/garbage"]


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80", "ftp://127.0.0.1/", "file:///etc/passwd", "http://[::1/", "http:///x"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ReachFailed, match="can't be read"):
        probe(url, allow=LOOPBACK, timeout_s=1)


def test_tls_verifies_the_name_of_the_url(identity: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving(identity.context) as site:
        via = ("127.0.0.1", site.port)
        with pytest.raises(ReachFailed, match="certificate was not accepted"):
            probe("https://service.test/", allow=LOOPBACK, timeout_s=20, via=via)
        monkeypatch.setenv("SSL_CERT_FILE", str(identity.certificate))
        assert probe("https://service.test/", allow=LOOPBACK, timeout_s=20, via=via).status == 200
        with pytest.raises(ReachFailed, match="certificate was not accepted"):
            probe("https://other.test/", allow=LOOPBACK, timeout_s=20, via=via)


def test_a_page_comes_with_its_body_and_says_when_it_is_cut_off(site: _Site) -> None:
    whole = fetch(f"http://127.0.0.1:{site.port}/200", allow=LOOPBACK, timeout_s=5, headers={"X-Asked": "yes"})
    assert (whole.status, whole.truncated) == (200, False)
    assert whole.body
    assert site.seen[-1][1]["x-asked"] == "yes"
    cut = fetch(f"http://127.0.0.1:{site.port}/200", allow=LOOPBACK, timeout_s=5, max_bytes=1)
    assert (len(cut.body), cut.truncated) == (1, True)


def test_a_header_that_can_not_be_sent_is_refused_without_its_value(site: _Site) -> None:
    with pytest.raises(ReachFailed, match="can't be written") as caught:
        fetch(f"http://127.0.0.1:{site.port}/200", allow=LOOPBACK, timeout_s=5, headers={"A": "secret\r\nX: 1"})
    assert "secret" not in str(caught.value)


def test_an_answer_that_is_cut_off_is_none_and_a_whole_one_is_counted() -> None:
    with _serving() as site:
        url = f"http://127.0.0.1:{site.port}"
        with pytest.raises(ReachFailed, match="cut off, 600 bytes before its end"):
            probe(f"{url}/cut", allow=LOOPBACK, timeout_s=3)
        answer = probe(f"{url}/", allow=LOOPBACK, timeout_s=3, headers={"X-Padding": "y" * 2000})
    assert 1000 < answer.received_bytes < 1300
    assert site.seen[-1][1]["x-padding"] == "y" * 2000
