"""The examples of docs/schedule.md: each is read as its reader would read it."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import yaml

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples" / "schedule"
FIELD = re.compile(r"(\*|\d+(-\d+)?)(/\d+)?(,(\*|\d+(-\d+)?)(/\d+)?)*")
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def test_every_example_is_named_on_the_page():
    page = (DOCS / "schedule.md").read_text()
    assert [path.name for path in EXAMPLES.iterdir() if f"examples/schedule/{path.name}" not in page] == []


def test_each_line_of_the_crontab_has_five_fields_a_user_and_a_command():
    lines = [line for line in (EXAMPLES / "gameday.cron").read_text().splitlines() if line and line[0] != "#"]
    jobs = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert len(jobs) == 2
    for job in jobs:
        *fields, user, command = job.split(None, 6)
        for field, (low, high) in zip(fields, BOUNDS, strict=True):
            assert FIELD.fullmatch(field)
            assert all(low <= int(number) <= high for number in re.findall(r"\d+", field))
        assert user == "gameday"
        assert "make " not in command
        assert "%" not in command, "cron takes it for the end of the command"
        subprocess.run(["sh", "-n", "-c", command], check=True, timeout=10)


def test_the_script_is_shell_keeps_the_exit_code_and_takes_a_lock():
    script = EXAMPLES / "game-day"
    subprocess.run(["sh", "-n", script], check=True, timeout=10)
    assert script.stat().st_mode & 0o111
    last = script.read_text().strip().splitlines()[-1]
    assert last.startswith("exec flock -n -E 75 ")
    assert "gameday run" in last


def test_the_script_gives_up_at_once_where_another_one_holds_the_lock(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    flock = folder / "flock"
    flock.write_text('#!/bin/sh\necho "$@"\nexit 75\n')
    flock.chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", "GAMEDAY_HOME": str(tmp_path)}
    ended = subprocess.run([EXAMPLES / "game-day", "drill.yaml", "staging.yaml"], env=env, capture_output=True,
                           text=True, timeout=10, check=False)  # fmt: skip
    assert ended.returncode == 75
    assert ended.stdout.split()[-6:] == ["run", "drill.yaml", "--target", "staging.yaml", "--runs", "runs"]


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((EXAMPLES / name).read_text())
    return parser


def test_the_service_halts_in_order_and_the_timer_names_it():
    service, timer = unit("gameday.service"), unit("gameday.timer")
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["ExecStart"].endswith("/game-day drill.yaml staging.yaml")
    assert service["Service"]["KillSignal"] == "SIGTERM"
    assert int(service["Service"]["TimeoutStopSec"]) > 120
    assert service["Service"]["EnvironmentFile"].startswith("/etc/")
    assert "Environment" not in service["Service"], "secrets are in a file"
    assert timer["Timer"]["Unit"] == "gameday.service"
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(,\w{3})* \d\d:\d\d", timer["Timer"]["OnCalendar"])
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_workflow_keeps_the_exit_code_and_uploads_whatever_happened():
    workflow = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())
    assert workflow[True]["schedule"][0]["cron"] == "15 10 * * 2,4"  # YAML 1.1 reads `on` as true
    assert workflow["concurrency"]["cancel-in-progress"] is False
    steps = workflow["jobs"]["game-day"]["steps"]
    (play,) = [step for step in steps if step.get("id") == "play"]
    assert "gameday run" in play["run"]
    assert "make" not in play["run"]
    assert play["run"].strip().endswith("exit $code")
    assert all("secrets." in value for name, value in play["env"].items() if name != "RUNBOOK")
    subprocess.run(["sh", "-n", "-c", play["run"]], check=True, timeout=10)
    after = steps[steps.index(play) + 1 :]
    assert all(step["if"] == "always()" for step in after)
    uploads = {step["uses"].partition("@")[0]: step["with"] for step in after if "uses" in step}
    assert uploads["actions/upload-artifact"]["path"] == "runs/latest/"
    assert uploads["mikepenz/action-junit-report"]["report_paths"] == "runs/latest/junit.xml"
    assert any("gameday heal" in step.get("run", "") for step in after)
