"""What somebody, or chance, can do to a fault on a proxy so that it doesn't bite or doesn't end: each is noticed, said
in words, and decides the verdict. The table in docs/proof.md is this file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.injection import Injection
from faults.observation import Observation
from faults.probe import Sample
from faults.wire_proxy import WireProxy
from harness.clock import Clock
from harness.journal import histogram
from harness.journal.plan import PlannedFault
from harness.journal.record import Proof, Record, RequestStats, RunStarted, VerdictReached
from harness.journal.writer import Journal
from runbooks.verdict import reach_verdict

FOR_S = 2.6  # a wire that was proven is looked at again after a second


def seen(elapsed_ms: float) -> Observation:
    asked = RequestStats(requests=200, histogram={histogram.bucket_of(elapsed_ms): 200})
    return Observation(0.0, 5.0, {"GET /": asked})


BEFORE, SLOWER = seen(20.0), seen(75.0)
BOBS = {"name": "bobs", "type": "latency", "stream": "downstream", "toxicity": 1, "attributes": {"latency": 60}}
STARTED = RunStarted(
    run="r", version="0", started_at="2026-01-01T00:00:00+00:00", runbook="title", runbook_path="r.yaml",
    hypothesis="h", expect="held", target="t", target_path="t.yaml", environment="practice", base_url="http://x",
    faults=(PlannedFault(id="f1", name="slow", fault_kind="latency"),),
)  # fmt: skip


class SlowingProbe:
    """Slower by 50 ms while the toxic is there, as a real wire would be; "" for a wire that nothing reaches."""

    what = "SELECT 1"
    round_trips = 1
    keeps_connection = True

    def __init__(self, toxiproxy: Any) -> None:
        self._toxiproxy = toxiproxy
        self.bites = True

    def measure(self, timeout_s: float) -> Sample:
        proxy = self._toxiproxy.proxies.get("pg")
        if proxy is None or not proxy["enabled"]:
            return Sample(ok=False, elapsed_ms=0.1, error="connection refused", refused=True)
        latency = sum(t["attributes"].get("latency", 0) * (t["toxicity"] > 0) for t in proxy["toxics"])
        return Sample(ok=True, elapsed_ms=1.0 + (latency if self.bites else 0))

    def renew(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Scene:
    """One fault of 50 ms to be played; `platform` is what the platform shows under it."""

    toxiproxy: Any
    wire: WireProxy
    probe: SlowingProbe
    journal: Journal
    platform: Observation = SLOWER

    def play(self, meanwhile: Callable[[], object] = lambda: None) -> tuple[VerdictReached, list[Record]]:
        """The verdict, when `meanwhile` happens as soon as the wire is proven."""
        records: list[Record] = []
        proven = threading.Event()

        def emit(record: Record) -> None:
            records.append(record)
            if isinstance(record, Proof) and record.side == "wire":
                proven.set()

        params = KINDS["latency"].params.model_validate({"latency": "50ms"})
        plan = FaultPlan("f1", "slow", "latency", "pg", params, 0.0, FOR_S)
        injection = Injection(
            build(plan, self.wire, "r"), journal=self.journal, emit=emit, observe=lambda *_: self.platform,
            baseline=lambda: BEFORE, clock=Clock.start(),
        )  # fmt: skip
        playing = threading.Thread(target=injection.play, args=(threading.Event(),))
        playing.start()
        if meanwhile is not Scene.play.__defaults__[0]:  # type: ignore[index]
            assert proven.wait(10)
            meanwhile()
        playing.join(30)
        return reach_verdict([STARTED, *records], recover_within_s=10.0), records


@pytest.fixture
def scene(toxiproxy: Any, wire: Any, tmp_path: Path) -> Iterator[Scene]:
    probe = SlowingProbe(toxiproxy)
    with Journal(tmp_path / "journal", "conductor", Clock.start()) as journal:
        yield Scene(toxiproxy, replace(wire, open_probe=lambda: probe), probe, journal)


def of(toxiproxy: Any) -> dict[str, Any]:
    proxy: dict[str, Any] = toxiproxy.proxies["pg"]
    return proxy


def test_without_a_sabotage_the_same_fault_is_proven_and_healed(scene: Scene) -> None:
    verdict, _ = scene.play()
    assert verdict.verdict == "held", verdict.reason


def test_a_toxic_that_the_server_refuses(scene: Scene) -> None:
    handle = scene.toxiproxy.handle

    def refuse(verb: str, parts: list[str], body: dict[str, Any]) -> tuple[int, object]:
        if verb == "POST" and "toxics" in parts:
            return 400, {"error": "invalid toxic type", "status": 400}
        answer: tuple[int, object] = handle(verb, parts, body)
        return answer

    scene.toxiproxy.handle = refuse
    verdict, _ = scene.play()
    assert (verdict.verdict, verdict.exit_code) == ("invalid", 12)
    assert "slow could not be injected" in verdict.reason
    assert "400 invalid toxic type" in verdict.reason


def test_an_attribute_that_the_server_drops_silently(scene: Scene) -> None:
    handle = scene.toxiproxy.handle

    def drop(verb: str, parts: list[str], body: dict[str, Any]) -> tuple[int, object]:
        body.get("attributes", {}).pop("latency", None)
        answer: tuple[int, object] = handle(verb, parts, body)
        return answer

    scene.toxiproxy.handle = drop
    verdict, _ = scene.play()
    assert verdict.verdict == "invalid"
    assert "the server stored" in verdict.reason
    assert scene.toxiproxy.toxics() == [], "what it stored is taken off all the same"


def test_a_toxicity_that_the_server_makes_0(scene: Scene) -> None:
    handle = scene.toxiproxy.handle

    def never(verb: str, parts: list[str], body: dict[str, Any]) -> tuple[int, object]:
        answer: tuple[int, object] = handle(verb, parts, body | ({"toxicity": 0} if "toxicity" in body else {}))
        return answer

    scene.toxiproxy.handle = never
    verdict, _ = scene.play()
    assert verdict.verdict == "invalid"
    assert "toxicity=0" in verdict.reason


def test_a_proxy_that_was_disabled_beforehand(scene: Scene) -> None:
    of(scene.toxiproxy)["enabled"] = False
    verdict, _ = scene.play()
    assert verdict.verdict == "invalid"
    assert "the proxy pg is closed: nothing goes through it" in verdict.reason


def test_a_proxy_that_is_not_there(scene: Scene) -> None:
    scene.toxiproxy.proxies["other"] = scene.toxiproxy.proxies.pop("pg")
    verdict, _ = scene.play()
    assert verdict.verdict == "invalid"
    assert "Toxiproxy has no proxy named pg" in verdict.reason


def test_a_toxic_that_does_not_bite(scene: Scene) -> None:
    scene.probe.bites = False
    verdict, _ = scene.play()
    assert verdict.verdict == "invalid"
    assert "slow had no effect on the wire: round trip 1.0 ms, before 1.0 ms" in verdict.reason


@pytest.mark.parametrize(
    ("sabotage", "said"),
    [
        (lambda t: of(t)["toxics"].clear(), "somebody took it off, or its server was restarted"),
        (lambda t: of(t)["toxics"][0].update(toxicity=0), "with toxicity 1, and is latency upstream"),
        (lambda t: of(t)["toxics"][0].update(attributes={"latency": 5, "jitter": 0}), "upstream (jitter 0, latency 5)"),
        (lambda t: of(t).update(upstream="10.0.0.9:5432"), "into 127.0.0.1:15432 to 10.0.0.9:5432"),
        (lambda t: of(t)["toxics"].append(BOBS | {"attributes": {"latency": 0}}),
         "somebody put latency downstream (latency 0) with toxicity 1 on the proxy pg too, named bobs"),
    ],
    ids=["deleted", "toxicity 0", "weakened", "upstream", "another toxic"],
)  # fmt: skip
def test_somebody_changes_it_in_mid_run(scene: Scene, sabotage: Callable[[Any], None], said: str) -> None:
    verdict, _ = scene.play(lambda: sabotage(scene.toxiproxy))
    assert (verdict.verdict, verdict.exit_code) == ("invalid", 12)
    assert "slow had no effect on the wire: proven at first, but gone after" in verdict.reason
    assert said in verdict.reason


@pytest.mark.parametrize(
    ("sabotage", "said", "typed"),
    [
        (lambda t: of(t).update(enabled=False), "connection refused; somebody closed the proxy pg",
         """-d '{"listen":"127.0.0.1:15432","upstream":"127.0.0.1:5432","enabled":true}' URL/proxies/pg"""),
        (lambda t: of(t)["toxics"].append(BOBS), "on the proxy pg too, named bobs",
         "curl -X DELETE URL/proxies/pg/toxics/bobs"),
        (lambda t: of(t).update(enabled=False, upstream="10.0.0.9:5432"), "to 10.0.0.9:5432",
         """-d '{"listen":"127.0.0.1:15432","upstream":"127.0.0.1:5432","enabled":true}' URL/proxies/pg"""),
    ],
    ids=["closed", "another toxic", "upstream"],
)  # fmt: skip
def test_what_somebody_leaves_on_the_wire_is_named_with_what_takes_it_back(
    scene: Scene, sabotage: Callable[[Any], None], said: str, typed: str
) -> None:
    verdict, _ = scene.play(lambda: sabotage(scene.toxiproxy))
    assert (verdict.verdict, verdict.exit_code) == ("not-healed", 13)
    assert "slow is off, but the wire is not back" in verdict.reason
    assert said in verdict.reason
    assert typed.replace("URL", scene.toxiproxy.url) in verdict.reason
    assert "also invalid: slow had no effect on the wire: proven at first, but gone after" in verdict.reason


def test_a_toxic_that_was_there_before_the_run_is_nobody_s_sabotage(scene: Scene) -> None:
    of(scene.toxiproxy)["toxics"].append(BOBS)
    verdict, _ = scene.play(lambda: None)
    assert verdict.verdict == "held", verdict.reason


def test_a_toxiproxy_that_is_restarted_in_mid_run_has_lost_all_its_proxies(scene: Scene) -> None:
    verdict, _ = scene.play(scene.toxiproxy.proxies.clear)
    assert verdict.verdict == "not-healed", "nobody's connections get through any more"
    assert "the wire is not back: connection refused; type: curl -X POST -d" in verdict.reason
    assert '"name":"pg","listen":"127.0.0.1:15432","upstream":"127.0.0.1:5432","enabled":true' in verdict.reason
    assert "also invalid: slow had no effect on the wire: proven at first, but gone" in verdict.reason
    assert "the proxy pg is not there any more: its server was restarted, or somebody deleted it" in verdict.reason


def test_an_application_that_goes_past_the_proxy_is_named(scene: Scene) -> None:
    past = "no connection of the platform runs through the proxy pg: 12 of role app from 127.0.0.1 go past it"
    scene.wire = replace(scene.wire, way_past=lambda: past)
    scene.platform = BEFORE
    verdict, _ = scene.play()
    assert (verdict.verdict, verdict.exit_code) == ("invalid", 12)
    assert "slow had no effect at the platform: nothing moved" in verdict.reason
    assert past in verdict.reason


def test_without_sessions_to_look_at_the_question_is_asked(scene: Scene) -> None:
    scene.wire = replace(scene.wire, sessions="")
    scene.platform = BEFORE
    verdict, _ = scene.play()
    assert "does the platform connect to 127.0.0.1:15432, the proxy pg, and not past it?" in verdict.reason


def test_a_lease_that_runs_out_early_is_no_fault_that_is_on(scene: Scene) -> None:
    """Its keeper heals, the toxic is gone, and the fault says so; the run is halted besides (see the conductor)."""

    class Early:
        host, promise = "app-1", "it heals by itself"

        def hold(self, undo: object) -> None:
            """Acknowledged."""

        def release(self, fault_id: str) -> str:
            return "delete"

    scene.wire = replace(scene.wire, lease=Early())
    verdict, records = scene.play(of(scene.toxiproxy)["toxics"].clear)
    assert verdict.verdict == "invalid"
    assert "proven at first, but gone after" in verdict.reason
    (healed,) = (r for r in records if r.kind == "fault-healed")  # type: ignore[attr-defined]
    assert healed.by == "keeper"  # type: ignore[attr-defined]
