"""A rerun plays the originals where they are what was played, else the run folder's copies, and says so."""

from __future__ import annotations

import pytest
import yaml

from harness.clock import Clock
from harness.errors import BadInput
from harness.journal.writer import Journal
from harness.redaction import Redactor
from runbooks.game_day import Inputs
from runbooks.parsing.inputs import load_inputs
from runbooks.provenance import with_provenance
from runbooks.replay import Replay
from runbooks.run_folder import RunFolder
from runbooks.run_started import run_started

BOOK = {
    "title": "A load", "hypothesis": "It holds.", "load": {"locustfile": "scenarios/visitor.py", "users": 5},
    "phases": {"recovery": 0}, "service_levels": [{"name": "home", "requests": "GET /", "p95": "5s"}], "faults": [],
}  # fmt: skip
TARGET = {"environment": "practice", "base_url": "http://127.0.0.1:1", "allow": ["127.0.0.0/8"]}


class Place:
    """A project's files, and a run that was played with them."""

    def __init__(self, folder):
        self.folder = folder
        self.book, self.target = folder / "book.yaml", folder / "target.yaml"
        self.locustfile = folder / "scenarios" / "visitor.py"
        self.locustfile.parent.mkdir()
        self.locustfile.write_text("# a Locust file\n")
        self.book.write_text(yaml.safe_dump(BOOK))
        self.target.write_text(yaml.safe_dump(TARGET))
        self.said = []

    def played(self, *, composed=False, secrets=()):
        runbook, target = load_inputs(self.book, self.target)
        clock = Clock.start()
        run = RunFolder.create(self.folder / "runs", runbook, target, clock, Redactor(secrets))
        started = run_started(runbook, target, run, clock, ("book.yaml", "target.yaml"))
        with Journal(run.path / "journal", "conductor", clock) as journal:
            journal.write(with_provenance(started, runbook, target, composed=composed))
        return run.path

    def replayed(self, run) -> Inputs:
        return Replay(run).inputs(self.target, self.said.append)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_what_has_not_changed_is_played_from_where_it_lies(place, monkeypatch, tmp_path):
    run = place.played()
    monkeypatch.chdir("/")
    inputs = place.replayed(run)
    assert place.said == []
    assert inputs.runbook.path == place.book
    assert inputs.runbook.load.locustfile == place.locustfile
    assert inputs.compare_with == run


def test_a_runbook_that_has_changed_is_played_as_it_was_with_its_own_locust_file(place):
    run = place.played()
    place.book.write_text(yaml.safe_dump({**BOOK, "title": "Another"}))
    inputs = place.replayed(run)
    assert inputs.runbook.title == "A load"
    assert inputs.runbook.load.locustfile == place.locustfile
    assert place.said == [f"{place.book} has changed since: playing the run folder's copy"]


def test_what_is_gone_is_played_from_the_copies(place):
    run = place.played()
    for path in (place.book, place.target, place.locustfile):
        path.unlink()
    inputs = place.replayed(run)
    assert inputs.runbook.load.locustfile == run / "visitor.py"
    assert inputs.target.base_url == "http://127.0.0.1:1"
    assert [line.partition(": ")[0] for line in place.said] == [
        f"{path} is gone" for path in (place.target, place.book, place.locustfile)
    ]


def test_a_changed_locust_file_alone_is_played_as_it_was(place):
    run = place.played()
    place.locustfile.write_text("# another\n")
    inputs = place.replayed(run)
    assert inputs.runbook.path == place.book
    assert inputs.runbook.load.locustfile == run / "visitor.py"


def test_a_runbook_that_was_made_for_the_run_is_always_the_copy(place):
    run = place.played(composed=True)
    place.book.write_text(yaml.safe_dump({**BOOK, "title": "What it was made of"}))
    inputs = place.replayed(run)
    assert (inputs.runbook.title, place.said) == ("A load", [])


def test_a_copy_without_its_secrets_is_not_played(place):
    place.locustfile.write_text("PASSWORD = 'correct-horse-battery'\n")
    run = place.played(secrets=("correct-horse-battery",))
    place.locustfile.unlink()
    with pytest.raises(BadInput, match="its copy is not what was played"):
        place.replayed(run)


def test_a_reference_is_resolved_anew(place, monkeypatch):
    place.target.write_text(yaml.safe_dump({**TARGET, "databases": {"main": {"dsn": "${GAMEDAY_TEST_DSN}"}}}))
    monkeypatch.setenv("GAMEDAY_TEST_DSN", "postgresql://a@127.0.0.1/then")
    run = place.played()
    place.target.unlink()
    monkeypatch.setenv("GAMEDAY_TEST_DSN", "postgresql://a@127.0.0.1/now")
    assert place.replayed(run).target.databases["main"].dsn.value.endswith("/now")


def test_a_run_without_a_start_can_not_be_played_again(tmp_path):
    with pytest.raises(BadInput, match="holds no start of a run"):
        Replay(tmp_path)
