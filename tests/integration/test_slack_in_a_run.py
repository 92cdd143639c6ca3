"""A game day whose Slack is well, down, slow or refusing: the halt and the exit code are the same, and it is told."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import yaml
from fake_slack import FakeSlack

from harness.clock import boot_s
from harness.journal import reader
from harness.journal.record import Notified
from harness.notify.slack import AFTER_SILENCE_S
from runbooks.game_day import SLACK_S
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
SCENARIO = Path(__file__).parents[2] / "runbooks" / "scenarios" / "crowdfund.py"
TOKEN = "xoxb-practice-0123456789"
CANARY = "canary-4711-hunter2"
"""In every secret that is planted: whoever shows it, shows a secret."""
PLANTED = (
    f"OperationalError: could not connect to postgresql://crowdfund:{CANARY}-dsn@10.0.0.5:5432/shop",
    f"request to /login?password={CANARY}-query&next=%2F headers Authorization: Bearer {CANARY}-bearer",
    f"Set-Cookie: sessionid={CANARY}-cookie; HttpOnly",
    f"Traceback settings: SECRET_KEY = 'django-insecure-{CANARY}', DATABASE_PASSWORD = '{CANARY}-settings'",
    f"Enter passphrase: passphrase={CANARY}-key",
    f'{{"level": "ERROR", "client_secret": "{CANARY}-json"}}',
    # known values, in forms that have no shape of their own
    f"callback {quote(CANARY + '/known?', safe='')} and {base64.b64encode(f'app:{CANARY}/known?'.encode()).decode()}",
)
LOOK_ALIKE = "token bucket refilled, commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
AFTERMATH_S = 4.0  # collecting, analysing and writing between the halt and the last message


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.up(owned=True, deadline_s=30) as box:
        yield box


@pytest.fixture
def slack(slack: FakeSlack) -> FakeSlack:
    slack.tokens[TOKEN] = ""
    return slack


@dataclass(frozen=True)
class Played:
    """A run that has ended; `result` is its result.json, `sent` its slack.jsonl."""

    exit_code: int
    output: str
    lasted_s: float
    folder: Path
    result: dict[str, Any]
    sent: list[dict[str, Any]]

    def notified(self) -> dict[str, Notified]:
        return {record.what: record for record in reader.read(self.folder).of(Notified)}


def play(
    folder: Path, target: Path, slack_url: str, token: str = TOKEN, watch: Callable[[int], object] = lambda pid: None
) -> Played:
    """A short game day that runs out of connections and stops; its title would call everyone, and has a secret."""
    runbook = {
        "title": f"Out of connections <!channel> & <@U0123456> with {TOKEN}",
        "hypothesis": "The platform stays within its service levels.",
        "expect": "stopped",
        "load": {"locustfile": str(SCENARIO), "tags": ["investment"], "users": 40, "spawn_rate": 40},
        "phases": {"warm_up": "1s", "baseline": "3s", "recovery": "1s"},
        "service_levels": [{"name": "api", "requests": "* /api/v1/*", "p95": "2500ms"}],
        "faults": [{"name": "held", "kind": "pool-exhaustion", "proxy": "postgres", "at": "0s", "for": "20s"}],
        "stop_when": [{"condition": "error_rate", "above": "1%"}],
        "emergency": {"collect": ["app-1"]},
        "notify": {"slack": "#game-day"},
    }
    (folder / "book.yaml").write_text(yaml.safe_dump(runbook))
    command = [sys.executable, "-P", "-c", "from runbooks.cli import main; main()"]
    command += ["run", "book.yaml", "--target", str(target)]
    env = os.environ | {
        "SLACK_BOT_TOKEN": token,
        "GAMEDAY_SLACK_URL": slack_url,
        "CANARY": quote(f"{CANARY}/known?", safe=""),
    }
    begun = boot_s()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True) as process:
        watch(process.pid)
        output, _ = process.communicate(timeout=80)
    lasted_s, run = boot_s() - begun, (folder / "runs" / "latest").resolve()
    outbox = run / "slack.jsonl"
    assert outbox.exists(), output
    return Played(
        exit_code=process.returncode,
        output=output,
        lasted_s=lasted_s,
        folder=run,
        result=json.loads((run / "result.json").read_text()),
        sent=[json.loads(line) for line in outbox.read_text().splitlines()],
    )


class CommandLines:
    """Every command line of a process and its descendants, as `ps` would show it to anybody."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._root: psutil.Process | None = None
        self._over = threading.Event()

    def of(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    @contextmanager
    def read(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.3):
            with suppress(psutil.Error):
                root = self._root
                for process in [root, *root.children(recursive=True)] if root else []:
                    self.seen.add(" ".join(process.cmdline()))


@contextmanager
def planted(sandbox: Sandbox) -> Iterator[Path]:
    """The sandbox's target with a password in its DSN, by reference; the application's log gets secrets."""
    target = yaml.safe_load(sandbox.target.read_text())
    target["databases"]["main"]["dsn"] = target["databases"]["main"]["dsn"].replace("@", ":${CANARY}@", 1)
    path = sandbox.folder / "planted.yaml"
    path.write_text(yaml.safe_dump(target))
    [log] = [Path(name) for name in target["hosts"]["app-1"]["logs"] if "application" in name]
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.5):
            with log.open("a") as lines:
                lines.writelines(f"{line}\n" for line in (*PLANTED, LOOK_ALIKE))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield path
    finally:
        over.set()
        thread.join()


