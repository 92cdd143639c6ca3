"""The toxics that need more than a round trip, on a real database and a real cache: proven on the wire only while they
are on, healed, and the wire as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults import catalog
from faults.fault import FaultPlan
from faults.toxiproxy_server import ManagedServer
from harness.clock import Clock, Deadline
from runbooks.doors import Doors
from runbooks.parsing.inputs import load_target
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def doors() -> Iterator[tuple[Doors, str]]:
    with Sandbox.up(owned=True, deadline_s=30) as box:
        url = ManagedServer.attach(box.folder / "toxiproxy").api_url
        with Doors(load_target(box.target), Clock.start()) as doors:
            yield doors, url


@pytest.mark.parametrize(
    ("proxy", "kind", "params"),
    [
        ("postgres", "bandwidth", {"rate": "64KB/s", "stream": "downstream"}),
        ("postgres", "limit-data", {"bytes": "1500KB"}),
        ("postgres", "reset-peer", {"after": "200ms"}),
        ("redis", "slicer", {"average_size": 64, "variation": 10, "delay": "5ms", "stream": "downstream"}),
        ("redis", "slow-close", {"delay": "300ms"}),
        ("paystack", "bandwidth", {"rate": "10KB/s"}),
        ("postgres", "latency", {"latency": "200ms", "toxicity": "95%"}),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_toxic_is_proven_while_it_is_on_and_only_then(
    doors: tuple[Doors, str], proxy: str, kind: str, params: dict[str, object]
) -> None:
    opened, url = doors
    chosen = catalog.KINDS[kind].params.model_validate(params)
    wire = opened.wire(opened.target.proxies[proxy], url)
    fault = catalog.build(FaultPlan("f1", "it", kind, proxy, chosen, 0.0, 30.0), wire, "run1")
    fault.prepare()
    try:
        assert fault.prove_wire().effective is False, "there is nothing yet"
        fault.inject()
        effect = fault.prove_wire()
        assert effect.effective is True, effect.measured.text
        assert fault.present()
    finally:
        fault.heal(Deadline.after(5))
        fault.close()
    healed = fault.measure_healed(Deadline.after(5))
    assert healed.effective is True, healed.measured.text
    assert wire.found().toxics == ()


def test_several_toxics_on_one_proxy_are_each_proven_and_healed_in_any_order(doors: tuple[Doors, str]) -> None:
    opened, url = doors
    wire = opened.wire(opened.target.proxies["redis"], url)
    asked = {
        "latency": {"latency": "80ms"},
        "bandwidth": {"rate": "64KB/s", "stream": "downstream"},
    }
    faults = [
        catalog.build(
            FaultPlan(f"f{number}", "it", kind, "redis", catalog.KINDS[kind].params.model_validate(params), 0.0, 30.0),
            wire,
            "run1",
        )
        for number, (kind, params) in enumerate(asked.items())
    ]
    try:
        for fault in faults:
            fault.prepare()
            fault.inject()
            effect = fault.prove_wire()
            assert effect.effective is True, effect.measured.text
        assert all(fault.present() for fault in faults)
    finally:
        for fault in faults:  # the first first: the others go on without it
            fault.heal(Deadline.after(5))
            fault.close()
            assert fault.measure_healed(Deadline.after(5)).effective is not False
    assert faults[-1].measure_healed(Deadline.after(5)).effective is True
    assert wire.found().toxics == ()
