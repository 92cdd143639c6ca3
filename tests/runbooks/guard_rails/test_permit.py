"""The rails together: asked before the start and before every injection, bounded, waived by name."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.clock import boot_s
from harness.errors import Refused
from harness.journal.record import RailWaived, Record
from runbooks.guard_rails.guard_rails import OPT_OUTS, GuardRails, all_rails
from runbooks.guard_rails.lever import Lever, Off
from runbooks.guard_rails.permit import Permit
from runbooks.guard_rails.rail import Moment, Objection, Passed
from runbooks.inbox import StopAsked


@dataclass
class FakeRail:
    """Passes until a test says what it objects to, fails with, or waits for."""

    name: str = "fake"
    opt_out: str = "--fake"
    objection: str = ""
    error: Exception | None = None
    hangs: threading.Event | None = None
    seen: list[Moment] = field(default_factory=list)

    def look(self, moment: Moment) -> Passed | Objection:
        self.seen.append(moment)
        if self.hangs is not None:
            self.hangs.wait(20)
        if self.error is not None:
            raise self.error
        return Objection(self.objection, "mend it") if self.objection else Passed("fine")


@pytest.fixture
def lever(tmp_path: Path) -> Lever:
    return Lever(tmp_path / "lever", tmp_path / "machine")


@pytest.fixture
def build(moment, lever: Lever):
    """The rails of one run, its permit, and what the permit asked for and recorded."""

    def built(*rails: FakeRail, opt_outs=(), faults=()) -> tuple[GuardRails, Permit, list[StopAsked], list[Record]]:
        now = moment(*faults)
        made = GuardRails(now.runbook, now.target, opt_outs, rails=rails, lever=lever)
        asked: list[StopAsked] = []
        records: list[Record] = []
        return made, Permit(made, asked.append, records.append), asked, records

    return built


def test_each_rail_has_an_opt_out_of_its_own(moment, lever: Lever) -> None:
    rails = all_rails(moment().target, lever)
    assert [r.opt_out for r in rails] == ["--allow-production", "--allow", "--outside-hours", "--ignore-lever",
                                          "--beyond-blast-radius", "--live-keys"]  # fmt: skip
    assert set(OPT_OUTS) == {r.opt_out for r in rails} - {"--allow"}


def test_the_run_is_asked_with_its_length_and_an_injection_with_its_own(build, fault) -> None:
    rail = FakeRail()
    plan = fault(for_=7)
    rails, permit, asked, _ = build(rail, faults=(plan,))
    rails.ask()
    permit(plan)
    assert [(m.rest_s, m.fault) for m in rail.seen] == [(47.0, None), (7.0, plan)]
    assert asked == []


def test_an_objection_refuses_the_injection_and_asks_for_the_end(build, fault) -> None:
    rail = FakeRail()
    _, permit, asked, _ = build(rail)
    permit(fault())
    rail.objection = "too late"
    with pytest.raises(Refused, match="fake: too late") as refused:
        permit(fault())
    assert refused.value.mend == "mend it, or: --fake"
    assert asked == [StopAsked("guard-rail", "a guard rail refused fault 2: fake: too late")]


def test_a_waived_objection_passes_and_is_recorded_once(build, fault) -> None:
    rail = FakeRail(objection="too late")
    rails, permit, asked, records = build(rail, opt_outs={"--fake"})
    assert [(a.state, a.detail) for a in rails.ask()] == [("waived", "too late")]
    with permit:
        permit(fault())
        permit(fault())
    assert asked == []
    assert [(r.rail, r.opt_out, r.what) for r in records if isinstance(r, RailWaived)] == [
        ("fake", "--fake", "too late")
    ]


@pytest.mark.parametrize("error", [OSError("no"), ValueError("odd"), Refused("r")])
def test_a_rail_that_fails_objects(build, error: Exception) -> None:
    rails, _, _, _ = build(FakeRail(error=error))
    [answer] = rails.ask()
    assert answer.state == "refused"
    assert "it can't be known" in answer.detail


def test_a_rail_that_hangs_objects_in_bounded_time_and_holds_up_no_other(build) -> None:
    released = threading.Event()
    rails, _, _, _ = build(FakeRail(hangs=released), FakeRail(name="other"))
    begun = boot_s()
    hanging, other = rails.ask(timeout_s=0.3)
    assert boot_s() - begun < 5
    assert (hanging.state, other.state) == ("refused", "ok")
    released.set()


def test_the_lever_is_watched_unless_it_is_ignored(build, lever: Lever) -> None:
    heard = threading.Event()
    for opt_outs in ((), ("--ignore-lever",)):
        rails, _, asked, _ = build(FakeRail(), opt_outs=opt_outs)

        def ask_stop(message: StopAsked, to=asked) -> None:
            to.append(message)
            heard.set()

        lever.switch_on(lever.own)
        heard.clear()
        with Permit(rails, ask_stop, lambda _: None):
            lever.switch_off(Off(lever.own, "incident"))
            assert heard.wait(10 if not opt_outs else 1.2) is not bool(opt_outs)
        assert len(asked) == (0 if opt_outs else 1)
