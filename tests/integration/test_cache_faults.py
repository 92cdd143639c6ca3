"""The faults on a cache's server, on a real Valkey: held, slowed, refused; and back, whoever dies."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import until
from fault_holder import holding
from valkey_server import valkey_server

from faults import cache_connections, cache_rights, catalog
from faults.cache_connections import CacheConnectionsParams, RoomFacts
from faults.cache_pause import CachePauseParams
from faults.cache_server import CacheServer, pause_state
from faults.cache_slow import CacheSlowParams
from faults.fault import Fault, FaultPlan
from faults.healing import heal
from faults.undo import Undo
from harness.clock import Deadline, boot_s
from harness.errors import NotHealed, ReachFailed, Refused
from harness.reach.allow_list import AllowList
from harness.reach.redis_session import RedisSession, Rejected

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
LOOPBACK = AllowList(["127.0.0.0/8"])
MOST = 120


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with valkey_server("--maxclients", str(MOST)) as port:
        yield port


def server_at(port: int, login: str = "") -> CacheServer:
    return CacheServer("main", f"redis://{login}127.0.0.1:{port}/0", "${CACHE_URL}", Path("/"), LOOPBACK)


def fault_of(kind: str, server: CacheServer, **keys: object) -> Fault:
    params = catalog.KINDS[kind].params.model_validate(keys)
    plan = FaultPlan("f1", "no cache", kind, "main", params, 0.0, 30.0, "cache")
    return catalog.build(plan, server, "20250101-000000-a-runbook-with-quite-a-long-name-ab12")


@contextlib.contextmanager
def injected(fault: Fault) -> Iterator[Undo]:
    undo = fault.prepare()
    try:
        fault.inject()
        yield undo
    finally:
        fault.heal(Deadline.after(10))
        fault.close()


def answers(server: CacheServer, *words: str, within_s: float = 0.5) -> bool:
    """Whether a new connection gets an answer in time."""
    try:
        session = server.session(timeout_s=within_s)
    except ReachFailed:
        return False
    try:
        session.ask(*(words or ("PING",)), timeout_s=within_s)
    except ReachFailed:
        return False
    finally:
        session.close()
    return True


def room_for(server: CacheServer, wanted: int) -> int:
    """How many of so many connections can be had at once."""
    sessions: list[RedisSession] = []
    try:
        while len(sessions) < wanted:
            sessions.append(server.session())
    except Rejected:
        pass
    finally:
        for session in sessions:
            session.close()
    return len(sessions)


def test_a_paused_cache_holds_every_command_for_as_long_as_the_fault_lasts_and_then_none(port: int) -> None:
    server = server_at(port)
    fault = fault_of("cache-pause", server, lease="400ms")
    with injected(fault):
        assert fault.prove_wire().effective
        assert fault.present()
        # through several leases: a renewal that had to wait would let commands pass
        session_begun = boot_s()
        assert not answers(server, within_s=1.5)
        assert boot_s() - session_begun >= 1.4
        begun = boot_s()
        assert fault.heal(Deadline.after(10)).rung == "unpaused"
        assert boot_s() - begun < 9
        assert answers(server, within_s=5)
    assert fault.measure_healed(Deadline.after(5)).effective
    assert not fault.present()


def test_a_pause_of_writes_leaves_reads_alone(port: int) -> None:
    server = server_at(port)
    fault = fault_of("cache-pause", server, commands="write")
    with injected(fault):
        proof = fault.prove_wire()
        assert proof.effective, proof
        assert answers(server, "GET", "apps", within_s=5)
        assert not answers(server, "SET", "gameday:test", "1")
    assert fault.measure_healed(Deadline.after(5)).effective


def test_somebody_elses_pause_is_refused_before_and_left_alone_after(port: int) -> None:
    server = server_at(port)
    other = server.session()
    fault = fault_of("cache-pause", server, commands="write", lease="400ms")
    with injected(fault):
        other.ask("CLIENT", "PAUSE", 60_000, "WRITE", timeout_s=5)
        assert fault.heal(Deadline.after(10)).rung == "expired"
        assert pause_state(other).left_ms > 30_000
        told = fault.measure_healed(Deadline.after(0.5))
        assert (told.effective, "somebody else's CLIENT PAUSE" in told.measured.text) == (None, True)
        with pytest.raises(ReachFailed, match="somebody else has paused"):
            fault_of("cache-pause", server).prepare()
    other.ask("CLIENT", "UNPAUSE", timeout_s=5)
    other.close()


def test_a_pause_that_somebody_ends_is_noticed_or_renewed(port: int) -> None:
    server = server_at(port)
    fault = fault_of("cache-pause", server, commands="write", lease="2s")
    with injected(fault), contextlib.closing(server.session()) as other:
        # a renewal may come between the two
        until(lambda: other.ask("CLIENT", "UNPAUSE", timeout_s=5) and not fault.present())
        until(fault.present)


def test_a_slow_cache_lets_commands_wait_and_pass(port: int) -> None:
    server = server_at(port)
    fault = fault_of("cache-slow", server, pause="150ms")
    with injected(fault):
        proof = fault.prove_wire()
        assert proof.effective, proof
        assert fault.present()
        assert answers(server, within_s=5)
    assert fault.measure_healed(Deadline.after(5)).effective


def test_a_full_cache_refuses_the_next_connection_and_takes_it_again(port: int) -> None:
    server = server_at(port)
    fault = fault_of("cache-connections", server, leave=2, evict=True)
    with contextlib.closing(server.session()) as pooled, injected(fault):
        # beyond `leave`, nobody keeps a connection that was there before
        until(lambda: fault.prove_wire().measured.values["connections_opened"] <= 2)
        assert fault.prove_wire().effective
        assert fault.present()
        # what others have just let go of is taken within a second
        until(lambda: room_for(server, 3) == 2)
        begun = boot_s()
        assert fault.heal(Deadline.after(10)).rung in {"closed", "killed"}
        assert boot_s() - begun < 9
        pooled.close()
    assert fault.measure_healed(Deadline.after(5)).effective
    assert not fault.present()
    assert fault.heal(Deadline.after(10)).rung == "closed", "healing again changes nothing"


def test_the_server_itself_ends_the_pause_of_a_holder_that_stands_still(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CACHE_URL", raising=False)
    with holding("cache", [("cache-pause", {})], port=port) as (process, [undo]):
        assert not answers(server_at(port))
        process.send_signal(signal.SIGSTOP)
        until(lambda: answers(server_at(port)), within_s=10)
        assert heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "lease"


def test_any_process_ends_the_connections_by_their_record(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with holding("cache", [("cache-connections", {})], port=port) as (process, [undo]):
        assert "redis://" not in undo.model_dump_json(), "the record names the secret by its reference only"
        process.send_signal(signal.SIGSTOP)
        monkeypatch.delenv("CACHE_URL", raising=False)
        with pytest.raises(NotHealed, match="CACHE_URL is not set") as told:
            heal(undo, deadline=Deadline.after(2), allow=LOOPBACK)
        assert told.value.mend.startswith("export CACHE_URL")
        monkeypatch.setenv("CACHE_URL", f"redis://127.0.0.1:{port}/0")
        assert heal(undo, deadline=Deadline.after(10), allow=LOOPBACK).rung == "killed"
        assert all(answers(server_at(port), within_s=5) for _ in range(3))


def documented_acl() -> list[str]:
    """What docs/targets.md tells people to type on their server."""
    text = (ROOT / "docs" / "targets.md").read_text()
    mark = "<!-- played by tests/integration/test_cache_faults.py -->"
    [block] = re.findall(rf"{mark}\n```text\n(.*?)```", text, re.DOTALL)
    return [line for line in block.splitlines() if line and not line.startswith("#")]


def test_the_documented_user_may_do_it_all_and_one_without_rights_is_told_what_to_grant(port: int) -> None:
    admin = server_at(port).session()
    for line in documented_acl():
        words = line.replace(">PASSWORD", ">secret-enough").split()
        assert admin.ask(*words, timeout_s=5) == "OK", line
    admin.ask("ACL", "SETUSER", "weak", "on", ">secret-enough", "+ping", "+info", timeout_s=5)
    admin.close()
    able, weak = server_at(port, "gameday:secret-enough@"), server_at(port, "weak:secret-enough@")
    for params in (CachePauseParams(), CachePauseParams(commands="write"), CacheSlowParams()):
        assert cache_rights.against_pausing(cache_rights.look(able, params.rhythm), params.rhythm) == ()
        [objection] = cache_rights.against_pausing(cache_rights.look(weak, params.rhythm), params.rhythm)
        assert "+client|pause" in objection.mend
    room: RoomFacts = cache_connections.look(able)
    assert cache_connections.against(room, CacheConnectionsParams()) == ()
    assert room.bound.within_s == 600
    assert (
        "+client|setname" in cache_connections.against(cache_connections.look(weak), CacheConnectionsParams())[0].mend
    )
    for kind, keys in (("cache-pause", {}), ("cache-connections", {"leave": 1})):
        fault: Any = fault_of(kind, able, **keys)
        with injected(fault):
            assert fault.prove_wire().effective
        assert fault.measure_healed(Deadline.after(5)).effective


def test_a_server_that_would_keep_a_vanished_machines_connections_is_refused(port: int) -> None:
    with contextlib.closing(server_at(port).session()) as admin:
        admin.ask("CONFIG", "SET", "tcp-keepalive", 0, timeout_s=5)
        try:
            with pytest.raises(Refused, match="machine that vanishes"):
                fault_of("cache-connections", server_at(port)).prepare()
            assert fault_of("cache-connections", server_at(port), allow_unbounded=True).prepare()
        finally:
            admin.ask("CONFIG", "SET", "tcp-keepalive", 300, timeout_s=5)
