"""The practice platform, whole: it serves, breaks as a platform breaks, and comes back."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncssh
import psycopg
import pytest
import redis
import requests
from eventually import until
from sandbox_visitor import NAME, Investor, assert_nothing_is_left, is_open, target_of, toxiproxy

from faults.process import start_ticks
from harness.clock import boot_s
from harness.errors import BadInput
from runbooks.sandbox.sandbox import Sandbox, list_running
from runbooks.sandbox.state import SandboxState

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One sandbox for the tests that leave it as it was."""
    with Sandbox.up(f"{NAME}-shared") as up:
        yield up


def test_an_investor_invests_pays_and_downloads_the_certificate(box: Sandbox) -> None:
    investor = Investor(box, 7)
    assert [app["id"] for app in investor.get("/api/v1/apps/").json()["results"]] == list(range(1, 13))
    before = investor.get("/api/v1/apps/3/").json()
    wish = {"app_id": 3, "amount": "10000.00", "payment_method": "PAYSTACK"}
    made = investor.post("/api/v1/investments/", wish)
    assert made.status_code == 201
    after = investor.get("/api/v1/apps/3/").json()
    assert (float(after["raised"]), after["backers"]) == (float(before["raised"]) + 10_000, before["backers"] + 1)
    assert after["description"] == before["description"]
    reference = made.json()["reference"]
    assert investor.get(f"/api/v1/payments/verify/{reference}/").json()["status"] == "PAID"
    certificate = investor.get("/api/v1/certificates/").json()["results"][0]["id"]
    for _ in ("rendered", "cached"):
        pdf = investor.get(f"/api/v1/certificates/{certificate}/download/")
        assert pdf.content.startswith(b"%PDF-")
        assert pdf.headers["content-type"] == "application/pdf"
    assert "<h1>" in investor.get("/").text


def test_what_is_not_theirs_or_not_signed_is_refused(box: Sandbox) -> None:
    investor = Investor(box, 8)
    charge = {"event": "charge.success", "data": {"reference": "PRACTICE-0008"}}
    assert investor.webhook(charge).json() == {"status": "ok"}
    assert investor.webhook(charge).json() == {"status": "ok"}
    assert investor.webhook(charge, "another secret").status_code == 401
    assert investor.webhook({"no": "event"}).status_code == 400
    assert investor.get("/api/v1/certificates/1/download/").status_code == 404
    assert investor.get("/api/v1/apps/999/").status_code == 404
    assert (
        investor.post(
            "/api/v1/investments/", {"app_id": 999, "amount": "1000", "payment_method": "PAYSTACK"}
        ).status_code
        == 404
    )
    assert (
        investor.post("/api/v1/investments/", {"app_id": 1, "amount": "NaN", "payment_method": "PAYSTACK"}).status_code
        == 400
    )
    assert (
        investor.post("/api/v1/auth/login/", {"email": "investor-0008@example.com", "password": "x"}).status_code == 401
    )
    stranger = requests.get(f"{box.base_url}/api/v1/certificates/", timeout=5)
    assert stranger.status_code == 401


def test_the_monitors_role_sees_every_session_and_changes_nothing(box: Sandbox) -> None:
    Investor(box)
    with psycopg.connect(target_of(box)["databases"]["main"]["dsn"], autocommit=True) as watching:
        row = watching.execute(
            "select count(*), count(query) from pg_stat_activity where application_name = 'crowdfund'"
        ).fetchone()
        assert row is not None
        assert row[0] == row[1] >= 1
        assert watching.execute("select count(*) > 0 from pg_stat_statements").fetchone() == (True,)
        assert watching.execute("select count(*) - count(distinct reference) from payments").fetchone() == (0,)
        assert watching.execute("show max_connections").fetchone() == ("60",)
        assert watching.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            watching.execute("delete from payments")


def test_the_cache_is_asked_and_can_be_watched(box: Sandbox) -> None:
    with redis.Redis.from_url(target_of(box)["caches"]["main"]["url"]) as cache:
        before: Any = cache.info("stats")
        investor = Investor(box)
        for _ in range(3):
            investor.get("/api/v1/apps/")
        after: Any = cache.info("stats")
    assert after["keyspace_hits"] > before["keyspace_hits"]


def test_its_logs_say_when_what_and_how_long(box: Sandbox) -> None:
    Investor(box).get("/api/v1/apps/5/?from=test")
    logs = box.folder / "logs"
    line = re.compile(r'"GET /api/v1/apps/5/\?from=test HTTP/1.1" 200 \d+ .* rt=\d')
    until(lambda: line.search((logs / "access.log").read_text()))
    assert re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO ", (logs / "application.log").read_text(), re.MULTILINE
    )
    assert re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC \[\d+\]", (logs / "postgresql.log").read_text(), re.MULTILINE
    )


async def _on(box: Sandbox, host: str, client_key: Path | None = None) -> asyncssh.SSHClientConnection:
    entry = target_of(box)["hosts"][host]
    user, _, address = entry["ssh"].partition("@")
    return await asyncssh.connect(
        address.partition(":")[0],
        int(address.partition(":")[2]),
        username=user,
        client_keys=[str(client_key or entry["identity"])],
        known_hosts=entry["known_hosts"],
        config=None,
        agent_path=None,
    )


