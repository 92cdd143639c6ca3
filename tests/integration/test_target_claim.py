"""The claim of a target on a real PostgreSQL, Valkey and toxiproxy-server: the second is refused, the dead let go."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from eventually import until
from postgres_server import SUPERUSER, dsn, postgres_server
from valkey_server import valkey_server

from faults.healing import heal, read_undo
from faults.toxiproxy_server import ManagedServer
from harness.clock import Deadline
from harness.errors import Refused
from harness.journal.record import Note, Record
from harness.reach.allow_list import AllowList
from harness.reach.claim import Pace
from harness.reach.redis_session import open_session
from harness.reach.toxiproxy import ToxiproxyApi
from runbooks.claim_places import claim_places
from runbooks.parsing.inputs import load_target
from runbooks.target import Target
from runbooks.target_claim import TargetClaim

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
CLAIMER = ROOT / "tests" / "doubles" / "claiming_process.py"
LOOPBACK = AllowList(["127.0.0.0/8"])
PACE = Pace(beat_s=0.4, lease_s=3.0, stale_s=3.0, settle_s=0.3)
PLACES = ("database main", "cache main", "toxiproxy")


@dataclass(frozen=True)
class Servers:
    """What can hold a claim; `only` writes a target with one of them."""

    folder: Path
    postgres: int
    valkey: int
    toxiproxy: str

    def target(self, *places: str) -> Path:
        lines = ["environment: practice", "base_url: http://127.0.0.1:9", "allow: [127.0.0.0/8]"]
        if "database main" in places:
            lines.append(f'databases: {{main: {{dsn: "{dsn("watcher", self.postgres)}"}}}}')
        if "cache main" in places:
            lines.append(f'caches: {{main: {{url: "redis://127.0.0.1:{self.valkey}/0"}}}}')
        if "toxiproxy" in places:
            lines.append(f'toxiproxy: {{url: "{self.toxiproxy}"}}')
        path = self.folder / ("-".join(p.replace(" ", "_") for p in places) + ".yaml")
        path.write_text("\n".join(lines) + "\n")
        return path


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("claims")
    with postgres_server({}) as postgres, valkey_server() as valkey:
        with psycopg.connect(dsn(SUPERUSER, postgres), autocommit=True) as admin:
            admin.execute("create role watcher login")
        toxiproxy = ManagedServer.ensure(folder / "toxiproxy", [], Deadline.after(60))
        try:
            yield Servers(folder, postgres, valkey, toxiproxy.api_url)
        finally:
            toxiproxy.stop()


class Claimer:
    """Another run, on "another machine": a home and a temporary folder of its own."""

    def __init__(self, target: Path, run: str, home: Path) -> None:
        home.mkdir()
        pace = [str(s) for s in (PACE.beat_s, PACE.lease_s, PACE.stale_s, PACE.settle_s)]
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(CLAIMER), str(target), run, *pace],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "HOME": str(home), "TMPDIR": str(home), "LOGNAME": "ada"},
        )

    def says(self) -> dict[str, object]:
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def claim_elsewhere(tmp_path: Path) -> Iterator[Callable[[Path, str], Claimer]]:
    started: list[Claimer] = []

    def start(target: Path, run: str) -> Claimer:
        started.append(Claimer(target, run, tmp_path / f"home-{len(started)}"))
        return started[-1]

    yield start
    for claimer in started:
        claimer.close()


class Heard:
    """What a claim of this process says."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.lost: list[str] = []
        self.is_lost = threading.Event()

    def record(self, record: Record) -> None:
        self.records.append(record)

    commit = record

    def hear(self, text: str) -> None:
        self.lost.append(text)
        self.is_lost.set()

    @property
    def warnings(self) -> list[str]:
        return [r.text for r in self.records if isinstance(r, Note) and r.level == "warning"]


@contextlib.contextmanager
def claimed(target: Target, run: str = "20250101-000000-second-cd34") -> Iterator[tuple[TargetClaim, Heard]]:
    heard = Heard()
    with TargetClaim(target, run, heard, heard.hear, pace=PACE) as claim:
        claim.take()
        yield claim, heard


@contextlib.contextmanager
def patiently_claimed(target: Target) -> Iterator[TargetClaim]:
    """Claimed once it can be: a server may need a moment to see that a connection is gone."""
    patience = Deadline.after(PACE.lease_s + 10)
    with contextlib.ExitStack() as stack:
        while True:
            try:
                claim, _ = stack.enter_context(claimed(target))
            except Refused:
                assert not patience.passed
            else:
                break
        yield claim


