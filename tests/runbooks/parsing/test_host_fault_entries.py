"""Faults on hosts as a runbook has them: each slip with its line, and what can't be at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Desk

FAULT = "  - {name: slow database, kind: latency, proxy: postgres, latency: 50ms, jitter: 10ms, at: 0s, for: 20s}"
WATCHED = ("commands: [df -h]}", "commands: [df -h], processes: {web: gunicorn, mail: postfix}}")


def with_faults(desk: Desk, *faults: str) -> None:
    desk.change_target(*WATCHED)
    lines = [f"  - {{name: fault {i}, {keys}}}" for i, keys in enumerate(faults, start=1)]
    desk.change_runbook(FAULT, "\n".join(lines))


def test_each_kind_is_read(desk: Desk) -> None:
    with_faults(
        desk,
        "kind: process-pause, host: app-1, process: web, at: 0s, for: 5s",
        "kind: service-stop, host: app-1, unit: nginx, sudo: true, at: 0s, for: 5s",
        "kind: host-cpu, host: app-1, share: 50%, at: 0s, for: 5s",
        "kind: host-memory, host: app-1, amount: 64MB, at: 0s, for: 5s",
        "kind: host-disk, host: db-1, path: /data, leave: 2GB, at: 0s, for: 5s",
        "kind: host-disk-io, host: db-1, path: /data, rate: 5MB/s, at: 0s, for: 5s",
        "kind: host-network, host: db-1, interface: eth0, towards: [10.0.0.5], delay: 100ms, at: 0s, for: 5s",
    )
    faults = desk.load()[0].faults[:7]
    assert [(f.on, f.place) for f in faults] == [("host", "app-1")] * 4 + [("host", "db-1")] * 3
    assert faults[4].recorded_params == {"path": "/data", "leave_bytes": 2_000_000_000}
    assert faults[6].recorded_params == {
        "interface": "eth0", "towards": "10.0.0.5", "delay_ms": 100.0, "jitter_ms": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "defect"),
    [
        ("kind: process-pause, host: app-1, process: wep", "watches no process 'wep' on app-1 (did you mean 'web'?"),
        ("kind: process-pause, host: db-1, process: web", "add web: with a part of its command line under processes:"),
        ("kind: process-pause, host: app-1", "the key 'process' is missing"),
        ("kind: host-cpu, host: app-2, cores: 1", "unknown host 'app-2'"),
        ("kind: host-cpu, cores: 1", "the key 'host' is missing"),
        ("kind: host-cpu, proxy: postgres, cores: 1", "host-cpu sits on a host, not on a proxy"),
        ("kind: host-cpu, host: app-1", "how much CPU is to be taken (write cores: 1 or share: 50%, one of them)"),
        ("kind: host-memory, host: app-1, ammount: 1GB", "unknown key 'ammount' of the fault kind 'host-memory'"),
        ("kind: host-network, host: app-1, interface: eth0, towards: db, delay: 1s", "'db' is no IP address"),
        ("kind: host-disk, host: app-1, path: data", "'data' is no absolute path"),
        ("kind: process-stop, host: app-1, process: web", "unknown fault kind 'process-stop'"),
    ],
)
def test_each_slip_is_told_with_its_line(desk: Desk, keys: str, defect: str) -> None:
    with_faults(desk, f"{keys}, at: 0s, for: 5s")
    assert any(line.startswith("runbook.yaml:14: ") or ":14: " in line for line in desk.defects())
    assert any(defect in line for line in desk.defects()), desk.defects()


@pytest.mark.parametrize(
    "keys",
    [
        "kind: process-pause, host: app-1, process: web",
        "kind: service-stop, host: app-1, unit: nginx",
        "kind: host-network, host: app-1, interface: eth0, towards: 10.0.0.5, delay: 10ms",
    ],
)
def test_two_that_change_the_same_thing_at_once_are_told_and_pressures_add_up(desk: Desk, keys: str) -> None:
    with_faults(desk, f"{keys}, at: 0s, for: 9s", f"{keys}, at: 5s, for: 9s")
    assert any("'fault 1' and 'fault 2' change" in line and "at once" in line for line in desk.defects())


def test_pressures_and_faults_one_after_the_other_are_fine(desk: Desk) -> None:
    pause = "kind: process-pause, host: app-1, process: web"
    cpu = "kind: host-cpu, host: app-1, cores: 1"
    with_faults(
        desk,
        f"{pause}, at: 0s, for: 5s",
        f"{pause}, at: 5s, for: 5s",
        f"{cpu}, at: 0s, for: 9s",
        f"{cpu}, at: 2s, for: 9s",
    )
    assert len(desk.load()[0].faults) == 5