def test_a_practice_host_runs_commands_with_input_output_and_status(box: Sandbox) -> None:
    async def play() -> None:
        log = target_of(box)["hosts"]["db-1"]["logs"][0]
        async with await _on(box, "db-1") as host:
            said = await host.run(f"tail -n 1 {log}; echo trouble >&2; exit 7", encoding=None)
            assert said.stdout
            assert (said.stderr, said.exit_status) == (b"trouble\n", 7)
            raw = bytes(range(256)) * 4096
            echoed = await host.run("cat", input=raw, encoding=None)
            assert echoed.stdout == raw
            killed = await host.run("kill -9 $$")
            assert killed.exit_signal is not None
            assert killed.exit_signal[0] == "KILL"
            many = await asyncio.gather(*(host.run(f"sleep 0.1; echo {n}") for n in range(8)))
            assert [m.stdout for m in many] == [f"{n}\n" for n in range(8)]
            assert (await host.run("df -h && uptime")).exit_status == 0

    asyncio.run(asyncio.wait_for(play(), 20))


def test_a_command_and_its_children_end_with_their_channel(box: Sandbox, tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def play() -> None:
        async with await _on(box, "app-1") as host:
            await host.create_process(f"echo $$ > {pids}; sleep 300 & echo $! >> {pids}; wait")
            while not pids.exists() or pids.read_text().count("\n") < 2:
                await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(play(), 10))
    running = [int(line) for line in pids.read_text().split()]
    until(lambda: not any(start_ticks(pid) for pid in running))


def test_a_practice_host_lets_nobody_in_without_the_key(box: Sandbox, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(stranger))
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(_on(box, "app-1", stranger))


def test_without_database_connections_it_fails_soon_says_why_and_recovers(box: Sandbox) -> None:
    investor = Investor(box)
    log = box.folder / "logs" / "application.log"
    said = "psycopg_pool.PoolTimeout: couldn't get a connection after 1.00 sec"
    said_before = log.read_text().count(said)
    toxic = {"name": "t", "type": "latency", "stream": "upstream", "attributes": {"latency": 6000}}
    with ThreadPoolExecutor(30) as crowd:
        until(lambda: _pool_is_whole(investor, crowd))
        toxiproxy(box, "POST", "/proxies/postgres/toxics", toxic)
        injected = boot_s()
        try:
            asked = [crowd.submit(investor.status, "/api/v1/apps/1/") for _ in range(30)]
            until(lambda: sum(a.done() for a in asked) >= 20)
            assert boot_s() - injected < 5  # 1.1 s on a quiet machine, and not the 6 s of the fault
            assert Counter(a.result() for a in asked if a.done()) == {503: 20}
        finally:
            toxiproxy(box, "DELETE", "/proxies/postgres/toxics/t")
        until(lambda: investor.status("/api/v1/apps/1/") == 200)
        assert Counter(a.result() for a in asked) == {503: 20, 200: 10}
    assert log.read_text().count(said) - said_before == 20


def _pool_is_whole(investor: Investor, crowd: ThreadPoolExecutor) -> bool:
    """After an outage, the application's pool grows again on demand."""
    list(crowd.map(investor.status, ["/api/v1/apps/1/"] * 30))
    return bool(investor.get("/health").json()["pool_size"] == 10)


def test_cut_connections_are_replaced_and_a_dead_cache_costs_no_answer(box: Sandbox) -> None:
    investor = Investor(box)
    try:
        toxiproxy(box, "PATCH", "/proxies/redis", {"enabled": False})
        assert investor.get("/api/v1/apps/").status_code == 200
        toxiproxy(box, "PATCH", "/proxies/paystack", {"enabled": False})
        assert investor.get("/api/v1/payments/verify/PRACTICE-0001/").status_code == 502
        toxiproxy(box, "PATCH", "/proxies/postgres", {"enabled": False})
        assert investor.get("/api/v1/apps/").status_code == 503
    finally:
        for proxy in ("redis", "paystack", "postgres"):
            toxiproxy(box, "PATCH", f"/proxies/{proxy}", {"enabled": True})
    until(lambda: investor.get("/api/v1/apps/").status_code == 200)
    until(lambda: investor.get("/api/v1/payments/verify/PRACTICE-0001/").status_code == 200)


def test_the_platforms_way_back_restarts_the_application(box: Sandbox) -> None:
    before = SandboxState.read(box.folder)
    assert before is not None

    async def play() -> Any:
        async with await _on(box, "app-1") as host:
            return (await host.run("./restart-application")).stdout

    assert "restarts" in asyncio.run(play())

    def restarted() -> bool:
        now = SandboxState.read(box.folder)
        return now is not None and now.parts[0].pid != before.parts[0].pid

    until(restarted)
    until(lambda: is_open(before.parts[0].port))
    assert Investor(box).get("/api/v1/apps/").status_code == 200


def test_two_stand_side_by_side_and_a_bypassing_one_feels_no_fault(box: Sandbox, own: str) -> None:
    started = boot_s()
    with Sandbox.up(own, bypass=True) as other:
        assert boot_s() - started < 15  # 2.5 s on an idle machine with two cores; tests share it
        state = SandboxState.read(other.folder)
        assert state is not None
        assert {s.name for s in list_running() if s.state == "up"} >= {box.name, other.name}
        toxiproxy(other, "PATCH", "/proxies/postgres", {"enabled": False})
        assert Investor(other).get("/api/v1/apps/1/").status_code == 200
        with pytest.raises(BadInput, match="is up already"):
            Sandbox.up(own)
        found = Sandbox.find(own)
        assert found is not None
        assert found.base_url == other.base_url
    assert_nothing_is_left(other.folder, state)
    assert Sandbox.find(own) is None
    assert Investor(box).get("/api/v1/apps/1/").status_code == 200