@pytest.mark.parametrize("place", PLACES)
def test_the_second_is_refused_by_name_and_a_killed_holder_lets_go_within_its_lease(
    servers: Servers, claim_elsewhere: Callable[[Path, str], Claimer], place: str
) -> None:
    path = servers.target(place)
    target = load_target(path)
    first = claim_elsewhere(path, "20250101-000000-first-ab12")
    assert first.says()["held"] == [place]
    [there] = claim_places(target, PACE)
    seen = there.seen(lambda seconds: not threading.Event().wait(seconds))
    assert seen is not None
    assert (seen.claim.run, seen.claim.by.partition("@")[0], seen.alive) == ("20250101-000000-first-ab12", "ada", True)
    with (
        pytest.raises(Refused, match=r"run 20250101-000000-first-ab12 of ada@\S+, since 20\d\d-") as told,
        claimed(target),
    ):
        pass
    assert (told.value.exit_code, "gameday stop" in told.value.mend) == (14, True)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    with patiently_claimed(target) as claim:
        assert claim.held == (place,)
    until(lambda: there.seen(lambda _: False) is None)  # released in order


def test_all_places_are_held_and_released_in_order_and_by_their_records(
    servers: Servers, claim_elsewhere: Callable[[Path, str], Claimer]
) -> None:
    path = servers.target(*PLACES)
    target = load_target(path)
    first = claim_elsewhere(path, "first")
    told = first.says()
    assert told["held"] == list(PLACES)
    undos = [read_undo(undo) for undo in told["undos"]]  # type: ignore[attr-defined]
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    for undo in undos:
        assert undo is not None
        assert heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "released"
        assert heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "absent"
    with claimed(target) as (claim, _):
        assert claim.held == PLACES
        for undo in undos:
            assert undo is not None
            assert heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "absent", "somebody else's by now"
    until(lambda: [place.seen(lambda _: False) for place in claim_places(target)] == [None, None, None])


def test_what_a_server_loses_is_claimed_again_and_another_holder_is_told(servers: Servers) -> None:
    target = load_target(servers.target(*PLACES))
    api = ToxiproxyApi(servers.toxiproxy, LOOPBACK)
    session = open_session(f"redis://127.0.0.1:{servers.valkey}/0", allow=LOOPBACK, timeout_s=5)
    with claimed(target) as (claim, heard), contextlib.closing(session):
        api.delete_proxy("gameday-claim")
        session.ask("FLUSHALL", timeout_s=5)
        with psycopg.connect(dsn(SUPERUSER, servers.postgres), autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name ~ '^gameday-c'"
            )
        places = tuple(claim_places(target, PACE))
        until(lambda: None not in [place.seen(lambda _: False) for place in places])
        assert (claim.held, heard.lost) == (PLACES, [])
        session.ask("SET", "gameday:claim", "gameday run=third by=eve@desk since=now token=x", timeout_s=5)
        session.ask("PEXPIRE", "gameday:claim", 1, timeout_s=5)
        session.ask("SET", "gameday:claim", "gameday run=third by=eve@desk since=now token=x", timeout_s=5)
        api.set_upstream("gameday-claim", "gameday run=third by=eve@desk since=now token=x beat:1", enabled=False)
        assert heard.is_lost.wait(15)
        assert "held by run third of eve@desk" in heard.lost[0]
    session = open_session(f"redis://127.0.0.1:{servers.valkey}/0", allow=LOOPBACK, timeout_s=5)
    session.ask("DEL", "gameday:claim", timeout_s=5)
    session.close()
    api.delete_proxy("gameday-claim")


def test_a_place_without_the_right_is_told_and_left_out(servers: Servers) -> None:
    admin = open_session(f"redis://127.0.0.1:{servers.valkey}/0", allow=LOOPBACK, timeout_s=5)
    admin.ask("ACL", "SETUSER", "weak", "on", ">secret-enough", "+ping", timeout_s=5)
    admin.close()
    text = servers.target("database main", "cache main").read_text()
    path = servers.folder / "weak.yaml"
    os.environ["WEAK_CACHE"] = f"redis://weak:secret-enough@127.0.0.1:{servers.valkey}/0"
    try:
        path.write_text(text.replace(f"redis://127.0.0.1:{servers.valkey}/0", "${WEAK_CACHE}"))
        with claimed(load_target(path)) as (claim, heard):
            assert claim.held == ("database main",)
        [warning] = heard.warnings
        assert "cache main holds no claim of ours" in warning
        assert "ACL SETUSER name ~gameday:claim +set" in warning
        assert "secret-enough" not in "".join(r.model_dump_json() for r in heard.records)
    finally:
        del os.environ["WEAK_CACHE"]
