"""Resources, crashes, invariants and alerts: what may be written, and what each slip is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis.alert_level import AlertLevel
from harness.analysis.service_level import CommandLevel, Content, CrashLevel, QueryLevel, ReadingLevel, UrlLevel

if TYPE_CHECKING:
    from conftest import Desk

CPU = "{name: cpu, reading: app-1.cpu, max: 90%}"
FAULTS = "faults:\n"
CONTAINERS = "containers: {labels: {com.docker.compose.project: crowdfund}}"
ALERTMANAGER = 'alerting: {alertmanager: "http://127.0.0.1:9093"}'


@pytest.mark.parametrize(
    ("written", "level"),
    [
        (
            '{name: x, reading: "*.cpu", max: 90%, by: peak}',
            ReadingLevel("x", "*.cpu", max=0.9, by="peak", sources=("app-1", "db-1")),
        ),
        ('{name: x, reading: "container.*.memory", max: 90%}', ReadingLevel("x", "container.*.memory", max=0.9)),
        ("{name: x, crashes: none}", CrashLevel("x")),
        ('{name: x, crashes: none, of: "database.*"}', CrashLevel("x", of="database.*")),
        ("{name: x, crashes: none, of: container.api}", CrashLevel("x", of="container.api")),
        ("{name: x, query: {database: main, sql: s, equals: null}}", QueryLevel("x", "main", "s")),
        (
            "{name: x, query: {database: main, sql: s, unchanged: true}}",
            QueryLevel("x", "main", "s", unchanged=True),
        ),
        ("{name: x, url: {get: /health}}", UrlLevel("x", "/health")),
        (
            '{name: x, url: {get: "http://127.0.0.1:9/x?a=b", status: 201, contains: ok, json: a.0.b, equals: 1}}',
            UrlLevel("x", "http://127.0.0.1:9/x?a=b", 201, "a.0.b", Content("ok", compared=True, equals=1)),
        ),
        (
            "{name: x, command: {host: app-1, run: 'echo ${HOME}', exit_code: 3, unchanged: true}}",
            CommandLevel("x", "app-1", "echo ${HOME}", 3, Content(compared=True, unchanged=True)),
        ),
    ],
)
def test_each_level_is_read(desk: Desk, written: str, level: object) -> None:
    desk.change_runbook(CPU, written)
    assert desk.load()[0].service_levels[3] == level


@pytest.mark.parametrize(
    ("written", "defect"),
    [
        ("{name: x, reading: app-1.cpu, max: 1, by: average}", "11: service_levels.by: unknown 'average'"),
        ('{name: x, reading: "web-*.cpu", max: 1}', "11: 'web-*.cpu' means no source of the target"),
        ('{name: x, reading: "*.cpus_", max: 1}', "11: unknown reading 'cpus_' of app-1 (did you mean 'cpus'?)"),
        ('{name: x, reading: "app-1.*", max: 1}', "11: 'app-1.*' names no reading"),
        ('{name: x, reading: "*.cpu", max: 90}', "11: max: cpu is a share between 0% and 100%"),
        ("{name: x, crashes: 0}", "11: service_levels.crashes: unknown 0 (there is: none)"),
        ("{name: x, crash: none}", "11: a service level on nothing (did you mean 'crashes'?)"),
        (
            "{name: x, crashes: none, of: database.mian}",
            "11: nothing of the target would tell a crash of database.mian",
        ),
        ("{name: x, crashes: none, of: app-1}", "11: nothing of the target would tell a crash of app-1"),
        ("{name: x, query: {database: main, sql: s}}", "11: a query without an expected answer (add equals: 0, or"),
        (
            "{name: x, query: {database: main, sql: s, equals: 0, unchanged: true}}",
            "11: equals and unchanged are two different answers",
        ),
        ("{name: x, query: {database: main, sql: s, unchanged: false}}", "11: a query without an expected answer"),
        ("{name: x, url: {get: health}}", "11: 'health' is no address (write a path such as"),
        ("{name: x, url: {get: //evil/x}}", "11: '//evil/x' is no address"),
        ("{name: x, url: {get: 'ftp://127.0.0.1/x'}}", "11: 'ftp://127.0.0.1/x' is no address"),
        ("{name: x, url: {get: 'http://u:p@127.0.0.1/x'}}", "11: holds a user or a password"),
        ("{name: x, url: {get: '/a b'}}", "11: '/a b' is no address"),
        ("{name: x, url: {get: /x, status: 99}}", "11: url.status: must be at least 100"),
        ("{name: x, url: {get: /x, json: a..b, equals: 1}}", "11: 'a..b' is no path"),
        ("{name: x, url: {get: /x, json: a}}", "11: a value without an expected answer"),
        ("{name: x, url: {get: /x, equal: 1}}", "11: unknown key 'equal' (did you mean 'equals'?)"),
        ("{name: x, url: {get: /x, equals: [1]}}", "11: url.equals: must be one value"),
        ("{name: x, command: {host: app-9, run: 'true'}}", "11: unknown host 'app-9' (did you mean 'app-1'?)"),
        ("{name: x, command: {host: app-1}}", "11: the key 'run' is missing"),
        (
            "{name: x, command: {host: app-1, run: 'true', exit_code: 256}}",
            "11: command.exit_code: must be at most 255",
        ),
    ],
)
def test_each_slip_in_a_level_is_told_with_its_line(desk: Desk, written: str, defect: str) -> None:
    desk.change_runbook(CPU, written)
    assert [text for text in desk.defects() if text.startswith(f"drill.yaml:{defect}")], desk.defects()


def test_a_crash_needs_something_that_would_tell_it(desk: Desk) -> None:
    desk.change_runbook(CPU, "{name: x, crashes: none, of: container.api}")
    desk.change_target(CONTAINERS, "")
    assert desk.defects() == [
        "drill.yaml:11: nothing of the target would tell a crash of container.api "
        "(what is watched is: cache.main, database.main)"
    ]


def expect_alerts(desk: Desk, *written: str, target: str = ALERTMANAGER) -> None:
    desk.change_runbook(FAULTS, "".join(["alerts:\n", *(f"  - {entry}\n" for entry in written), FAULTS]))
    desk.change_target(CONTAINERS, target)


def test_alerts_are_read(desk: Desk) -> None:
    expect_alerts(
        desk,
        "{name: a, alert: DatabaseSlow, labels: {severity: page}, within: 30s, of: no connections,"
        " resolved_within: 15s}",
        "{name: b, alert: ApiErrors, within: 60s, after: breach}",
    )
    assert desk.load()[0].alerts == (
        AlertLevel("a", "DatabaseSlow", 30.0, {"severity": "page"}, fault_id="f2", resolved_within_s=15.0),
        AlertLevel("b", "ApiErrors", 60.0, after="breach"),
    )


@pytest.mark.parametrize(
    ("written", "defect"),
    [
        ("{name: a, alert: X}", "14: the key 'within' is missing"),
        ("{name: a, alert: X, within: 30}", "14: alerts.within: a duration needs a unit"),
        (
            "{name: a, alert: X, within: 30s, of: slow databse}",
            "14: unknown fault 'slow databse' (did you mean 'slow data",
        ),
        ("{name: api, alert: X, within: 30s}", "14: a second service level or alert named 'api'"),
        (
            "{name: a, alert: X, within: 30s, after: braech}",
            "14: alerts.after: unknown 'braech' (did you mean 'breach'?)",
        ),
        ("{name: a, alert: X, within: 2m, after: breach}", "14: within: after a breach it is waited for 90 s at most"),
        ("{name: a, alert: X, within: 80s}", "14: within: its time is over 80 s after the faults began, and the run"),
        ("{name: a, alert: X, within: 9s, resolved_within: 60s}", "14: resolved_within: its time is over 80 s after"),
        ("{name: a, alert: X, within: 9s, labels: {shard: 1}}", "14: labels.shard: must be text (put it into quotes)"),
    ],
)
def test_each_slip_in_an_alert_is_told_with_its_line(desk: Desk, written: str, defect: str) -> None:
    expect_alerts(desk, written)
    assert [text for text in desk.defects() if text.startswith(f"drill.yaml:{defect}")], desk.defects()


def test_alerts_need_an_alerting_and_faults(desk: Desk) -> None:
    expect_alerts(desk, "{name: a, alert: X, within: 9s}", target="")
    assert [text.partition(": ")[2][:58] for text in desk.defects()] == [
        "alerts are expected, and the target says nothing of its al"
    ]


@pytest.mark.parametrize(
    ("written", "defect"),
    [
        ("alerting: {}", "alerting: neither asked nor listened to"),
        ('alerting: {alertmanager: "http://127.0.0.1:1", webhook: {listen: "127.0.0.1:9"}}', "alerting: either we ask"),
        ('alerting: {alertmanager: "127.0.0.1:9093"}', "alertmanager: is no http address"),
        ('alerting: {alertmanager: "http://10.1.1.1:9093"}', "the address 10.1.1.1 is outside the target's allow list"),
        ('alerting: {alertmanagr: "http://127.0.0.1:1"}', "unknown key 'alertmanagr' (did you mean 'alertmanager'?)"),
        ('alerting: {alertmanager: "http://127.0.0.1:1", token: plain}', "a token stands in the file"),
        ('alerting: {alertmanager: "http://127.0.0.1:1", user: u}', "a user goes with a password"),
        ('alerting: {alertmanager: "http://127.0.0.1:1", user: u, password: "x"}', "a password stands in the file"),
        ('alerting: {alertmanager: "http://127.0.0.1:1", token: "${BAD}"}', "token: what the reference means holds"),
        ('alerting: {webhook: {listen: "127.0.0.1:1"}, token: "${DATABASE_URL}"}', "token is for alertmanager only"),
        ("alerting: {webhook: {listen: nowhere}}", "listen: 'nowhere' is no address"),
        ('alerting: {webhook: {listen: "127.0.0.1:1", path: alerts}}', "webhook.path:"),
    ],
)
def test_each_slip_in_the_alerting_is_told(desk: Desk, written: str, defect: str) -> None:
    desk.environment = {**desk.environment, "BAD": "two\nlines"}
    desk.change_target(CONTAINERS, written)
    assert [text for text in desk.defects() if text.partition(": ")[2].startswith(defect)], desk.defects()
    assert "two" not in "".join(desk.defects())


def test_the_alertings_secrets_are_known_to_the_redactor_and_print_as_references(desk: Desk) -> None:
    desk.environment = {**desk.environment, "ALERT_TOKEN": "very-secret-token"}
    desk.change_target(CONTAINERS, 'alerting: {alertmanager: "http://127.0.0.1:1/", token: "${ALERT_TOKEN}"}')
    target = desk.load()[1]
    assert target.alerting is not None
    assert target.alerting.alertmanager == "http://127.0.0.1:1"
    assert "very-secret-token" in target.secrets()
    assert "very-secret-token" not in repr(target)


def test_a_webhook_listens_where_it_is_told(desk: Desk) -> None:
    desk.change_target(CONTAINERS, 'alerting: {webhook: {listen: "127.0.0.1:0"}}')
    alerting = desk.load()[1].alerting
    assert alerting is not None
    assert alerting.webhook == ("127.0.0.1", 0, "/alerts")
