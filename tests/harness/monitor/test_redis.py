"""How Redis's counters become rates; a real server's are read in tests/integration/test_cache_readings.py."""

from __future__ import annotations

import socket

import pytest

from harness.errors import ReachFailed
from harness.monitor.redis import RedisSource, Totals, rates
from harness.reach.allow_list import AllowList


def _totals(at_s: float, *, hits: float = 0, misses: float = 0, commands: float = 0, run_id: str = "a") -> Totals:
    return Totals(at_boot_s=at_s, run_id=run_id, hits=hits, misses=misses, commands=commands, evicted=0)


def test_counters_become_rates_over_the_time_between_two_reads() -> None:
    before, after = _totals(10, hits=100, misses=10, commands=500), _totals(12, hits=190, misses=20, commands=701)
    assert rates(before, after) == {
        "hits_per_s": 45,
        "misses_per_s": 5,
        "ops_per_s": 100,
        "evicted_per_s": 0,
        "hit_rate": 0.9,
    }


def test_nothing_looked_up_has_no_hit_rate() -> None:
    assert "hit_rate" not in rates(_totals(1), _totals(2, commands=1))


@pytest.mark.parametrize("after", [_totals(2, run_id="b", hits=999), _totals(2, hits=1), _totals(1, hits=60)])
def test_over_a_restart_or_a_reset_there_are_no_rates(after: Totals) -> None:
    assert rates(_totals(1, hits=50), after) == {}


def test_a_cache_that_is_not_there_is_a_failed_read_and_closing_is_safe() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    source = RedisSource("cache.main", f"redis://127.0.0.1:{port}/0", AllowList(["127.0.0.0/8"]))
    with pytest.raises(ReachFailed, match="refused"):
        source.read()
    source.close()
    source.close()


def test_another_server_in_its_place_is_a_restart_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [{"run_id": "a"}, {"run_id": "b", "uptime_in_seconds": 3}, {"run_id": "b"}]
    monkeypatch.setattr("harness.monitor.redis.connect", lambda *_, **__: object())
    monkeypatch.setattr("harness.monitor.redis.info", lambda _: answers.pop(0))
    source = RedisSource("cache.main", "redis://127.0.0.1:1/0", AllowList(["127.0.0.0/8"]))
    told = []
    for _ in range(3):
        source.read()
        told.append([(c.source, c.what) for c in source.new_crashes()])
    assert told == [[], [("cache.main", "restarted")], []]
