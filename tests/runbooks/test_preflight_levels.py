"""What preflight says of invariants, crashes and the alerting, before anything is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from faults.fault import FaultPlan
from harness.analysis.alert_level import AlertLevel
from harness.analysis.invariant import Answer
from harness.analysis.service_level import CommandLevel, Content, CrashLevel, QueryLevel, UrlLevel
from harness.errors import NotAllowed, ReachFailed
from runbooks.preflight import Options
from runbooks.preflight.alerting_check import check_alerting
from runbooks.preflight.invariant_check import check_crash_level, check_invariant
from runbooks.preflight.scene import Scene
from runbooks.runbook import LoadPlan, Phases, Runbook
from runbooks.target import Alerting, Target, Toxiproxy

CHARGED = QueryLevel("no double charge", "main", "select 0", equals=0)
HEALTH = UrlLevel("health", "/health")
ALERT = AlertLevel("noticed", "DatabaseSlow", 30.0, {"severity": "page"})


class NoParams(BaseModel):
    """No parameters."""


class FakeWorld:
    """What is asked, and what it answers or raises."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.asked: list[object] = []

    def invariant(self, level: object) -> object:
        return self._answer(level)

    def crash_watchers(self, of: str) -> object:
        return self._answer(of)

    def alerts(self, alerting: Alerting) -> object:
        return self._answer(alerting)

    def listens(self, host: str, port: int) -> None:
        self._answer((host, port))

    def _answer(self, asked: object) -> object:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def scene(answer=None, **target) -> Scene:
    runbook = Runbook(
        path=Path("r.yaml"), text="", title="t", hypothesis="h", expect="held", load=LoadPlan(Path("l.py")),
        phases=Phases(1.0, 1.0, 1.0), recover_within_s=1.0, service_levels=(), stop_when=(), collect=(), rollback=(),
        faults=(FaultPlan("f1", "slow", "down", "postgres", NoParams(), 0.0, 20.0),), slack_channel="", alerts=(ALERT,),
    )  # fmt: skip
    plain = Target(path=Path("t.yaml"), text="", name="t", environment="practice", base_url="http://127.0.0.1:8000",
                   allow=("127.0.0.0/8",), toxiproxy=None, proxies={}, databases={}, caches={}, hosts={})  # fmt: skip
    return Scene(runbook, replace(plain, **target), Options(), FakeWorld(answer))


def test_a_command_is_told_with_its_host_and_not_run():
    asked = scene()
    [check] = check_invariant(asked, CommandLevel("queue", "app-1", "queue-length", content=Content()))
    assert (check.ok, check.detail) == (True, "will run on app-1, before and after the faults: queue-length")
    assert asked.world.asked == []


@pytest.mark.parametrize(
    ("answer", "ok", "word"),
    [
        (Answer(0), True, "holds now: the query on main answers 0"),
        (Answer(3), None, "does not hold now: main answered 3, expected 0"),
        (ReachFailed('relation "payments" does not exist'), False, "does not exist"),
    ],
)
def test_a_query_is_asked_once(answer, ok, word):
    [check] = check_invariant(scene(answer), CHARGED)
    assert check.ok is ok
    assert word in check.detail


def test_an_address_outside_the_allow_list_is_refused():
    [check] = check_invariant(scene(NotAllowed("outside", mend="add it")), HEALTH)
    assert (check.ok, check.refusal) == (False, True)


def test_a_platform_that_waits_for_its_proxies_may_be_silent():
    silent = ReachFailed("refused")
    assert check_invariant(scene(silent, toxiproxy=Toxiproxy(managed=True)), HEALTH)[0].ok is None
    assert check_invariant(scene(silent), HEALTH)[0].ok is False


def test_a_crash_that_nothing_would_tell_is_broken_before_it_is_played():
    assert check_crash_level(scene(("container.api",)), CrashLevel("no crash"))[0].ok is True
    [check] = check_crash_level(scene(()), CrashLevel("no crash", of="container.*"))
    assert (check.ok, "would tell a crash of container.*" in check.detail) == (False, True)


def test_an_alert_that_fires_already_is_warned_of():
    server = Alerting(alertmanager="http://127.0.0.1:9093")
    firing = (("DatabaseSlow", {"severity": "page", "instance": "a"}), ("Watchdog", {}))
    ready, already = check_alerting(scene(firing, alerting=server))
    assert (ready.ok, already.ok) == (True, None)
    assert "fires already" in already.detail
    assert [c.ok for c in check_alerting(scene((), alerting=server))] == [True]


def test_an_alertmanager_that_does_not_answer_is_broken_only_where_alerts_are_expected():
    server = Alerting(alertmanager="http://127.0.0.1:9093")
    expecting = scene(ReachFailed("refused"), alerting=server)
    assert check_alerting(expecting)[0].ok is False
    assert check_alerting(replace(expecting, runbook=replace(expecting.runbook, alerts=())))[0].ok is None


@pytest.mark.parametrize(("host", "oks"), [("127.0.0.1", [True]), ("0.0.0.0", [True, None]), ("::1", [True])])
def test_a_webhook_that_is_open_to_the_network_is_warned_of(host, oks):
    assert [c.ok for c in check_alerting(scene(alerting=Alerting(webhook=(host, 9099, "/alerts"))))] == oks


def test_a_port_that_is_taken_is_told():
    [check] = check_alerting(scene(ReachFailed("in use"), alerting=Alerting(webhook=("127.0.0.1", 9099, "/"))))
    assert (check.ok, check.mend) == (False, "choose another port")


def test_a_target_without_alerting_has_nothing_to_say():
    assert check_alerting(scene()) == []
