"""The watches against the practice platform's own PostgreSQL and Valkey."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
import yaml

from harness.clock import Clock, Deadline
from harness.errors import ReachFailed
from harness.journal.record import CacheWork, DatabaseDescribed, DatabaseWork, LockWaits
from harness.monitor.cache_watch import CacheWatch
from harness.monitor.database_watch import DatabaseWatch
from harness.monitor.watch import Watch
from harness.reach import redis
from harness.reach.allow_list import AllowList
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
LOOPBACK = AllowList(["127.0.0.0/8"])


@dataclass(frozen=True)
class Servers:
    port: int
    cache_url: str

    def dsn(self, role: str = "gameday", database: str = "crowdfund") -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def open(self, role: str = "crowdfund", name: str = "api") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.dsn(role), autocommit=True, application_name=name, prepare_threshold=None)

    def watched(self, role: str = "gameday", database: str = "crowdfund") -> DatabaseWatch:
        return DatabaseWatch("database.main", self.dsn(role, database), LOOPBACK, clock=Clock.start())


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Sandbox.up(owned=True, deadline_s=40) as box:
        target = yaml.safe_load(box.target.read_text())
        dsn = target["databases"]["main"]["dsn"]
        yield Servers(int(dsn.rpartition(":")[2].partition("/")[0]), target["caches"]["main"]["url"])


def work_of(watched: DatabaseWatch) -> DatabaseWork:
    [work] = [r for r in watched.snapshot() if isinstance(r, DatabaseWork)]
    return work


def test_the_work_is_that_of_the_platform_alone_and_without_values(servers: Servers) -> None:
    watched = servers.watched()
    [described] = [r for r in watched.snapshot() if isinstance(r, DatabaseDescribed)]
    with servers.open() as platform, servers.open("postgres") as other:
        for _ in range(7):
            platform.execute("select count(*) from certificates where amount > 12345")
        platform.execute("set application_name = 'secret-value'")
        other.execute("select count(*) from apps")
        with psycopg.connect(servers.dsn("crowdfund", "postgres"), autocommit=True) as elsewhere:
            elsewhere.execute("select count(*) from pg_class")
        work = work_of(watched)
    watched.close()
    counted = next(s for s in work.statements if "certificates" in s.query)
    assert counted.query == "select count(*) from certificates where amount > $1"
    assert (counted.calls, counted.rows) == (7, 7)
    assert counted.blocks >= 7 * 10
    said = " ".join(s.query for s in work.statements)
    assert "pg_class" not in said, "of another database"
    assert "pg_stat" not in said, "our own"
    assert "secret-value" not in said
    assert not work.reset
    assert {"shared_buffers", "work_mem", "lock_timeout"} <= {s.name for s in described.settings}
    certificates = next(t for t in described.tables if t.name == "public.certificates")
    assert ("investor_id",) in certificates.indexes
    assert "amount" in certificates.columns


def test_counters_that_somebody_sets_back_meanwhile_never_count_below_zero(servers: Servers) -> None:
    watched = servers.watched()
    watched.snapshot()
    with servers.open() as platform, servers.open("postgres") as admin:
        for _ in range(5):
            platform.execute("select sum(goal) from apps")
        work_of(watched)
        admin.execute("select pg_stat_statements_reset()")
        platform.execute("select sum(goal) from apps")
        work = work_of(watched)
    watched.close()
    assert work.reset
    assert [s.calls for s in work.statements if "sum(goal)" in s.query or not s.query] == [1]


def test_without_the_extension_or_the_right_it_says_how_to_get_them(servers: Servers) -> None:
    for role, database, mend in (
        ("gameday", "postgres", "create extension pg_stat_statements"),
        ("crowdfund", "crowdfund", "grant pg_monitor"),
    ):
        watched = servers.watched(role, database)
        watched.snapshot()
        assert isinstance(work_of(watched), DatabaseWork), "the rest is there"
        [missing] = watched.missing()
        watched.close()
        assert mend in missing.reason
        assert missing.source == "database.main"


def test_a_locked_table_is_seen_with_its_root_though_no_counter_shows_it(servers: Servers) -> None:
    watched = servers.watched()
    deadline, pause, seen = Deadline.after(20), threading.Event(), None
    with servers.open(name="report") as report, servers.open() as platform:
        report.autocommit = False
        report.execute("lock table certificates in access exclusive mode")
        waiting = threading.Thread(target=platform.execute, args=("select count(*) from certificates",))
        waiting.start()
        try:
            while seen is None and not deadline.passed:
                told = [r for r in watched.glance() if isinstance(r, LockWaits) and r.blocked_samples]
                seen = next((r for r in told if r.relations), None)
                pause.wait(0.1)
        finally:
            report.rollback()
            waiting.join(10)
    watched.close()
    assert seen is not None
    assert (seen.relations, seen.wanted) == (("public.certificates",), ("AccessShareLock",))
    [root] = seen.roots
    assert (root.application_name, root.role, root.state) == ("report", "crowdfund", "idle in transaction")
    assert root.statement == "lock table certificates in access exclusive mode"
    assert root.holds == ("AccessExclusiveLock on public.certificates",)
    assert seen.statements == ("select count(*) from certificates",)


def test_a_lock_on_a_table_never_holds_our_own_look_up(servers: Servers) -> None:
    watched = servers.watched()
    with servers.open("postgres", "migration") as migration:
        migration.autocommit = False
        for table in ("apps", "payments", "investments"):
            migration.execute(f"lock table {table} in access exclusive mode")
        assert any(isinstance(r, DatabaseDescribed) for r in watched.snapshot())
        migration.rollback()
    watched.close()


def test_a_database_that_is_not_there_is_said_at_the_end() -> None:
    gone = DatabaseWatch("database.main", "postgresql://me@127.0.0.1:1/x", LOOPBACK, clock=Clock.start())
    with pytest.raises(ReachFailed):
        gone.snapshot()
    watch = Watch(gone, lambda _: None)
    watch.start()
    assert watch.finish(10)
    assert "refused" in watch.missing()[0].reason


def test_what_a_cache_did_is_the_difference_of_its_counters(servers: Servers) -> None:
    watched = CacheWatch("cache.main", servers.cache_url, LOOPBACK, clock=Clock.start())
    assert tuple(watched.snapshot()) == ()
    client = redis.connect(servers.cache_url, allow=LOOPBACK, timeout_s=5)
    try:
        client.set("listed", "yes")
        for key in ("listed", "listed", "listed", "absent"):
            client.get(key)
        client.config_set("maxmemory", "1")
        with contextlib.suppress(Exception):
            client.set("too much", "x" * 1000)
        [work] = watched.snapshot()
    finally:
        client.config_set("maxmemory", "64mb")
        redis.close(client)
        watched.close()
    assert isinstance(work, CacheWork)
    assert (work.hits, work.misses) == (3, 1)
    assert work.refused_writes >= 1
    assert work.max_memory_bytes == 1
    assert work.policy == "allkeys-lru"
