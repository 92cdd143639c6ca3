"""Toxiproxy's API answering anything: a gateway's page, half an answer, somebody else's JSON, nothing.

The door only fails as its docstring says. A fault played over such an API is off in the end, or is said not to be.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from spoilt_http import Spoilt, SpoiltHttp, serving, whole

from faults.catalog import build, kind_named
from faults.fault import FaultPlan
from faults.injection import Injection
from faults.observation import Observation
from faults.probe import Sample
from faults.wire_proxy import WireProxy
from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import FaultHealed, HealFailed, InjectionFailed, Record
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxicState, ToxiproxyApi

LOOPBACK = AllowList(["127.0.0.0/8"])
TOXIC = ToxicState("gd-r-f1", "latency", attributes={"latency": 50, "jitter": 0})
PROXY_KEYS = [
    "name",
    "listen",
    "upstream",
    "enabled",
    "toxics",
    "error",
    "status",
    "type",
    "stream",
    "toxicity",
    "attributes",
    "version",
]
PROXY = {
    "name": "pg",
    "listen": "127.0.0.1:1",
    "upstream": "127.0.0.1:2",
    "enabled": True,
    "toxics": [{"name": "t", "type": "latency", "stream": "upstream", "toxicity": 1, "attributes": {}}],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(PROXY_KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=8,
)
BODIES = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    # a proxy as the server has it, but for one value
    st.builds(lambda key, value: json.dumps(PROXY | {key: value}).encode(), st.sampled_from(PROXY_KEYS), JSON),
    st.builds(
        lambda key, value: json.dumps(PROXY["toxics"][0] | {key: value}).encode(), st.sampled_from(PROXY_KEYS), JSON
    ),
    st.sampled_from(
        [
            b"",
            b"<html>504 Gateway Time-out</html>",
            b'{"name": "pg',
            b"9" * 5000,
            b"\xff\xfe{",
            b"null",
            json.dumps(PROXY).encode(),
        ]
    ),
    st.binary(max_size=20),
)
STATUSES = st.sampled_from([200, 200, 201, 204, 301, 302, 400, 401, 404, 405, 409, 418, 429, 500, 502, 503, 504, 999])
HEADERS = st.lists(
    st.sampled_from(
        [
            ("Content-Encoding", "gzip"),
            ("Content-Encoding", "zstd, br"),
            ("Location", "http://[::1"),
            ("Content-Type", "text/html; charset=no-such"),
            ("Set-Cookie", "=;=;\xe9"),
            ("Location", "/x"),
            ("Transfer-Encoding", "chunked"),
            ("WWW-Authenticate", "Digest"),
        ]
    ),
    max_size=2,
)
ANSWERS = st.one_of(
    st.builds(whole, STATUSES, BODIES, HEADERS),
    st.builds(lambda raw, end: raw[:end], st.builds(whole, STATUSES, BODIES), st.integers(0, 120)),
    st.sampled_from(
        [
            b"",
            b"HTTP/1.1 ",
            b"HTTP/1.1 200\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"HTTP/1.1 99999999999 x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ]
    ),
    st.binary(max_size=30),
)
CALLS = {
    "version": lambda api: api.version(),
    "proxies": lambda api: api.proxies(),
    "proxy": lambda api: api.proxy("pg"),
    "create": lambda api: api.create_proxy("pg", "127.0.0.1:1", "127.0.0.1:2"),
    "delete": lambda api: api.delete_proxy("pg"),
    "enable": lambda api: api.set_enabled("pg", enabled=False),
    "upstream": lambda api: api.set_upstream("pg", "127.0.0.1:3", enabled=True),
    "add": lambda api: api.add_toxic("pg", TOXIC),
    "remove": lambda api: api.remove_toxic("pg", "gd-r-f1"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[SpoiltHttp]:
    with serving() as server:
        yield server


@example(call="remove", answers=[whole(500, b"[]")])
@example(call="remove", answers=[whole(200, b"-232", [("Transfer-Encoding", "chunked")])])
@given(call=st.sampled_from(sorted(CALLS)), answers=st.lists(ANSWERS, min_size=2, max_size=2))
def test_the_door_to_toxiproxy_fails_in_its_own_words_only(server: SpoiltHttp, call: str, answers: list[bytes]) -> None:
    server.play([Spoilt(done=False, raw=answer) for answer in answers], lambda *_: (200, {}))
    with contextlib.suppress(ReachFailed):
        CALLS[call](ToxiproxyApi(server.url, LOOPBACK, 5.0))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000])
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_an_answer_that_nests_without_end_is_no_answer(server: SpoiltHttp, status: int, body: bytes) -> None:
    server.play([Spoilt(done=False, raw=whole(status, body))], lambda *_: (200, {}))
    with pytest.raises(ReachFailed):
        ToxiproxyApi(server.url, LOOPBACK, 5.0).proxy("pg")


class Toxiproxy:
    """What a real server would do, so that there is a truth beside its spoilt answers."""

    def __init__(self) -> None:
        self.proxies = {"pg": {**PROXY, "toxics": []}}

    def __call__(self, verb: str, path: list[str], body: dict[str, object]) -> tuple[int, object]:
        if path == ["proxies"]:
            return self._create(body) if verb == "POST" else (200, self.proxies)
        proxy = self.proxies.get(path[1]) if len(path) > 1 else None
        if proxy is None:
            return 404, {"error": "proxy not found", "status": 404}
        if len(path) == 2:
            if verb == "PATCH":
                proxy.update(body)
            return 200, proxy
        return self._toxic(verb, proxy["toxics"], path[3:], body)

    def _create(self, body: dict[str, object]) -> tuple[int, object]:
        if body["name"] in self.proxies:
            return 409, {"error": "proxy already exists", "status": 409}
        if any(proxy["enabled"] and proxy["listen"] == body["listen"] for proxy in self.proxies.values()):
            return 500, {"error": "bind: address already in use", "status": 500}
        self.proxies[body["name"]] = {**body, "toxics": []}
        return 201, self.proxies[body["name"]]

    def _toxic(self, verb: str, toxics: list, rest: list[str], body: dict[str, object]) -> tuple[int, object]:
        if verb == "POST":
            if any(toxic["name"] == body["name"] for toxic in toxics):
                return 409, {"error": "toxic already exists", "status": 409}
            toxics.append(body)
            return 200, body
        for toxic in toxics:
            if toxic["name"] == rest[0]:
                if verb == "DELETE":
                    toxics.remove(toxic)
                return (204, None) if verb == "DELETE" else (200, toxic)
        return 404, {"error": "toxic not found", "status": 404}

    @property
    def faulty(self) -> bool:
        """Whether traffic goes through a toxic, or nowhere."""
        through = [proxy for proxy in self.proxies.values() if proxy["enabled"]]
        return not through or any(proxy["toxics"] for proxy in through)


class QuietProbe:
    """A wire that is always as before."""

    what, round_trips, keeps_connection = "SELECT 1", 1, True

    def measure(self, timeout_s: float) -> Sample:
        return Sample(ok=True, elapsed_ms=1.0)

    def carry(self, stream: str, amount_bytes: int, timeout_s: float) -> Sample:
        return Sample(ok=True, elapsed_ms=1.0, bytes=amount_bytes)

    def renew(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


# what passes for Toxiproxy's own word on the matter is a lie that nobody could see through: it is no bad input
LIES = (b'"error"', b'"toxics"', b'"upstream"')
SPOILT = st.builds(Spoilt, st.booleans(), ANSWERS.filter(lambda raw: not any(lie in raw for lie in LIES)))


@given(
    script=st.lists(st.none() | SPOILT, max_size=12),
    kind=st.sampled_from([("latency", {"latency": "50ms"}), ("timeout", {}), ("down", {})]),
    halted=st.booleans(),
)
def test_a_fault_over_a_broken_api_is_off_in_the_end_or_is_said_to_be_on(
    server: SpoiltHttp, folder: Path, script: list[Spoilt | None], kind: tuple[str, dict], halted: bool
) -> None:
    toxiproxy, records = Toxiproxy(), []
    server.play(script, toxiproxy)
    found = kind_named(kind[0])
    assert found is not None
    plan = FaultPlan("f1", "slow", kind[0], "pg", found.params.model_validate(kind[1]), 0.0, 0.01)
    place = WireProxy("pg", "127.0.0.1:1", "127.0.0.1:2", ToxiproxyApi(server.url, LOOPBACK, 5.0), QuietProbe)
    _play(build(plan, place, "r"), folder, records, halted=halted)
    ends = [record for record in records if isinstance(record, FaultHealed | HealFailed | InjectionFailed)]
    assert len(ends) == 1
    if toxiproxy.faulty:
        assert isinstance(ends[0], HealFailed)
    if isinstance(ends[0], HealFailed):
        assert "curl" in ends[0].command
        assert "\n" not in ends[0].reason


def _play(fault: object, folder: Path, records: list[Record], *, halted: bool) -> None:
    nothing = Observation(0.0, 1.0)
    halt = threading.Event()
    with Journal(folder, "conductor", Clock.start()) as journal:
        injection = Injection(
            fault,
            journal=journal,
            emit=records.append,
            observe=lambda *_: nothing,
            baseline=lambda: nothing,
            clock=journal.clock,
        )
        inject = fault.inject

        def inject_and_halt() -> None:
            inject()
            halt.set()

        if halted:
            fault.inject = inject_and_halt
        injection.play(halt)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")
