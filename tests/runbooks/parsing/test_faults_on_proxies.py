"""What a runbook may say of faults on proxies, and what each slip is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Desk

SLOW = "{name: slow database, kind: latency, proxy: postgres, latency: 50ms, jitter: 10ms, at: 0s, for: 20s}"
EMPTY = "{name: no connections, kind: pool-exhaustion, proxy: postgres, at: 25s, for: 30s}"


def test_two_downs_at_once_on_one_proxy_are_a_defect_and_one_after_the_other_are_fine(desk: Desk) -> None:
    desk.change_runbook(SLOW, "{name: one, kind: down, proxy: postgres, at: 2s, for: 5s}")
    desk.change_runbook(EMPTY, "{name: two, kind: down, proxy: postgres, at: 0s, for: 3s}")
    [defect] = desk.defects()
    assert defect.startswith(
        "drill.yaml:14: the faults 'two' and 'one' are both down on 'postgres' at once (start 'one' at 3 s"
    )

    desk.change_runbook("at: 2s", "at: 3s")
    assert len(desk.load()[0].faults) == 2


@pytest.mark.parametrize(
    ("first", "second", "defect"),
    [
        ("down, at: 0s, for: 9s", "flap, period: 2s, at: 5s, for: 9s",
         "'two' starts while 'one' lets nothing sound through 'postgres': what it adds can't be measured "
         "(start 'two' at 9 s or later, or 3 s before 'one')"),
        ("reset-peer, at: 0s, for: 9s", "latency, latency: 50ms, at: 8s, for: 9s", "'two' starts while 'one' lets"),
        ("bandwidth, rate: 64KB/s, at: 2s, for: 9s", "latency, latency: 50ms, at: 3s, for: 9s",
         "'two' starts within 3 s of 'one' on 'postgres': the one can't be told from the other "
         "(start 'two' at 5 s or later)"),
        ("bandwidth, rate: 64KB/s, at: 2s, for: 9s", "latency, latency: 50ms, at: 5s, for: 9s", ""),
        ("down, at: 0s, for: 9s", "flap, period: 2s, at: 9s, for: 9s", ""),
    ],
)  # fmt: skip
def test_faults_on_one_proxy_must_be_told_apart(desk: Desk, first: str, second: str, defect: str) -> None:
    desk.change_runbook(SLOW, f"{{name: one, proxy: postgres, kind: {first}}}")
    desk.change_runbook(EMPTY, f"{{name: two, proxy: postgres, kind: {second}}}")
    if defect:
        [said] = desk.defects()
        assert said.startswith(f"drill.yaml:15: {defect}")
    else:
        assert len(desk.load()[0].faults) == 2


@pytest.mark.parametrize(
    ("fault", "defect"),
    [
        ("slow_close, delay: 1s", "unknown fault kind 'slow_close' (did you mean 'slow-close'?)"),
        ("limit_data, bytes: 1KB", "unknown fault kind 'limit_data' (did you mean 'limit-data'?)"),
        ("bandwidth, rate: 64KB/s, direction: upstream",
         "unknown key 'direction' of the fault kind 'bandwidth' (did you mean 'stream'?)"),
        ("reset-peer, timeout: 1s", "unknown key 'timeout' of the fault kind 'reset-peer' (did you mean 'after'?)"),
        ("slicer, average_size: 100, size_variation: 10, delay: 1ms",
         "unknown key 'size_variation' of the fault kind 'slicer' (did you mean 'variation'?)"),
        ("bandwidth", "the key 'rate' is missing (add rate: ...)"),
        ("bandwidth, rate: 64", "faults.rate: '64' is no rate (write 64KB/s (KB is 1000 bytes), 1MB/s or 512kbit/s)"),
        ("bandwidth, rate: 0KB/s", "faults.rate: a rate of 0 lets nothing through (write kind: timeout for that)"),
        ("bandwidth, rate: 64KiB/s",
         "faults.rate: 65536 bytes a second are no whole KB/s of 1000 bytes, Toxiproxy's unit "
         "(write 65KB/s or 66KB/s)"),
        ("slicer, average_size: 0, delay: 1ms", "faults.average_size: must be at least 1"),
        ("slicer, average_size: 100, variation: 100, delay: 1ms",
         "faults: variation must be less than average_size (else it would kill the server)"),
        ("reset-peer, after: 3s", "faults.after: must be at most 500 ms"),
        ("limit-data, bytes: 0", "faults.bytes: must be at least 1"),
        ("limit-data, bytes: 1TB",
         "faults.bytes: '1TB' is no number of bytes (write 500, 64KB (of 1000 bytes) or 64KiB (of 1024))"),
        ("flap, period: 5s", "'x' lasts 9 s, too short for this flap to be proven (write for: 10s or more)"),
        ("flap, period: 1s, down: 100%",
         "faults: it would never come up (write kind: down for that, or a shorter down time)"),
        ("slow-close, delay: 8s", "'x' lasts 9 s, too short for this slow-close to be proven (write for: 10s or more)"),
        ("bandwidth, rate: 64KB/s, toxicity: 150%", "faults.toxicity: 150% is no share between 0% and 100%"),
        ("bandwidth, rate: 64KB/s, stream: sideways",
         "faults.stream: unknown 'sideways' (there is: downstream, upstream)"),
    ],
)  # fmt: skip
def test_a_toxic_that_can_not_be_played_is_one_defect_with_its_mend(desk: Desk, fault: str, defect: str) -> None:
    desk.change_runbook(EMPTY, f"{{name: x, proxy: postgres, at: 30s, for: 9s, kind: {fault}}}")

    assert desk.defects() == [f"drill.yaml:15: {defect}"]


def test_other_faults_may_overlap_on_one_proxy(desk: Desk) -> None:
    desk.change_runbook("at: 25s", "at: 5s")

    assert desk.load()[0].faults_s == 35.0


def with_web(desk: Desk, probe: str) -> None:
    """A proxy in front of a web server."""
    desk.change_target("  postgres: {", f"  web: {{listen: 127.0.0.1:1, upstream: 127.0.0.1:2{probe}}}\n  postgres: {{")


def test_pool_exhaustion_needs_a_database_behind_the_proxy(desk: Desk) -> None:
    with_web(desk, ", probe: {http: /}")
    desk.change_runbook(EMPTY, EMPTY.replace("postgres", "web"))

    [defect] = desk.defects()
    assert defect.startswith("drill.yaml:15: no database goes through 'web', and pool-exhaustion needs one")


@pytest.mark.parametrize(
    ("probe", "kind", "defect"),
    [
        ("", "down", "a fault on the proxy 'web' can't be proven"),
        (", probe: tcp", "down", ""),
        (
            ", probe: tcp",
            "latency, latency: 50ms",
            "latency on the proxy 'web' can't be proven: its tcp probe only connects",
        ),
        (", probe: {http: /health}", "latency, latency: 50ms", ""),
    ],
)
def test_a_fault_needs_a_probe_that_can_prove_it(desk: Desk, probe: str, kind: str, defect: str) -> None:
    with_web(desk, probe)
    desk.change_runbook(EMPTY, f"{{name: x, kind: {kind}, proxy: web, at: 1s, for: 2s}}")

    if defect:
        [said] = desk.defects()
        assert said.startswith(f"drill.yaml:15: {defect}")
    else:
        desk.load()


def test_a_proxy_s_fault_does_not_sit_on_a_database(desk: Desk) -> None:
    desk.change_runbook("kind: latency, proxy: postgres", "kind: latency, database: main")

    assert any("latency sits on a proxy, not on a database" in said for said in desk.defects())
