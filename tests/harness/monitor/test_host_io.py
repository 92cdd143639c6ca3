"""A host's disks, network and pressure, out of what /proc and /sys say."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from harness.monitor.host_io import COMMAND, counters, rates


def said(read: int = 0, written: int = 0, busy_ms: int = 0, waited_us: int = 0, sent: int = 100, again: int = 0,
         killed: int = 0) -> list[str]:  # fmt: skip
    return [
        f"/proc/diskstats: 254       0 vda 1 2 {read} 4 5 6 {written} 8 9 {busy_ms} 11 1 2 3 4 5 6",
        f"/proc/diskstats: 254       1 vda1 1 2 {read} 4 5 6 {written} 8 9 {busy_ms} 11 1 2 3 4 5 6",
        "/proc/diskstats:   7       0 loop0 1 2 999999 4 5 6 999999 8 9 99999 11",
        f"/proc/pressure/io:some avg10=1.00 avg60=0.50 avg300=0.10 total={waited_us}",
        f"/proc/net/snmp:Tcp: 1 200 120000 -1 5 5 5 5 5 999 {sent} {again} 0 1 0",
        f"/proc/vmstat:oom_kill {killed}",
        "/sys/class/net/eth0/speed:100",
        "/sys/class/net/wlan0/speed:-1",
        "whole /sys/block/loop0 /sys/block/vda",
    ]


def net(received: int, sent: int) -> list[str]:
    return ["Inter-| Receive", " face |bytes", f"    lo: {sent * 9} 0 0 0 0 0 0 0 5 0",
            f"  eth0: {received} 0 0 0 0 0 0 0 {sent} 0 0 0 0 0 0 0"]  # fmt: skip


def test_rates_are_of_whole_disks_and_of_the_link_that_tells_its_speed() -> None:
    before = counters(said(), net(0, 0))
    now = counters(said(100, 200, 500, 300_000, 200, 10, 2), net(1000, 5_000_000))
    assert rates(before, now, 2.0) == {
        "disk_read_bytes_per_s": 25_600.0,
        "disk_write_bytes_per_s": 51_200.0,
        "disk_busy": 0.25,
        "io_pressure": 0.15,
        "retransmits": 0.1,
        "oom_kills": 2.0,
        "network": 0.2,
    }


def test_a_host_that_has_none_of_it_has_no_reading_of_it() -> None:
    empty = counters(["whole /sys/block/*"], net(0, 0))
    assert rates(empty, empty, 1.0) == {}
    assert rates(counters([], []), counters(said(), net(0, 0)), 1.0) == {"network": 0.0}


@pytest.mark.parametrize("line", ["/proc/diskstats: 1 2 vda", "/proc/net/snmp:Tcp: 1", "/proc/vmstat:oom_kill x", "?"])
def test_a_line_that_makes_no_sense_tells_nothing(line: str) -> None:
    seen = counters([line, "whole /sys/block/vda"], [])
    assert (seen.disks, seen.segments, seen.oom_kills) == ({}, None, None)


@pytest.mark.parametrize("shell", [s for s in (["sh"], ["busybox", "ash"]) if shutil.which(s[0])], ids=lambda s: s[0])
def test_a_real_host_answers_it_without_a_complaint(shell: list[str]) -> None:
    done = subprocess.run([*shell, "-c", COMMAND], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert counters(done.stdout.splitlines(), []).segments is not None
