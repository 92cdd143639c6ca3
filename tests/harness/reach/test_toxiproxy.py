"""The door to Toxiproxy against canned answers: what the real server says, and what it says when it is unwell."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from served import served

from harness.clock import boot_s
from harness.errors import NotAllowed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi, ToxiproxyGone, ToxiproxyRejected
from harness.reach.toxiproxy_state import ToxicState, reachable_at, same_address

LOOPBACK = AllowList(["127.0.0.0/8"])
TOXIC = ToxicState("gd-1", "latency", "upstream", 1.0, {"latency": 50, "jitter": 0})
TOXIC_JSON = {
    "name": "gd-1",
    "type": "latency",
    "stream": "upstream",
    "toxicity": 1,
    "attributes": {"latency": 50, "jitter": 0},
}
PROXY_JSON = {
    "name": "pg",
    "listen": "127.0.0.1:1",
    "upstream": "127.0.0.1:2",
    "enabled": True,
    "Logger": {},
    "toxics": [TOXIC_JSON],
}


class Canned(ThreadingHTTPServer):
    """Answers each "VERB /path" with a canned status and body, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, object]] = {}
        self.asked: list[tuple[str, object]] = []
        self.silent = threading.Event()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Canned

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = f"{self.command} {self.path}"
        self.server.asked.append((call, json.loads(body) if body else None))
        if self.server.silent.is_set():
            self.server.over.wait(10)
            return
        status, content = self.server.answers.get(call, (404, {"error": "proxy not found", "status": 404}))
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        if status == 0:
            return
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/version")
        # errors in JSON are labelled as text, as the real server does
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(0 if status == 204 else len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Canned]:
    with served(Canned()) as server:
        yield server
        server.over.set()


@pytest.fixture
def api(server: Canned) -> ToxiproxyApi:
    return ToxiproxyApi(server.url, LOOPBACK, 1.0)


@pytest.mark.parametrize(
    ("body", "version"), [(b'{"version": "2.12.0"}', "2.12.0"), (b'{"version": "2.6.0"}\\n', "2.6.0"), (b"git", "git")]
)
def test_versions_of_all_ages_are_read(server: Canned, api: ToxiproxyApi, body: bytes, version: str) -> None:
    server.answers["GET /version"] = (200, body)
    assert api.version() == version


