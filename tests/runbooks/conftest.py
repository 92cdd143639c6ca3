"""A stage of hand-written fakes for the conductor: a load that sends windows, faults that note what happens to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from eventually import until
from pydantic import BaseModel

from faults.fault import FaultPlan
from harness.analysis.service_level import RequestLevel
from harness.clock import Clock
from harness.guard.error_rate import ErrorRate
from harness.guard.guard import Guard
from harness.journal.histogram import bucket_of
from harness.journal.record import FaultHealed, FaultInjected, LoadStopped, RequestStats, Window
from harness.journal.writer import Journal
from runbooks.conductor import Conductor, Stage
from runbooks.crew import FaultCrew
from runbooks.inbox import Inbox
from runbooks.observations import Observations
from runbooks.recorder import Recorder
from runbooks.runbook import LoadPlan, Phases, Runbook
from tests.doubles.no_screen import NoScreen


class NoParams(BaseModel):
    """No parameters."""


class FakeLoad:
    """Sends a window every 20 ms of its own, healthy until `failing` is set or silent once `silent` is."""

    def __init__(self, clock: Clock, inbox: Inbox) -> None:
        self.clock, self.inbox = clock, inbox
        self.failing, self.silent = threading.Event(), threading.Event()
        self.lag_ms = 0.0
        self.stopped_at: float | None = None
        self.graces: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def stop(self, grace_s: float) -> LoadStopped:
        self.graces.append(grace_s)
        self._ended.set()
        self._thread.join(1)
        self.stopped_at = self.clock.now_s()
        return LoadStopped(at=self.stopped_at, how="asked")

    def close(self) -> None:
        self._ended.set()
        self._thread.join(1)

    def _send(self) -> None:
        start = self.clock.now_s()
        while not self._ended.wait(0.02):
            end = self.clock.now_s()
            if not self.silent.is_set():
                failures = {"http": 30} if self.failing.is_set() else {}
                stats = RequestStats(requests=30, failures=failures, histogram={bucket_of(20.0): 30})
                self.inbox.put(
                    Window(t=end, start=start, end=end, names={"GET /": stats}, users=10, lag_ms=self.lag_ms)
                )
            start = end


class FakeInjection:
    """A fault that lasts `for_s` or until it is healed; `log` has what happened, in order."""

    def __init__(
        self, plan: FaultPlan, inbox: Inbox, clock: Clock, log: list[str], on_inject: threading.Event | None
    ) -> None:
        self.plan, self.inbox, self.clock, self.log = plan, inbox, clock, log
        self.on_inject = on_inject
        self.state = "planned"
        self._lock = threading.Lock()

    def play(self, halt: threading.Event) -> None:
        self.state = "active"
        self.log.append(f"inject {self.plan.id}")
        self.inbox.put(
            FaultInjected(t=self.clock.now_s(), fault_id=self.plan.id, name=self.plan.name, fault_kind=self.plan.kind)
        )
        if self.on_inject is not None:
            self.on_inject.set()
        halt.wait(self.plan.for_s)
        self.heal(None)

    def heal(self, _deadline: object) -> None:
        with self._lock:
            if self.state != "healed":
                self.state = "healed"
                self.log.append(f"heal {self.plan.id}")
                self.inbox.put(FaultHealed(t=self.clock.now_s(), fault_id=self.plan.id, by="conductor", verified=True))


@dataclass
class Fakes:
    conductor: Conductor
    stage: Stage
    load: FakeLoad
    inbox: Inbox
    log: list[str]
    healer_died: threading.Event

    def once_injected(self, action: Callable[[], object]) -> None:
        """Do it as soon as the fault f1 is in."""

        def wait() -> None:
            until(lambda: "inject f1" in self.log)
            action()

        threading.Thread(target=wait, daemon=True).start()


class Theatre:
    """Builds conductors with fakes and ends their loads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loads: list[FakeLoad] = []
        self.journals: list[Journal] = []

    def fault(self, id_: str, at_s: float, for_s: float) -> FaultPlan:
        return FaultPlan(id_, f"fault {id_}", "latency", "postgres", NoParams(), at_s, for_s)

    def build(self, faults=(), *, phases=(0.1, 0.2, 0.3), p95_ms=200.0, break_on_inject="") -> Fakes:
        clock, inbox, log = Clock.start(), Inbox(), []
        healer_died = threading.Event()
        journal = Journal(self.folder / f"journal-{len(self.journals)}", "conductor", clock)
        load = FakeLoad(clock, inbox)
        self.loads.append(load)
        self.journals.append(journal)

        def injection(plan: FaultPlan) -> FakeInjection:
            return FakeInjection(plan, inbox, clock, log, load.failing if plan.id == break_on_inject else None)

        runbook = Runbook(
            path=self.folder / "book.yaml", text="", title="t", hypothesis="h", expect="held",
            load=LoadPlan(self.folder / "locustfile.py"), phases=Phases(*phases), recover_within_s=phases[2],
            service_levels=(RequestLevel("api", "*", p95_ms=p95_ms),), faults=tuple(faults),
            stop_when=(ErrorRate(above=0.01),), collect=(), rollback=(), slack_channel="",
        )  # fmt: skip
        stage = Stage(
            runbook=runbook, clock=clock, inbox=inbox, recorder=Recorder(journal, NoScreen()),
            observations=Observations(), guard=Guard(runbook.stop_when),
            crew=FaultCrew(runbook.faults, injection), load=load, screen=NoScreen(), ask_invariants=dict,
            healer_alive=lambda: not healer_died.is_set(),
        )  # fmt: skip
        return Fakes(Conductor(stage), stage, load, inbox, log, healer_died)


@pytest.fixture
def theatre(tmp_path) -> Iterator[Theatre]:
    made = Theatre(tmp_path)
    yield made
    for load in made.loads:
        load.close()
    for journal in made.journals:
        journal.close()
