"""A cache that is there and does not help."""

from __future__ import annotations

from harness.journal.record import CacheWork, DatabaseWork
from harness.journal.work import StatementWork

OOM = "cache set app:7: redis.exceptions.OutOfMemoryError: command not allowed when used memory > 'maxmemory'."


def cache(run, since_s, until_s, hits, misses, **values):
    seen = {"keys": 400, "used_memory_bytes": 30_000_000, "max_memory_bytes": 64_000_000, "policy": "allkeys-lru"}
    run.records.append(
        CacheWork(t=until_s, source="cache.main", start=since_s, end=until_s, hits=hits, misses=misses,
                  **(seen | values))
    )  # fmt: skip
    return run


def calls(run, since_s, until_s, number):
    done = StatementWork(id="1", query="select id from apps", calls=number, total_ms=9, rows=number, blocks=number)
    run.records.append(DatabaseWork(t=until_s, source="database.main", start=since_s, end=until_s, statements=(done,)))


def suffering(run):
    return run.load(10, 25).load(25, 50, latency_ms=600).database(10, 50).breach(50, 26)


def test_a_cache_that_throws_out_what_it_should_keep_is_named_with_its_limit(run):
    cache(suffering(run), 10, 25, 900, 100)
    cache(run, 25, 50, 90, 910, evicted=880, used_memory_bytes=63_900_000)
    calls(run, 10, 25, 700)
    calls(run, 25, 50, 6000)
    finding = run.tables().findings()[0]
    assert finding.cause == "cache"
    assert finding.confidence > 0.85
    assert "9% of 1000 look-ups were hits, 90% in the baseline; it threw 880 keys out" in finding.summary
    assert "times as often a request" in finding.summary
    assert "maxmemory is 64.0 MB (policy allkeys-lru)" in finding.recommendation
    assert len(finding.evidence) >= 2


def test_a_cache_that_refuses_writes_from_the_start_is_named_without_a_baseline(run):
    run.records = [r for r in run.records if r.t < 1]
    run.load(1, 12, latency_ms=900, failed=1).breach(12, 3).log(8, OOM, times=40)
    cache(run, 1, 12, 0, 300, refused_writes=300, keys=0, used_memory_bytes=1_200_000, max_memory_bytes=100_000)
    finding = run.findings()[0]
    assert finding.cause == "cache"
    assert "it refused 300 writes" in finding.summary


def test_a_cold_cache_is_no_defect(run):
    run.records = [r for r in run.records if r.t < 1]
    run.load(1, 12, latency_ms=900, failed=1).breach(12, 3)
    assert "cache" not in [f.cause for f in cache(run, 1, 12, 5, 95).findings()]


def test_a_cache_that_helps_as_before_is_not_accused(run):
    cache(suffering(run), 10, 25, 900, 100)
    assert "cache" not in [f.cause for f in cache(run, 25, 50, 850, 150).findings()]


def test_a_cache_that_is_gone_is_not_a_cache_that_does_not_help(run):
    run.reading("cache.main", 10, 25, clients=8.0).reading("cache.main", 25, 50, clients=0.0)
    cache(suffering(run), 10, 25, 900, 100).fault("down", 25, 50, proxy="redis")
    assert "cache" not in [f.cause for f in cache(run, 25, 50, 2, 30).findings()]


def test_where_a_fault_keeps_the_platform_from_filling_it_the_cache_is_not_accused(run):
    cache(suffering(run), 10, 25, 900, 100).fault("pool-exhaustion", 25, 50)
    calls(run, 10, 25, 700)
    calls(run, 25, 50, 20)
    assert "cache" not in [f.cause for f in cache(run, 25, 50, 3, 36).findings()]