def assert_halted_the_same(played: Played) -> None:
    """Whatever Slack does: the halt under 1 s, the exit code of the stop, and an end within Slack's deadlines."""
    stop = played.result["stop"]
    assert played.exit_code == 0, played.output
    assert "Traceback" not in played.output
    assert (played.result["verdict"], stop["condition"]) == ("stopped", "error_rate")
    assert max(stop["healed_at"], stop["load_stopped_at"]) - stop["breach_at"] < 1.0
    assert played.result["evidence"]["complete"] is True
    assert [f["cause"] for f in played.result["findings"]][:1] == ["pool-exhaustion"]
    told_at_s = max(message.t for message in played.notified().values())
    assert told_at_s - stop["load_stopped_at"] < SLACK_S + AFTER_SILENCE_S + AFTERMATH_S
    assert played.lasted_s - told_at_s < 40.0, "the reports, and nothing that still waits for Slack"
    for name in ("incident.md", "report.md", "report.html", "junit.xml"):
        assert (played.folder / name).stat().st_size > 0


def notifications(played: Played) -> dict[str, tuple[bool, str]]:
    """Of result.json: whether each message was delivered, and why not."""
    return {n["what"]: (n["delivered"], n["error"]) for n in played.result["notifications"]}


def test_a_busy_slack_gets_the_halt_when_it_asked_for_it_and_the_summary_in_its_thread_without_secrets_or_mentions(
    tmp_path, sandbox, slack
):
    slack.serves()  # preflight's question
    slack.is_busy("1")
    lines = CommandLines()
    with lines.read(), planted(sandbox) as target:
        played = play(tmp_path, target, slack.url, watch=lines.of)
    assert_halted_the_same(played)
    assert notifications(played) == {"halt": (True, ""), "summary": (True, "")}
    assert [message.attempts for message in played.notified().values()] == [2, 1]
    halt, summary = slack.posted
    assert summary["thread_ts"] == halt["ts"]
    assert "Stopped by itself" in halt["text"]
    assert "pool-exhaustion" in summary["text"]
    assert (slack.refused, slack.mentions, slack.truncated) == ([], [], 0)
    assert TOKEN not in json.dumps(slack.posted)
    assert "postgresql://" not in json.dumps(slack.posted)
    said = [{key: line[key] for key in ("text", "blocks", "ts")} for line in played.sent]
    assert said == [{key: message[key] for key in ("text", "blocks", "ts")} for message in slack.posted]
    shown = {str(p.relative_to(played.folder)): p.read_bytes() for p in played.folder.rglob("*") if p.is_file()}
    shown |= {"the terminal": played.output.encode(), "Slack": json.dumps(slack.posted).encode()}
    shown |= {"command lines": "\n".join(lines.seen).encode()}
    assert any("locust_entry" in line for line in lines.seen), "nothing was looked at"
    for secret in (TOKEN, CANARY, base64.b64encode(f"app:{CANARY}".encode()).decode()[:16]):
        assert [name for name, content in shown.items() if secret.encode() in content] == []
    assert any(LOOK_ALIKE.encode() in content for content in shown.values()), "a look-alike stays readable"


def test_a_slack_that_is_down_costs_no_more_than_its_deadlines_and_is_told(tmp_path, sandbox):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    played = play(tmp_path, sandbox.target, f"http://127.0.0.1:{port}/api/")
    assert_halted_the_same(played)
    told = notifications(played)
    assert list(told) == ["halt", "summary"]
    assert all(not delivered and "Connection refused" in error for delivered, error in told.values()), told
    assert [line["delivered"] for line in played.sent] == [False, False]
    assert "not posted to #game-day: Slack could not be reached" in played.output


def test_a_slack_that_hangs_and_then_takes_the_token_back_is_told_with_its_mend(tmp_path, sandbox, slack):
    slack.serves()  # preflight's question
    slack.hangs()
    slack.refuses("invalid_auth")
    played = play(tmp_path, sandbox.target, slack.url)
    assert_halted_the_same(played)
    told = notifications(played)
    assert told["halt"] == (False, f"no answer from Slack within {SLACK_S:g} s: it may have been delivered")
    assert told["summary"][0] is False
    assert told["summary"][1].startswith("invalid_auth: copy the app's Bot User OAuth Token")
    assert [message.attempts for message in played.notified().values()] == [1, 1]
    assert [line["thread_ts"] for line in played.sent] == [None, None]
    assert "the summary not posted to #game-day: invalid_auth" in played.output
