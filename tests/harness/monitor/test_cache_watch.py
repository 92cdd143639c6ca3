"""INFO's difference."""

from __future__ import annotations

from harness.monitor.cache_watch import CacheCounters, difference


def counters(t, *, run_id="r1", commands=100, hits=10, misses=5, refused=0, slow=3, **more):
    info = {"run_id": run_id, "total_commands_processed": commands, "keyspace_hits": hits, "keyspace_misses": misses,
            "db0": {"keys": 7, "expires": 1}, "db1": {"keys": 2}, "used_memory": 900, "maxmemory": 1000,
            "maxmemory_policy": "noeviction"} | more  # fmt: skip
    return CacheCounters(t, info, refused, slow)


def test_what_grew_is_the_work_and_what_is_there_is_as_it_is_now():
    now = counters(9.0, commands=203, hits=40, misses=105, refused=4, slow=5, evicted_keys=6, rejected_connections=1)
    work = difference("cache.main", counters(4.0), now)
    assert (work.start, work.end, work.hits, work.misses, work.commands) == (4.0, 9.0, 30, 100, 100)
    assert (work.evicted, work.refused_writes, work.rejected_connections, work.slow_commands) == (6, 4, 1, 2)
    assert (work.keys, work.used_memory_bytes, work.max_memory_bytes, work.policy) == (9, 900, 1000, "noeviction")
    assert not work.reset


def test_a_restarted_server_has_counted_from_zero():
    work = difference("cache.main", counters(4.0, hits=900), counters(9.0, run_id="r2", hits=12, refused=2, slow=0))
    assert (work.hits, work.misses, work.refused_writes, work.slow_commands) == (12, 5, 2, 0)
    assert work.reset


def test_a_slow_log_that_we_may_not_read_is_unknown():
    assert difference("cache.main", counters(4.0), counters(9.0, slow=None)).slow_commands is None