def test_a_proxy_with_unknown_keys_is_read(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["GET /proxies/pg"] = (200, PROXY_JSON)
    state = api.proxy("pg")
    assert (state.name, state.listen, state.upstream, state.enabled) == ("pg", "127.0.0.1:1", "127.0.0.1:2", True)
    assert state.toxic("gd-1") == TOXIC
    assert state.toxic("other") is None


def test_all_proxies_come_in_order_of_name(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["GET /proxies"] = (200, {"b": {**PROXY_JSON, "name": "b"}, "a": {**PROXY_JSON, "name": "a"}})
    assert [p.name for p in api.proxies()] == ["a", "b"]


def test_a_toxic_that_was_stored_otherwise_is_an_error(server: Canned, api: ToxiproxyApi) -> None:
    # the server drops a misspelt attribute without a word
    server.answers["POST /proxies/pg/toxics"] = (200, {**TOXIC_JSON, "attributes": {"latency": 0, "jitter": 0}})
    with pytest.raises(ReachFailed, match="stored"):
        api.add_toxic("pg", TOXIC)


def test_our_own_toxic_there_already_is_done(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["POST /proxies/pg/toxics"] = (409, {"error": "toxic already exists", "status": 409})
    server.answers["GET /proxies/pg/toxics/gd-1"] = (200, TOXIC_JSON)
    assert api.add_toxic("pg", TOXIC) == TOXIC


def test_another_toxic_of_our_name_is_an_error(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["POST /proxies/pg/toxics"] = (409, {"error": "toxic already exists", "status": 409})
    server.answers["GET /proxies/pg/toxics/gd-1"] = (200, {**TOXIC_JSON, "type": "timeout"})
    with pytest.raises(ReachFailed, match="stored"):
        api.add_toxic("pg", TOXIC)


def test_deleting_what_is_gone_is_done(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["DELETE /proxies/pg/toxics/gd-1"] = (204, b"")
    assert api.remove_toxic("pg", "gd-1") is True
    assert api.remove_toxic("pg", "gd-2") is False


def test_enabling_that_fails_is_an_error_and_not_believed(server: Canned, api: ToxiproxyApi) -> None:
    error = {"error": "listen tcp 127.0.0.1:1: bind: address already in use", "status": 500}
    server.answers["PATCH /proxies/pg"] = (500, error)
    with pytest.raises(ToxiproxyRejected, match="address already in use") as failure:
        api.set_enabled("pg", enabled=True)
    assert failure.value.status == 500
    server.answers["PATCH /proxies/pg"] = (200, {**PROXY_JSON, "enabled": False})
    with pytest.raises(ReachFailed, match="stayed disabled"):
        api.set_enabled("pg", enabled=True)


def test_a_server_without_patch_is_posted_to(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["PATCH /proxies/pg"] = (405, b"")
    server.answers["POST /proxies/pg"] = (200, {**PROXY_JSON, "enabled": False})
    assert not api.set_enabled("pg", enabled=False).enabled
    assert [call for call, _ in server.asked] == ["PATCH /proxies/pg", "POST /proxies/pg"]


def test_a_proxy_that_exists_as_asked_is_done_and_another_is_an_error(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["POST /proxies"] = (409, {"error": "proxy already exists", "status": 409})
    server.answers["GET /proxies/pg"] = (200, PROXY_JSON)
    assert api.create_proxy("pg", "localhost:1", "127.0.0.1:2").name == "pg"
    with pytest.raises(ReachFailed, match="not as asked"):
        api.create_proxy("pg", "127.0.0.1:1", "127.0.0.1:3")


@pytest.mark.parametrize("listen", ["", "127.0.0.1", ":80", "127.0.0.1:http"])
def test_a_listen_address_that_would_open_all_interfaces_is_not_sent(
    server: Canned, api: ToxiproxyApi, listen: str
) -> None:
    with pytest.raises(ReachFailed, match="no address"):
        api.create_proxy("pg", listen, "127.0.0.1:2")
    assert server.asked == []


@pytest.mark.parametrize("name", ["a/b", "..", ".", "", "a?b"])
def test_a_name_that_could_never_be_addressed_is_not_sent(server: Canned, api: ToxiproxyApi, name: str) -> None:
    with pytest.raises(ReachFailed, match="name"):
        api.proxy(name)
    assert server.asked == []


def test_spaces_in_names_are_quoted(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["GET /proxies/my%20pg"] = (200, {**PROXY_JSON, "name": "my pg"})
    assert api.proxy("my pg").name == "my pg"


def test_a_server_that_hangs_is_a_timeout_with_unknown_effect(server: Canned, api: ToxiproxyApi) -> None:
    server.silent.set()
    begun = boot_s()
    with pytest.raises(ReachTimeout, match="unknown"):
        api.remove_toxic("pg", "gd-1", timeout_s=0.2)
    with pytest.raises(ReachTimeout, match=r"no answer within 0\.2 s$"):  # a reading has no effect
        api.proxy("pg", timeout_s=0.2)
    assert boot_s() - begun < 1.2


def test_the_servers_own_timeout_in_html_is_a_timeout(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["GET /proxies/pg"] = (503, b"<html><head><title>Timeout</title></head></html>")
    with pytest.raises(ReachTimeout, match="gave up"):
        api.proxy("pg")


def test_an_answer_that_is_lost_has_an_unknown_effect(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["DELETE /proxies/pg"] = (0, b"")
    with pytest.raises(ReachTimeout, match="connection was lost"):
        api.delete_proxy("pg")


def test_no_server_is_told_apart() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ToxiproxyGone):
            ToxiproxyApi(url, LOOPBACK, 1.0).version()


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"name": "pg"}', b'{"name":"a","toxics":3}'])
def test_another_servers_answer_is_no_traceback(server: Canned, api: ToxiproxyApi, body: bytes) -> None:
    server.answers["GET /proxies/pg"] = (200, body)
    with pytest.raises(ReachFailed, match="Toxiproxy"):
        api.proxy("pg")


def test_a_redirect_is_not_followed(server: Canned, api: ToxiproxyApi) -> None:
    server.answers["GET /proxies/pg"] = (301, b"")
    with pytest.raises(ToxiproxyRejected):
        api.proxy("pg")
    assert len(server.asked) == 1


def test_proxies_of_the_environment_are_not_used(
    server: Canned, api: ToxiproxyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server.answers["GET /version"] = (200, {"version": "2.12.0"})
    assert api.version() == "2.12.0"


def test_two_servers_do_not_share_an_address(server: Canned, api: ToxiproxyApi) -> None:
    with Canned() as other:
        ToxiproxyApi(other.url, LOOPBACK)
        server.answers["GET /version"] = (200, {"version": "2.12.0"})
        assert api.version() == "2.12.0"


def test_an_address_outside_the_allow_list_is_refused() -> None:
    with pytest.raises(NotAllowed):
        ToxiproxyApi("http://127.0.0.1:8474", AllowList(["10.0.0.0/8"]))


@pytest.mark.parametrize("url", ["127.0.0.1:8474", "https://127.0.0.1", "http://", "http://127.0.0.1:x"])
def test_a_bad_url_is_one_clear_error(url: str) -> None:
    with pytest.raises(ReachFailed, match="no address of a Toxiproxy API"):
        ToxiproxyApi(url, LOOPBACK)


def test_a_known_address_needs_no_name_look_up() -> None:
    api = ToxiproxyApi("http://toxiproxy.invalid:8474", LOOPBACK, address="127.0.0.1")
    assert api.address == "127.0.0.1"


def test_addresses_are_compared_as_the_server_says_them() -> None:
    assert same_address("localhost:5", "127.0.0.1:5")
    assert same_address("127.0.0.1:0", "127.0.0.1:5")
    assert not same_address("127.0.0.1:5", "127.0.0.1:6")
    assert not same_address("127.0.0.2:5", "127.0.0.1:5")


def test_a_listener_on_all_interfaces_is_reached_on_the_apis_host() -> None:
    assert reachable_at("0.0.0.0:15432", "http://10.1.2.3:8474") == ("10.1.2.3", 15432)
    assert reachable_at("[::]:15432", "http://10.1.2.3:8474") == ("10.1.2.3", 15432)
    assert reachable_at("127.0.0.1:15432", "http://10.1.2.3:8474") == ("127.0.0.1", 15432)
