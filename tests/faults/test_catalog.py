"""The kinds by name: their parameters as people write them, and what is refused before anything is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.probe import Sample
from faults.undo import EnabledUndo, ToxicUndo
from harness.clock import Deadline
from harness.errors import BadInput, ReachFailed

NEEDED: dict[str, dict[str, object]] = {
    "latency": {"latency": "50ms"},
    "bandwidth": {"rate": "64KB/s"},
    "slicer": {"average_size": 100, "delay": "10ms"},
    "slow-close": {"delay": "300ms"},
    "limit-data": {"bytes": "2KB"},
    "flap": {"period": "2s"},
}


def plan(kind: str, for_s: float = 10.0, /, **params: object) -> FaultPlan:
    return FaultPlan("2 no/db", "a fault", kind, "pg", KINDS[kind].params.model_validate(params), 0.0, for_s)


def test_the_kinds_and_their_one_line_docs() -> None:
    toxics = {"latency", "timeout", "bandwidth", "slicer", "slow-close", "reset-peer", "limit-data"}
    assert {*toxics, "down", "flap", "pool-exhaustion", "slot-exhaustion"} <= KINDS.keys()
    assert all(kind.summary and kind.name == name for name, kind in KINDS.items())


@pytest.mark.parametrize(
    ("kind", "params", "toxic"),
    [
        ("latency", {"latency": "50ms", "jitter": "10ms"}, ("latency", "upstream", {"latency": 50, "jitter": 10})),
        (
            "latency",
            {"latency": "1s", "stream": "downstream"},
            ("latency", "downstream", {"latency": 1000, "jitter": 0}),
        ),
        ("timeout", {}, ("timeout", "upstream", {"timeout": 0})),
        ("timeout", {"timeout": "500ms"}, ("timeout", "upstream", {"timeout": 500})),
        ("pool-exhaustion", {}, ("latency", "upstream", {"latency": 10000, "jitter": 0})),
        ("bandwidth", {"rate": "64KB/s"}, ("bandwidth", "upstream", {"rate": 64})),
        ("bandwidth", {"rate": "1Mbit/s", "stream": "downstream"}, ("bandwidth", "downstream", {"rate": 125})),
        (
            "slicer",
            {"average_size": "1KB", "variation": 100, "delay": "10ms"},
            ("slicer", "upstream", {"average_size": 1000, "size_variation": 100, "delay": 10_000}),
        ),
        ("reset-peer", {"after": "200ms"}, ("reset_peer", "upstream", {"timeout": 200})),
        ("limit-data", {"bytes": "2KiB"}, ("limit_data", "downstream", {"bytes": 2048})),
    ],
)
def test_a_kind_becomes_its_toxic_under_our_name(toxiproxy: Any, wire: Any, kind: str, params: Any, toxic: Any) -> None:
    fault = build(plan(kind, **params), wire, "2026-11-22T12:00Z")
    undo = fault.prepare()
    fault.inject()
    (stored,) = toxiproxy.proxies["pg"]["toxics"]
    assert (stored["type"], stored["stream"], stored["attributes"]) == toxic
    assert stored["name"] == "gd-2026-11-22T12-00Z-2-no-db"
    assert isinstance(undo, ToxicUndo)
    assert (undo.toxic, undo.proxy, undo.enabled) == (stored["name"], "pg", True)
    assert fault.present()
    assert fault.heal(Deadline.after(3)).rung == "delete"
    assert not fault.present()
    assert fault.measure_healed(Deadline.after(1)).effective is not None


def test_down_closes_and_opens_the_listener(toxiproxy: Any, wire: Any) -> None:
    fault = build(plan("down"), wire, "r")
    undo = fault.prepare()
    assert isinstance(undo, EnabledUndo)
    fault.inject()
    assert toxiproxy.proxies["pg"]["enabled"] is False
    assert fault.present()
    assert fault.heal(Deadline.after(3)).rung == "enable"
    assert toxiproxy.proxies["pg"]["enabled"] is True
    assert not fault.present()


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("latency", {}),
        ("latency", {"latency": "0ms"}),
        ("latency", {"latency": "50ms", "jitter": "60ms"}),
        ("latency", {"latency": "50ms", "toxicity": 0}),
        ("latency", {"latency": "50ms", "toxicity": 7}),
        ("latency", {"latncy": "50ms"}),
        ("latency", {"latency": "2h"}),
        ("latency", {"latency": 50}),
        ("latency", {"latency": "50ms", "stream": "sideways"}),
        ("timeout", {"timeout": "-1s"}),
        ("down", {"latency": "50ms"}),
        ("pool-exhaustion", {"hold": "10ms"}),
        ("pool-exhaustion", {"toxicity": 0.5}),
        ("bandwidth", {}),
        ("bandwidth", {"rate": "0KB/s"}),
        ("bandwidth", {"rate": "-1KB/s"}),
        ("bandwidth", {"rate": "500B/s"}),
        ("bandwidth", {"rate": "64KiB/s"}),
        ("bandwidth", {"rate": "1GB/s"}),
        ("bandwidth", {"rate": 64}),
        ("bandwidth", {"rate": "64kb/s"}),
        ("slicer", {"average_size": 0, "delay": "1ms"}),
        ("slicer", {"average_size": 100, "variation": 100, "delay": "1ms"}),
        ("slicer", {"average_size": 100, "variation": -1, "delay": "1ms"}),
        ("slicer", {"average_size": "32KB", "delay": "1ms"}),
        ("slicer", {"average_size": 100}),
        ("slicer", {"average_size": 100, "delay": "0s"}),
        ("slicer", {"average_size": 100, "delay": "1m"}),
        ("slow-close", {"delay": "0s"}),
        ("slow-close", {"delay": "2m"}),
        ("reset-peer", {"after": "3s"}),
        ("reset-peer", {"toxicity": "0%"}),
        ("limit-data", {"bytes": 0}),
        ("limit-data", {"bytes": True}),
        ("limit-data", {"bytes": "1.5B"}),
        ("limit-data", {"bytes": 2**63}),
        ("flap", {}),
        ("flap", {"period": "1s", "down": "0%"}),
        ("flap", {"period": "1s", "down": "100%"}),
        ("flap", {"period": "1s", "down": "10%"}),
        ("flap", {"period": "1s", "down_for": "1s"}),
        ("flap", {"period": "2s", "down": "50%", "down_for": "1s"}),
        ("flap", {"period": "100ms"}),
        ("flap", {"period": "1h"}),
    ],
)
def test_parameters_that_do_nothing_or_kill_the_server_are_refused(kind: str, params: Any) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].params.model_validate(params)


def test_pool_exhaustion_needs_a_database_behind_the_proxy(wire: Any) -> None:
    with pytest.raises(BadInput, match="works on a database"):
        build(plan("pool-exhaustion"), _with(wire, sessions="cache.main"), "r")


@pytest.mark.parametrize("kind", ["latency", "timeout", "bandwidth", "slicer", "reset-peer", "limit-data"])
def test_a_probe_that_only_connects_can_not_prove_them(wire: Any, probe: Any, kind: str) -> None:
    probe.round_trips = 0
    with pytest.raises(BadInput, match="only connects"):
        build(plan(kind, **NEEDED.get(kind, {})), wire, "r")
    for content in ("down", "flap", "slow-close"):
        build(plan(content, **NEEDED.get(content, {})), wire, "r")


@pytest.mark.parametrize("gone", [True, False])
def test_an_absent_or_closed_proxy_can_not_be_prepared(toxiproxy: Any, wire: Any, gone: bool) -> None:
    toxiproxy.proxies.clear() if gone else toxiproxy.add("pg", enabled=False)
    with pytest.raises(ReachFailed, match="no proxy named pg" if gone else "is closed"):
        build(plan("latency", latency="50ms"), wire, "r").prepare()


@pytest.mark.parametrize(("kind", "said"), [("timeout", "under another fault"), ("down", "closed by another fault")])
def test_another_fault_of_the_run_on_the_proxy_leaves_the_wire_after_healing_unknown(
    wire: Any, probe: Any, kind: str, said: str
) -> None:
    fault = build(plan("latency", latency="50ms"), wire, "r")
    other = build(replace(plan(kind), id="f2"), wire, "r")
    for one in (fault, other):
        one.prepare()
        one.inject()
    assert fault.present(), "what the run does itself is nobody's sabotage"
    fault.heal(Deadline.after(2))
    probe.script = [Sample(ok=False, elapsed_ms=1, error="no answer")]
    effect = fault.measure_healed(Deadline.after(2))
    assert effect.effective is None
    assert said in effect.measured.text
    other.heal(Deadline.after(2))
    assert other.measure_healed(Deadline.after(0.5)).effective is False, "the last one has the wire to itself"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("latency", "round trips 50 ms slower"),
        ("timeout", "no answer through the proxy"),
        ("down", "connections refused, and the open ones cut"),
        ("pool-exhaustion", "every round trip held for 10 s: the application's pool fills with waiters"),
        ("bandwidth", "each connection carries 64 KB/s upstream at most"),
        ("slicer", "data arrives in slices of 100 bytes upstream, 10 ms after each"),
        ("slow-close", "the close of a connection arrives 300 ms late"),
        ("reset-peer", "connections reset at their first data"),
        ("limit-data", "connections closed after 2 KB downstream"),
        ("flap", "connections refused for 1 s of every 2 s"),
    ],
)
def test_what_a_kind_does_reads_aloud(kind: str, text: str) -> None:
    params = KINDS[kind].params.model_validate(NEEDED.get(kind, {}))
    assert KINDS[kind].expected(params) == text


def test_the_journal_has_the_units_in_the_names_and_leaves_out_what_was_left_open() -> None:
    assert plan("bandwidth", rate="64KB/s").recorded_params == {
        "rate_bytes_per_s": 64000,
        "toxicity": 1.0,
        "stream": "upstream",
    }
    sliced = plan("slicer", average_size=100, variation=10, delay="1ms").recorded_params
    assert list(sliced.items())[:3] == [("average_size_bytes", 100), ("variation_bytes", 10), ("delay_ms", 1.0)]
    assert plan("limit-data", bytes="2KB").recorded_params["bytes"] == 2000
    assert plan("flap", period="2s", down="25%").recorded_params == {"period_ms": 2000.0, "down": 0.25}
    assert plan("flap", period="2s", down_for="500ms").recorded_params == {"period_ms": 2000.0, "down_for_ms": 500.0}


def test_slow_close_is_measured_by_closes_whatever_the_proxy_s_own_probe(wire: Any, probe: Any) -> None:
    fault = build(plan("slow-close", delay="300ms"), wire, "r")
    with pytest.raises(ReachFailed, match=r"a close through 127\.0\.0\.1:15432"):
        fault.prepare()  # nothing listens there
    assert probe.timeouts_s == []


def test_a_short_fault_is_proven_by_a_shorter_silence(wire: Any) -> None:
    assert build(plan("timeout", 1.5), wire, "r")._rule.within_s == pytest.approx(0.5)  # type: ignore[attr-defined]
    assert build(plan("timeout", 60.0), wire, "r")._rule.within_s == 0.8  # type: ignore[attr-defined]


def _with(wire: Any, **changes: Any) -> Any:
    fields = {name: getattr(wire, name) for name in type(wire).__slots__}
    return type(wire)(**{**fields, **changes})
