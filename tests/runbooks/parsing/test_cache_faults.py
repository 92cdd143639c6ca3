"""Faults on a cache as a person writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Desk

PAUSE = "  - {name: stalls, kind: cache-pause, cache: main, commands: write, lease: 500ms, at: 60s, for: 30s}\n"
SLOW = "  - {name: slow, kind: cache-slow, cache: main, pause: 200ms, open: 20ms, at: 100s, for: 30s}\n"
FULL = "  - {name: full, kind: cache-connections, cache: main, leave: 1, evict: true, at: 140s, for: 30s}\n"


def with_faults(desk: Desk, *lines: str) -> None:
    desk.change_runbook("stop_when:\n", f"{''.join(lines)}stop_when:\n")


def test_faults_on_a_cache_are_read(desk: Desk) -> None:
    with_faults(desk, PAUSE, SLOW, FULL)

    read = {fault.kind: fault for fault in desk.load()[0].faults[2:]}

    assert {(fault.on, fault.place, fault.proxy) for fault in read.values()} == {("cache", "main", "")}
    assert read["cache-pause"].recorded_params == {"commands": "write", "lease_ms": 500.0}
    assert read["cache-slow"].recorded_params == {"pause_ms": 200.0, "open_ms": 20.0}
    assert read["cache-connections"].recorded_params == {"leave": 1, "evict": True}


@pytest.mark.parametrize(
    ("old", "new", "defect"),
    [
        ("cache: main", "proxy: redis", "cache-pause sits on a cache, not on a proxy (write cache: ... instead)"),
        ("cache: main, ", "", "the key 'cache' is missing"),
        ("cache: main", "cache: mian", "unknown cache 'mian' (did you mean 'main'?)"),
        ("commands: write", "commands: writes", "faults.commands: "),
        ("lease: 500ms", "lease: 1m", "faults.lease: must be at most 2 s"),
        ("lease: 500ms", "leese: 1s", "unknown key 'leese' of the fault kind 'cache-pause'"),
        ("cache-pause", "cache-paus", "unknown fault kind 'cache-paus' (did you mean 'cache-pause'?)"),
    ],
)
def test_each_slip_is_told(desk: Desk, old: str, new: str, defect: str) -> None:
    with_faults(desk, PAUSE.replace(old, new))

    assert any(defect in said for said in desk.defects()), desk.defects()


def test_two_on_one_cache_at_once_are_a_defect(desk: Desk) -> None:
    with_faults(desk, PAUSE, SLOW.replace("at: 100s", "at: 70s"))

    assert any("'stalls' and 'slow' sit on the cache 'main' at once (start 'slow' at 90 s" in d for d in desk.defects())
