"""The plain load test, its rerun and Locust's own page, as a person plays them, against a server of the test's own."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from eventually import until
from marked_processes import MarkedProcesses
from small_platform import small_platform

from harness.journal import reader
from harness.journal.record import Window
from runbooks.commands.compare import compare
from runbooks.commands.history import history

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]
LOCUSTFILE = """
from locust import FastHttpUser, constant, tag, task

class Visitor(FastHttpUser):
    wait_time = constant(0.2)

    @tag("home")
    @task
    def home(self):
        self.client.get("/")

    @tag("other")
    @task
    def other(self):
        self.client.get("/other")
"""
BOOK = {
    "title": "A visit", "hypothesis": "The pages answer.",
    "load": {"locustfile": "locustfile.py", "users": 5, "spawn_rate": 5},
    "phases": {"warm_up": "1s", "baseline": "3s", "recovery": "0s"},
    "service_levels": [{"name": "home", "requests": "GET /", "p95": "5s"},
                       {"name": "other", "requests": "GET /other", "p95": "5s"}],
    "faults": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def platform() -> Iterator[str]:
    with small_platform() as address:
        yield f"http://{address}"


class Desk:
    """A folder with the inputs."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.folder = folder
        self.days = MarkedProcesses(folder)
        (folder / "locustfile.py").write_text(LOCUSTFILE)
        (folder / "book.yaml").write_text(yaml.safe_dump(BOOK))
        target = {"environment": "practice", "base_url": base_url, "allow": ["127.0.0.0/8"]}
        (folder / "target.yaml").write_text(yaml.safe_dump(target))

    def play(self, *words: str) -> tuple[int, str]:
        return self.end(self.days.start(*words))

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        said, _ = process.communicate(timeout=90)
        assert "Traceback" not in said
        assert self.days.living() == []
        return process.returncode, said

    @property
    def latest(self) -> Path:
        return self.folder / "runs" / "latest"

    @property
    def result(self) -> dict[str, object]:
        return json.loads((self.latest / "result.json").read_text())


@pytest.fixture
def desk(tmp_path: Path, platform: str) -> Iterator[Desk]:
    made = Desk(tmp_path, platform)
    yield made
    made.days.close()


def test_a_load_test_of_two_processes_gives_the_guides_report_and_can_be_found_again(desk: Desk) -> None:
    code, said = desk.play("load", "book.yaml", "--users", "10", "--spawn-rate", "10", "--run-time", "12s",
                           "--processes", "2", "--tags", "home", "--web-ui", "--target", "target.yaml")  # fmt: skip
    assert code == 0, said
    result, view = desk.result, reader.read(desk.latest)
    assert result["verdict"] == "held"
    assert [endpoint["name"] for endpoint in result["endpoints"]] == ["GET /"]
    answers = {criterion["text"].partition(" (")[0]: criterion["met"] for criterion in result["success_criteria"]}
    assert answers["every endpoint within its service level"] is True, "the level on /other is left out by the tags"
    assert answers["error rate at most 1%"] is True
    assert "yes     every endpoint within its service level" in said
    windows = [window for window in view.of(Window) if window.processes == 2]
    assert max(window.users for window in windows) == 10
    played = (desk.latest / "runbook.yaml").read_bytes()
    assert result["inputs"]["runbook.yaml"] == hashlib.sha256(played).hexdigest()
    assert yaml.safe_load(played)["load"]["processes"] == 2


def test_locusts_own_page_answers_and_its_stop_button_ends_the_run_as_a_person_would(desk: Desk) -> None:
    (desk.folder / "book.yaml").write_text(yaml.safe_dump({**BOOK, "phases": {"baseline": "60s", "recovery": "0s"}}))
    process = desk.days.start("run", "book.yaml", "--web-ui", "--target", "target.yaml")
    url = page_of(process)
    with urllib.request.urlopen(url, timeout=10) as page:
        assert b"locust" in page.read().lower()
    until(lambda: any(window.users == 5 for window in reader.read(desk.latest).of(Window)), 30)
    urllib.request.urlopen(urllib.request.Request(f"{url}/stop", method="POST"), timeout=10).close()
    code, said = desk.end(process)
    assert code == 11
    assert "STOPPED: the load was stopped on Locust's web page" in said


def page_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"web page: (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise AssertionError("".join(said))


def test_a_rerun_plays_the_same_again_from_the_copies_and_puts_both_side_by_side(desk: Desk) -> None:
    code, said = desk.play("run", "book.yaml", "--target", "target.yaml")
    assert code == 0, said
    first = desk.latest.resolve().name
    (desk.folder / "book.yaml").write_text("title: another\n")
    code, said = desk.play("rerun")
    assert code == 0, said
    assert "book.yaml has changed since: playing the run folder's copy" in said
    compared = desk.result["compared_with"]
    assert compared["run"] == first
    assert [(level["name"], level["phase"]) for level in compared["levels"]] == [("home", "baseline"),
                                                                                 ("other", "baseline")]  # fmt: skip
    assert all(level["change"] in ("no clear change", "better", "worse") for level in compared["levels"])
    assert not any("Locust file" in difference for difference in compared["differences"])
    for name in ("report.md", "report.html"):
        assert "Compared with" in (desk.latest / name).read_text()
    runs = ("--runs", str(desk.folder / "runs"))
    side_by_side = CliRunner().invoke(compare, [first, "latest", "--json", *runs])
    assert json.loads(side_by_side.output)["levels"] == compared["levels"]
    assert CliRunner().invoke(history, [*runs]).output.count("held") == 2
