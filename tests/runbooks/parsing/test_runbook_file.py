"""What a runbook may say, and what each slip is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis.service_level import ReadingLevel, RequestLevel
from harness.guard.error_rate import ErrorRate, ErrorRateOver
from harness.guard.percentile import Percentile
from harness.guard.reading import ReadingLimit

if TYPE_CHECKING:
    from conftest import Desk

API = '{name: api, requests: "* /api/v1/*", p95: 200ms, error_rate: 1%}'
CPU = "{name: cpu, reading: app-1.cpu, max: 90%}"
SLOW = "{name: slow database, kind: latency, proxy: postgres, latency: 50ms, jitter: 10ms, at: 0s, for: 20s}"
EMPTY = "{name: no connections, kind: pool-exhaustion, proxy: postgres, at: 25s, for: 30s}"
RATE = "{condition: error_rate, above: 1%}"
P95 = "{condition: p95, of: api, above: 2s, over: 5s}"
READING = "{condition: reading, of: app-1.cpu, above: 97%, over: 20s}"
LOAD = "tags: [investment, payment], users: 100, spawn_rate: 20, args: []"


@pytest.mark.parametrize(
    ("old", "new", "defect"),
    [
        ("expect: stopped", "expect: stoped", "4: expect: unknown 'stoped' (did you mean 'stopped'?)"),
        ("expect: stopped", "expect: invalid", "4: expect: unknown 'invalid' (there is: deviated, held, stopped)"),
        ("title: Investors", "title: ''\n#", "2: title: is empty"),
        (LOAD, "users: -5", "5: load.users: must be more than 0"),
        (LOAD, "users: true", "5: load.users: must be a number"),
        (LOAD, "users: 1.5", "5: load.users: must be a whole number"),
        (LOAD, "spawn_rate: fast", "5: load.spawn_rate: must be a number"),
        (LOAD, "users: 1000001", "5: load.users: must be at most 1000000"),
        (LOAD, 'users: "1000001"', "5: load.users: must be at most 1000000"),
        (LOAD, "spawn_rate: 1e9", "5: load.spawn_rate: must be at most 1000000"),
        (LOAD, "user: 5", "5: unknown key 'user' (did you mean 'users'?)"),
        (LOAD, "tags: investment", "5: load.tags: must be a list (write [one, two] or a line with `- ` for each)"),
        (LOAD, "tags: [a, b], exclude_tags: [b]", "5: the tag 'b' is asked for and excluded (choose one)"),
        (LOAD, "args: [--users=7]", "5: the argument '--users=7' is not for args (write it as load.users)"),
        ("warm_up: 10s", "warm_up: 10", "6: phases.warm_up: a duration needs a unit: 10s or 10ms?"),
        ("warm_up: 10s", "warm_up: -10s", "6: phases.warm_up: a duration can't be negative: -10s"),
        ("warm_up: 10s", "warm_up: 24h1s", "6: phases.warm_up: must be at most 24h"),
        ("baseline: 15s", "baseline: 99999999h", "6: phases.baseline: must be at most 24h"),
        ("recovery: 20s", "recovery: 25h", "6: phases.recovery: must be at most 24h"),
        ("recovery: 20s", "recovery: 20s, faults: 25h", "6: phases.faults: must be at most 24h"),
        ("baseline: 15s", "baseline: 0s", "6: phases.baseline: must be longer than 0s"),
        ("recovery: 20s", "recovery: 0s", "6: without a recovery phase nobody sees the faults go (write 20s)"),
        (
            "recovery: 20s",
            "recovery: 20s, faults: 54s",
            "15: the fault 'no connections' ends at 55 s, past the faults phase",
        ),
        (
            "expect: stopped",
            "expect: stopped\nrecover_within: 30s",
            "5: recover_within is longer than the recovery phase",
        ),
        (
            API,
            "{name: api, requests: /api/v1/*, p95: 1s}",
            "8: '/api/v1/*' has no method (write \"METHOD name\", such as",
        ),
        (API, '{name: api, requests: "get /x", p95: 1s}', "8: 'get /x': Locust names methods in capitals"),
        (API, '{name: api, requests: "GET http://x/y", p95: 1s}', "8: 'GET http://x/y' is a web address"),
        (API, '{name: api, requests: "* /api/*"}', "8: a service level without a limit (add one of: p50, p95, p99,"),
        (
            API,
            '{name: api, requests: "* *", p95: 200}',
            "8: service_levels.p95: a duration needs a unit: 200s or 200ms?",
        ),
        (API, '{name: api, requests: "* *", error_rate: 1}', "8: service_levels.error_rate: 1 is ambiguous (write 1%"),
        (API, '{name: api, requests: "* *", error_rate: 101%}', "8: service_levels.error_rate: 101% is no share"),
        (API, '{name: api, request: "* *", p95: 1s}', "8: a service level on nothing (did you mean 'requests'?)"),
        (
            CPU,
            "{name: api, reading: app-1.cpu, max: 90%}",
            "11: a second service level named 'api' (the first is in line 8",
        ),
        (
            CPU,
            "{name: cpu, reading: app-1.cpu, max: 90}",
            "11: max: cpu is a share between 0% and 100%, and 90 is more",
        ),
        (
            CPU,
            "{name: cpu, reading: app-9.cpu, max: 90%}",
            "11: 'app-9.cpu': unknown source 'app-9' (did you mean 'app-1'",
        ),
        (
            CPU,
            "{name: cpu, reading: app-1.cpus_, max: 9}",
            "11: unknown reading 'cpus_' of app-1 (did you mean 'cpus'?)",
        ),
        (CPU, "{name: cpu, reading: cpu, max: 90%}", "11: 'cpu' names no source"),
        (CPU, "{name: cpu, reading: app-1.load, max: 1, min: 2}", "11: min is above max (swap them)"),
        (CPU, "{name: cpu, reading: app-1.load, max: lots}", "11: service_levels.max: 'lots' is no value of a reading"),
        ("database: main", "database: mian", "12: unknown database 'mian' (did you mean 'main'?)"),
        ("equals: 0", "equals: [0]", "12: query.equals: must be one value"),
        (SLOW, SLOW.replace("latency, ", "latncy, ", 1), "14: unknown fault kind 'latncy' (did you mean 'latency'?)"),
        (
            SLOW,
            SLOW.replace("jitter", "jiter"),
            "14: unknown key 'jiter' of the fault kind 'latency' (did you mean 'jit",
        ),
        (
            SLOW,
            SLOW.replace("proxy: postgres", "proxy: postgers"),
            "14: unknown proxy 'postgers' (did you mean 'postgr",
        ),
        (
            SLOW,
            SLOW.replace("proxy: postgres", "proxy: kafka"),
            "14: unknown proxy 'kafka' (the target's proxies are: p",
        ),
        (SLOW, SLOW.replace("50ms", "-50ms"), "14: faults.latency: a duration can't be negative: -50ms"),
        (SLOW, SLOW.replace("latency: 50ms, ", ""), "14: the key 'latency' is missing (add latency: ...)"),
        (SLOW, SLOW.replace(", for: 20s", ""), "14: the key 'for' is missing (add for: ...)"),
        (SLOW, SLOW.replace("for: 20s", "for: 0s"), "14: faults.for: must be longer than 0s"),
        (SLOW, SLOW.replace("for: 20s", "for: 99999999h"), "14: faults.for: must be at most 24h"),
        (SLOW, SLOW.replace("at: 0s", "at: 25h"), "14: faults.at: must be at most 24h"),
        (
            SLOW,
            SLOW.replace("at: 0s, for: 20s", "at: 20h, for: 20h"),
            "14: the fault 'slow database' ends 40 h after the start of the faults phase (a phase lasts at most 24h)",
        ),
        (SLOW, SLOW.replace("at: 0s", "at: -1s"), "14: faults.at: a duration can't be negative: -1s"),
        (SLOW, SLOW.replace("name: slow database, ", ""), "14: the key 'name' is missing (add name: ...)"),
        (
            EMPTY,
            EMPTY.replace("no connections", "slow database"),
            "15: a second fault named 'slow database' (the first",
        ),
        (RATE, "{condition: errors, above: 1%}", "17: unknown condition 'errors' (did you mean 'error_rate'?)"),
        (RATE, "{above: 1%}", "17: a stop condition without its kind (add condition: error_rate, p50,"),
        (RATE, "{condition: error_rate, above: 0%}", "17: above: must lie between 0% and 100% (write 1%)"),
        (
            RATE,
            "{condition: error_rate, above: 1%, kinds: [htp]}",
            "17: stop_when.kinds: unknown 'htp' (did you mean 'http'?)",
        ),
        (RATE, "{condition: error_rate, above: 1%, min_requests: 5}", "17: min_requests goes with over"),
        (P95, P95.replace("of: api", "of: apis"), "18: unknown group of requests 'apis' (did you mean 'api'?)"),
        (P95, P95.replace("of: api", "of: cpu"), "18: the service level 'cpu' is not on requests"),
        (P95, P95.replace(", over: 5s", ""), "18: the key 'over' is missing"),
        (READING, READING.replace("above: 97%, ", ""), "20: a reading is limited either above or below"),
        (
            READING,
            READING.replace("97%", "97"),
            "20: above: cpu is a share between 0% and 100%, and 97 is more (write 97%)",
        ),
        (READING, READING.replace("app-1", "database.maim"), "20: 'database.maim.cpu': unknown source 'database.maim'"),
        ("[app-1, db-1]", "[app-1, db-2]", "22: unknown host 'db-2' (did you mean 'db-1'?)"),
        ("host: app-1, run", "host: web, run", "23: unknown host 'web' (the target's hosts are: app-1, db-1)"),
        ("when: asked", "when: always", "23: rollback.when: unknown 'always' (there is: asked, not-held, stopped)"),
        (
            'notify: {slack: "#game-day"}',
            "notify:\n  slack: #game-day",
            "25: notify.slack: has no value (put text that begins",
        ),
        ('"#game-day"', '"game day"', "24: notify.slack: "),
        ("emergency:\n", "emergency: {}\nemergenzy:\n", "22: unknown key 'emergenzy' (did you mean 'emergency'?)"),
    ],
)
def test_each_slip_is_told_with_its_line_and_a_mend(desk: Desk, old: str, new: str, defect: str) -> None:
    desk.change_runbook(old, new)

    said = [d.removeprefix("drill.yaml:") for d in desk.defects()]

    assert any(d.startswith(defect) for d in said), said


def test_a_day_and_a_million_users_are_still_taken(desk: Desk) -> None:
    desk.change_runbook(LOAD, "users: 1000000, spawn_rate: 1000000")
    desk.change_runbook("at: 0s, for: 20s", "at: 0s, for: 24h")
    desk.change_runbook("baseline: 15s", "baseline: 24h")

    runbook, _ = desk.load()

    assert (runbook.load.users, runbook.faults_s, runbook.phases.baseline_s) == (1_000_000, 86_400.0, 86_400.0)


def test_a_list_written_as_something_else_is_one_defect(desk: Desk) -> None:
    desk.change_runbook("faults:\n", "faults: none\nfaultz:\n")

    assert any("faults: must be a list" in d for d in desk.defects())


def test_without_stop_when_an_error_rate_above_one_percent_stops(desk: Desk) -> None:
    text = desk.runbook_path.read_text()
    start, end = text.index("stop_when:"), text.index("emergency:")
    desk.runbook_path.write_text(text[:start] + text[end:])

    assert desk.load()[0].stop_when == (ErrorRate(above=0.01),)


def test_an_empty_stop_when_is_meant_and_contradicts_an_expected_stop(desk: Desk) -> None:
    text = desk.runbook_path.read_text()
    start, end = text.index("stop_when:"), text.index("emergency:")
    desk.runbook_path.write_text(text[:start] + "stop_when: []\n" + text[end:])
    [defect] = desk.defects()
    assert "the run is expected to stop, and nothing can stop it" in defect

    desk.change_runbook("expect: stopped", "expect: deviated")
    assert desk.load()[0].stop_when == ()


def test_a_plain_load_needs_little(desk: Desk) -> None:
    desk.runbook_path.write_text(
        "title: t\nhypothesis: h\nload: {locustfile: ../scenarios/crowdfund.py}\nphases: {faults: 1m}\n"
        'service_levels: [{name: all, requests: "*", error_rate: 1%}]\n'
    )

    runbook, _ = desk.load()

    assert (runbook.expect, runbook.faults, runbook.faults_s, runbook.slack_channel) == ("held", (), 60.0, "")
    assert (runbook.phases.warm_up_s, runbook.phases.baseline_s, runbook.phases.recovery_s) == (10.0, 15.0, 20.0)
    assert (runbook.load.users, runbook.load.spawn_rate) == (None, None)
    assert runbook.collect == ("app-1", "db-1", "containers")


def test_collecting_from_nobody_must_be_said(desk: Desk) -> None:
    desk.change_runbook("collect: [app-1, db-1]", "collect: []")

    assert desk.load()[0].collect == ()


def test_all_limits_and_conditions_are_read(desk: Desk) -> None:
    desk.change_runbook(
        API, '{name: api, requests: "* *", p50: 1s, p95: 2s, p99: 3s, mean: 4s, max: 5s, error_rate: 0.5%}'
    )
    desk.change_runbook(CPU, "{name: cpu, reading: database.main.longest_transaction_s, max: 5s, min: 0}")
    desk.change_runbook(
        RATE, "{condition: error_rate, above: 5%, of: api, kinds: [timeout], over: 3s, min_requests: 9}"
    )
    desk.change_runbook(P95, '{condition: p99, of: "GET /x", above: 2s, over: 5s, min_requests: 7}')
    desk.change_runbook(READING, "{condition: reading, of: cache.main.hit_rate, below: 50%, over: 20s}")

    runbook, _ = desk.load()

    assert runbook.service_levels[0] == RequestLevel("api", "* *", 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 0.005)
    assert runbook.service_levels[3] == ReadingLevel("cpu", "database.main.longest_transaction_s", 5.0, 0.0)
    assert runbook.stop_when[0] == ErrorRateOver(0.05, 3.0, "* *", frozenset({"timeout"}), 9)
    assert runbook.stop_when[1] == Percentile(0.99, "GET /x", 2000.0, 5.0, 7)
    assert runbook.stop_when[3] == ReadingLimit("cache.main.hit_rate", None, 0.5, 20.0)


def test_a_condition_on_a_level_with_a_defect_is_no_second_defect(desk: Desk) -> None:
    desk.change_runbook("p95: 200ms", "p95: 200")

    assert len(desk.defects()) == 1


def test_a_locust_file_that_can_t_be_compiled_is_a_defect_with_its_own_line(desk: Desk) -> None:
    (desk.folder / "scenarios" / "crowdfund.py").write_text("import os\ndef broken(:\n")

    [defect] = desk.defects()
    assert "drill.yaml:5: the Locust file can't be compiled: invalid syntax in " in defect
    assert "crowdfund.py:2" in defect


def test_a_locust_file_is_never_run_to_read_the_runbook(desk: Desk) -> None:
    (desk.folder / "scenarios" / "crowdfund.py").write_text("raise SystemExit('imported')\n")

    assert desk.load()


def test_a_folder_is_no_locust_file(desk: Desk) -> None:
    desk.change_runbook("../scenarios/crowdfund.py", "../scenarios")

    [defect] = desk.defects()
    assert "'../scenarios' is a folder" in defect
