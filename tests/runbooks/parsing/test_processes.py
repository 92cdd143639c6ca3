"""The processes that a target has watched, and the readings that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Desk

HOST = "commands: [df -h]}"
READING = "reading: app-1.cpu, max: 90%"


def watch(desk: Desk, processes: str) -> None:
    desk.change_target(HOST, f"commands: [df -h], processes: {processes}}}")


def test_patterns_are_read_by_name(desk: Desk) -> None:
    watch(desk, '{crowdfund: "gunicorn*crowdfund", nginx: nginx}')
    assert desk.load()[1].hosts["app-1"].processes == {"crowdfund": "gunicorn*crowdfund", "nginx": "nginx"}


@pytest.mark.parametrize(
    ("processes", "defect"),
    [
        ("{a.b: gunicorn}", "'a.b' is no name for a process (use letters, digits, '-' and '_')"),
        ('{web: "*"}', "the pattern '*' is in too many command lines"),
        ('{web: "a b"}', "the pattern 'a b' is in too many command lines"),
        ('{web: "gunicorn\\ncrowdfund"}', "the pattern of 'web' is no text of one line"),
        ('{web: "gunicorn\\0"}', "a sign that no text holds (NUL or half a character)"),
        (f"{{web: {'x' * 301}}}", "the pattern of 'web' is no text of one line"),
        ('{web: ""}', "is empty"),
        ("{web: [gunicorn]}", "must be text"),
        ("gunicorn", "processes"),
    ],
)
def test_each_slip_is_told_with_its_line(desk: Desk, processes: str, defect: str) -> None:
    watch(desk, processes)
    [line, *_] = desk.defects()
    assert line.startswith("target.yaml:13: ")
    assert defect in line


def test_a_process_and_a_host_of_one_name_are_told(desk: Desk) -> None:
    watch(desk, "{web: gunicorn}")
    desk.change_target("  db-1: {ssh:", "  app-1.web: {ssh: deploy@127.0.0.1:2224}\n  db-1: {ssh:")
    assert "'app-1.web' is the name of a host too (give the process another name)" in desk.defects()[0]


@pytest.mark.parametrize("name", ["cpu", "memory_bytes", "io_waiting", "oldest_age_s"])
def test_a_level_may_look_at_a_process(desk: Desk, name: str) -> None:
    watch(desk, "{web: gunicorn}")
    desk.change_runbook(READING, f"reading: app-1.web.{name}, max: 1")
    assert desk.load()[0].service_levels


def test_an_unknown_source_is_one_defect_and_not_two(desk: Desk) -> None:
    watch(desk, "{web: gunicorn}")
    desk.change_runbook(READING, "reading: app-1.wbe.memory_bytes, max: 1")
    assert len(desk.defects()) == 1


@pytest.mark.parametrize(
    ("reading", "defect"),
    [
        ("app-1.wbe.cpu", "unknown source 'app-1.wbe' (did you mean 'app-1.web'?)"),
        ("app-1.web.cpus", "unknown reading 'cpus' of app-1.web (did you mean 'cpu'?)"),
        ("app-1.web.steal", "unknown reading 'steal' of app-1.web"),
        ("app-1.io_presure", "unknown reading 'io_presure' of app-1 (did you mean 'io_pressure'?)"),
        ("app-1.threads", "unknown reading 'threads' of app-1"),
    ],
)
def test_an_unknown_reading_of_one_is_told(desk: Desk, reading: str, defect: str) -> None:
    watch(desk, "{web: gunicorn}")
    desk.change_runbook(READING, f"reading: {reading}, max: 1")
    assert any(defect in line for line in desk.defects())


@pytest.mark.parametrize("reading", ["app-1.io_pressure", "app-1.web.busiest_thread", "app-1.network"])
def test_a_share_above_one_is_told(desk: Desk, reading: str) -> None:
    watch(desk, "{web: gunicorn}")
    desk.change_runbook(READING, f"reading: {reading}, max: 90")
    assert any("is a share between 0% and 100%" in line for line in desk.defects())
