"""Slips that would do harm in silence, and words that a person can use: one line for each, and no secret in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Desk

CPU = "{name: cpu, reading: app-1.cpu, max: 90%}"
LATENCY = "kind: latency, proxy: postgres, latency: 50ms, jitter: 10ms,"
STEP = "{host: app-1, run: systemctl restart crowdfund, when: asked}"
CONTAINERS = "containers: {labels: {com.docker.compose.project: crowdfund}}"


def told(desk: Desk, *parts: str) -> bool:
    return any(all(part in defect for part in parts) for defect in desk.defects())


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (STEP, "{host: null, run: x}", ["host has no value", "leave 'host' out to run the step here"]),
        (STEP, '{host: app-1, run: "a\\0b"}', ["a sign that no text holds (NUL or half a character)"]),
        (STEP, "{here: false, run: x}", ["rollback.here: must be true (leave it out"]),
        (CPU, "{name: cpu, reading: app-1.cpu, max: null}", ["a service level without a limit"]),
        (CPU, "{name: cpu, reading: app-1.cpu, max: 1, by: null}", ["service_levels.by: has no value"]),
        (CPU, "{name: x, url: {get: /x, status: true}}", ["url.status: must be a number"]),
        (CPU, "{name: x, command: {host: app-1, run: x, exit_code: yes}}", ["command.exit_code: must be a number"]),
        (LATENCY, "kind: limit-data, proxy: postgres, bytes: 17MB,", ["faults.bytes: must be at most 16000000"]),
        (LATENCY, "kind: flap, proxy: postgres, stream: upstream, period: 2s,", ["keys here: at, down, down_for, for"]),
        ("users: 100", "users: 100, processes: -2", ["load.processes: must be at least 1, or auto"]),
        ("users: 100", 'users: 100, processes: "00"', ["load.processes: must be at least 1, or auto"]),
    ],
)
def test_a_slip_in_a_runbook_is_told(desk: Desk, old: str, new: str, parts: list[str]) -> None:
    desk.change_runbook(old, new)
    assert told(desk, "drill.yaml:", *parts), desk.defects()
    assert not told(desk, " s (") or "bytes" not in new


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ('containers: {names: [a], engine: "tcp://u:correct-horse@127.0.0.1:2375"}', "holds a user or a password"),
        ('alerting: {webhook: {listen: "evil host:0"}}', "'evil host:0' is no address (write host:port, such as"),
        ('alerting: {webhook: {listen: "127.0.0.1:0", path: alerts}}', "is not written as it must be (write a path"),
    ],
)
def test_a_slip_in_a_target_is_told_once_without_its_secret(desk: Desk, section: str, what: str) -> None:
    desk.change_target(CONTAINERS, section)
    assert told(desk, "target.yaml:", what), desk.defects()
    assert not told(desk, "correct-horse")


def test_a_broken_fault_is_not_told_as_no_fault_at_all(desk: Desk) -> None:
    desk.change_runbook(LATENCY, "kind: slow-close, proxy: postgres,")
    desk.change_runbook("faults:\n", "alerts: [{name: a, alert: A, within: 5s}]\nfaults:\n")
    desk.change_target(CONTAINERS, 'alerting: {alertmanager: "http://127.0.0.1:9093"}')
    assert told(desk, "the key 'delay' is missing")
    assert not told(desk, "there are no faults")
