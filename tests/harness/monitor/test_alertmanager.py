from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import fake_alertmanager
import pytest
from fake_alertmanager import FakeAlertmanager, active

from harness.clock import Clock
from harness.errors import NotAllowed, ReachFailed
from harness.journal.record import AlertSeen, Note, Record
from harness.monitor.alert import MOST_TOLD
from harness.monitor.alertmanager import Alertmanager, AlertmanagerSource, ask
from harness.reach.allow_list import AllowList

LOOPBACK = AllowList(["127.0.0.0/8"])


@pytest.fixture
def server() -> Iterator[FakeAlertmanager]:
    with fake_alertmanager.running() as running:
        yield running


class Heard:
    """A source with the records that it handed over."""

    def __init__(self, server: FakeAlertmanager, *wanted: str) -> None:
        self.records: list[Record] = []
        self.clock = Clock.start()
        door = Alertmanager(server.url)
        self.source = AlertmanagerSource(door, LOOPBACK, self.records.append, self.clock, frozenset(wanted))

    def read(self) -> list[tuple[str, str]]:
        """Name and state of what was new."""
        before = len(self.records)
        self.source.read()
        return [(r.name, r.state) for r in self.records[before:] if isinstance(r, AlertSeen)]


def test_every_change_is_told_once(server):
    heard = Heard(server)
    assert heard.read() == []
    server.alerts = [active("DatabaseSlow", severity="page")]
    assert heard.read() == [("DatabaseSlow", "firing")]
    assert heard.read() == []
    server.alerts = [active("DatabaseSlow", state="suppressed", severity="page"), active("CacheDown")]
    assert heard.read() == [("DatabaseSlow", "suppressed"), ("CacheDown", "firing")]
    server.alerts = []
    assert sorted(heard.read()) == [("CacheDown", "resolved"), ("DatabaseSlow", "resolved")]
    assert heard.source.read() == {"firing": 0.0}


def test_labels_and_the_beginning_are_kept(server):
    heard = Heard(server)
    heard.read()
    began = heard.clock.started_at + timedelta(seconds=7)
    server.alerts = [active("DatabaseSlow", starts_at=began.isoformat().replace("+00:00", "Z"), severity="page")]
    heard.read()
    [seen] = [r for r in heard.records if isinstance(r, AlertSeen)]
    assert (seen.labels, seen.source) == ({"severity": "page"}, "Alertmanager")
    assert seen.since == pytest.approx(7.0)


def test_of_what_fires_already_only_the_wanted_is_told_one_by_one(server):
    server.alerts = [active("DatabaseSlow"), active("Watchdog"), active("DiskFull")]
    heard = Heard(server, "DatabaseSlow")
    assert heard.read() == [("DatabaseSlow", "firing")]
    assert [r.text for r in heard.records if isinstance(r, Note)] == ["Alerts that were firing already: 2"]


def test_a_platform_on_fire_does_not_fill_the_journal_and_the_wanted_alert_is_told_all_the_same(server):
    heard = Heard(server, "DatabaseSlow")
    heard.read()
    server.alerts = [active("Storm", instance=str(i)) for i in range(MOST_TOLD + 50)] + [active("DatabaseSlow")]
    told = heard.read()
    assert len(told) == MOST_TOLD + 1
    assert ("DatabaseSlow", "firing") in told


@pytest.mark.parametrize(
    "entry", [7, None, {}, {"labels": 3}, {"labels": {"alertname": "x"}}, active("x", state="new")]
)
def test_an_entry_that_is_no_alert_is_passed_over(server, entry):
    server.alerts = [entry, active("DatabaseSlow", starts_at="yesterday")]
    assert [alert.name for alert in ask(Alertmanager(server.url), allow=LOOPBACK, timeout_s=3)] == ["DatabaseSlow"]


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_list_of_alerts_is_said_to_be_none(server, body):
    server.body = body
    with pytest.raises(ReachFailed, match="no list of alerts"):
        ask(Alertmanager(server.url), allow=LOOPBACK, timeout_s=3)


def test_a_status_and_a_refused_login_are_said_without_the_token(server):
    server.authorization = "Bearer right-token"
    with pytest.raises(ReachFailed, match="refused the login") as caught:
        ask(Alertmanager(server.url, token="wrong-token"), allow=LOOPBACK, timeout_s=3)
    assert "wrong-token" not in str(caught.value)
    assert ask(Alertmanager(server.url, token="right-token"), allow=LOOPBACK, timeout_s=3) == ()
    server.authorization, server.status = "Basic Z2FtZWRheTpzZWNyZXQ=", 500
    with pytest.raises(ReachFailed, match="answered 500"):
        ask(Alertmanager(server.url, user="gameday", password="secret"), allow=LOOPBACK, timeout_s=3)


def test_an_address_outside_the_allow_list_is_not_asked(server):
    with pytest.raises(NotAllowed):
        ask(Alertmanager(server.url), allow=AllowList(["10.0.0.0/8"]), timeout_s=3)
    assert server.asked == []
