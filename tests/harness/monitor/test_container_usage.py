"""The numbers of an engine become readings, on both kinds of cgroups."""

from __future__ import annotations

import pytest

from harness.monitor.container_usage import Usage


def measured(second: int, cpu_ns: int, **changes: object) -> dict[str, object]:
    stats: dict[str, object] = {
        "read": f"2026-11-22T15:00:{second:02}.000000000Z",
        "cpu_stats": {"cpu_usage": {"total_usage": cpu_ns}, "online_cpus": 4},
        "memory_stats": {"usage": 100 << 20, "limit": 200 << 20, "stats": {"inactive_file": 40 << 20}},
        "pids_stats": {"current": 7},
        "networks": {"eth0": {"rx_bytes": 1000 * second, "tx_bytes": 0}, "eth1": {"rx_bytes": 0, "tx_bytes": 50}},
        "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 10}, {"op": "Total", "value": 9999},
                                                       {"op": "write", "value": 500 * second}]},
    }  # fmt: skip
    return stats | changes


def usage(second: int, cpu_ns: int, **changes: object) -> Usage:
    found = Usage.of(measured(second, cpu_ns, **changes))
    assert found is not None
    return found


def test_levels_leave_out_the_cache_that_the_kernel_gives_back() -> None:
    assert usage(0, 0).levels() == {"memory_bytes": 60 << 20, "memory": 0.3, "processes": 7.0}


def test_the_first_kind_of_cgroups_has_the_cache_under_another_name() -> None:
    v1 = {"usage": 100 << 20, "limit": 200 << 20, "stats": {"total_inactive_file": 50 << 20, "inactive_file": 1}}

    assert usage(0, 0, memory_stats=v1).levels()["memory"] == 0.25


def test_a_cache_larger_than_the_usage_is_not_believed() -> None:
    odd = {"usage": 10, "limit": 100, "stats": {"inactive_file": 50}}

    assert usage(0, 0, memory_stats=odd).levels()["memory_bytes"] == 10


@pytest.mark.parametrize(("cpus", "share"), [(None, 0.25), (0.5, 1.0), (2.0, 0.5), (16.0, 0.25)])
def test_cpu_is_the_share_of_what_it_may_use(cpus: float | None, share: float) -> None:
    assert usage(2, 2 * 10**9).rates_since(usage(0, 0), cpus)["cpu"] == share


def test_bytes_are_summed_over_networks_and_disks() -> None:
    rates = usage(4, 0).rates_since(usage(2, 0), None)

    assert (rates["received_bytes_per_s"], rates["sent_bytes_per_s"]) == (1000.0, 0.0)
    assert (rates["disk_read_bytes_per_s"], rates["disk_write_bytes_per_s"]) == (0.0, 500.0)


def test_what_the_engine_does_not_measure_is_left_out() -> None:
    bare = {"networks": None, "blkio_stats": {"io_service_bytes_recursive": None}, "pids_stats": {}}
    before, now = usage(0, 0, **bare), usage(1, 0, **bare)

    assert now.rates_since(before, None) == {"cpu": 0.0}
    assert "processes" not in now.levels()


def test_a_restart_between_two_measurements_gives_no_rates() -> None:
    assert usage(4, 100).rates_since(usage(2, 10**9), None) == {}
    assert usage(2, 100).rates_since(usage(2, 0), None) == {}


def test_a_container_that_does_not_run_is_not_measured() -> None:
    assert Usage.of({"read": "0001-01-01T00:00:00Z", "cpu_stats": {}, "memory_stats": {}}) is None
    assert Usage.of({}) is None
