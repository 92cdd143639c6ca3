"""The kinds by name: their parameters as people write them, and what is refused before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.probe import Sample
from faults.undo import EnabledUndo, ToxicUndo
from harness.clock import Deadline
from harness.errors import BadInput, ReachFailed


def plan(kind: str, for_s: float = 10.0, /, **params: object) -> FaultPlan:
    return FaultPlan("2 no/db", "a fault", kind, "pg", KINDS[kind].params.model_validate(params), 0.0, for_s)


def test_the_kinds_and_their_one_line_docs() -> None:
    assert list(KINDS) == ["latency", "timeout", "down", "pool-exhaustion"]
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
    ],
)
def test_parameters_that_do_nothing_or_kill_the_server_are_refused(kind: str, params: Any) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].params.model_validate(params)


def test_pool_exhaustion_needs_a_database_behind_the_proxy(wire: Any) -> None:
    with pytest.raises(BadInput, match="works on a database"):
        build(plan("pool-exhaustion"), _with(wire, sessions="cache.main"), "r")


@pytest.mark.parametrize("kind", ["latency", "timeout"])
def test_a_probe_that_only_connects_can_not_prove_them(wire: Any, probe: Any, kind: str) -> None:
    probe.round_trips = 0
    with pytest.raises(BadInput, match="only connects"):
        build(plan(kind, **({"latency": "50ms"} if kind == "latency" else {})), wire, "r")
    build(plan("down"), wire, "r")


@pytest.mark.parametrize("gone", [True, False])
def test_an_absent_or_closed_proxy_can_not_be_prepared(toxiproxy: Any, wire: Any, gone: bool) -> None:
    toxiproxy.proxies.clear() if gone else toxiproxy.add("pg", enabled=False)
    with pytest.raises(ReachFailed, match="no proxy named pg" if gone else "is closed"):
        build(plan("latency", latency="50ms"), wire, "r").prepare()


def test_another_toxic_on_the_proxy_leaves_the_wire_after_healing_unknown(
    toxiproxy: Any, wire: Any, probe: Any
) -> None:
    fault = build(plan("latency", latency="50ms"), wire, "r")
    fault.prepare()
    fault.inject()
    toxiproxy.proxies["pg"]["toxics"].append(
        {"name": "gd-r-other", "type": "timeout", "stream": "upstream", "toxicity": 1, "attributes": {}}
    )
    fault.heal(Deadline.after(2))
    probe.script = [Sample(ok=False, elapsed_ms=1, error="no answer")]
    effect = fault.measure_healed(Deadline.after(2))
    assert effect.effective is None
    assert "other toxics" in effect.measured.text


@pytest.mark.parametrize("kind", ["latency", "timeout", "down", "pool-exhaustion"])
def test_what_a_kind_does_reads_aloud(kind: str) -> None:
    params = KINDS[kind].params.model_validate({"latency": "50ms"} if kind == "latency" else {})
    assert KINDS[kind].expected(params)


def test_a_short_fault_is_proven_by_a_shorter_silence(wire: Any) -> None:
    assert build(plan("timeout", 1.5), wire, "r")._rule.within_s == pytest.approx(0.5)  # type: ignore[attr-defined]
    assert build(plan("timeout", 60.0), wire, "r")._rule.within_s == 0.8  # type: ignore[attr-defined]


def _with(wire: Any, **changes: Any) -> Any:
    fields = {name: getattr(wire, name) for name in type(wire).__slots__}
    return type(wire)(**{**fields, **changes})
