"""The rollback plan with hand-made places: in order, stopped by a failure, told, kept as evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.clock import Clock
from harness.errors import JournalFailed, ReachTimeout, Refused
from harness.evidence.bundle import Bundle
from harness.journal import reader
from harness.journal.plan import PlannedRollback
from harness.journal.reader import JournalView
from harness.journal.record import (
    EvidenceCollected,
    PhaseStarted,
    Record,
    RollbackRan,
    RollbackStarted,
    RunStarted,
    StopDecided,
    StopSource,
    VerdictReached,
)
from harness.journal.writer import Journal
from harness.reach.remote_command import CommandResult
from harness.redaction import Redactor
from harness.report import result, rollback
from runbooks.commands.rollback import rollback as command
from runbooks.process import ProcessId
from runbooks.rollback import Scribe, by_itself, roll_back

PLAN = (
    PlannedRollback(host="app-1", run="restart", ssh="deploy@app-1"),
    PlannedRollback(container="api", run="undo", when="stopped"),
    PlannedRollback(run="tell", when="not-held", name="tell the team"),
)
STARTED = RunStarted(
    run="r1", version="1", started_at="2026-01-01T00:00:00+00:00", runbook="t", runbook_path="r.yaml", hypothesis="h",
    expect="held", target="t", target_path="t.yaml", environment="practice", base_url="http://127.0.0.1",
    rollback=PLAN, allow=("127.0.0.0/8",),
)  # fmt: skip


class Places:
    """Answers each command as told; a command that is not told of succeeds in silence."""

    def __init__(self, **answers: CommandResult | Exception) -> None:
        self._answers = answers
        self.ran: list[str] = []

    def run(self, step: PlannedRollback) -> CommandResult:
        self.ran.append(f"{step.where}: {step.run}")
        answer = self._answers.get(step.run, CommandResult(b"", b"", 0))
        if isinstance(answer, Exception):
            raise answer
        return answer


def play(
    folder: Path, places: Places, *, keep_going: bool = False, plan: tuple[PlannedRollback, ...] = PLAN
) -> tuple[list[Record], tuple[RollbackRan, ...]]:
    told: list[Record] = []
    scribe = Scribe(folder, Redactor(), told.append, Clock.start())
    steps = tuple(enumerate(plan, start=1))
    return told, roll_back(steps, places.run, scribe, by="ada", keep_going=keep_going)


def test_steps_run_in_their_order_and_their_output_is_evidence(tmp_path: Path) -> None:
    places = Places(restart=CommandResult(b"up again, password=hunter2222\n", b"warned\n", 0))

    told, done = play(tmp_path, places)

    assert places.ran == ["app-1: restart", "api: undo", "here: tell"]
    assert all(ran.ok and ran.by == "ada" for ran in done)
    assert isinstance(told[0], RollbackStarted)
    assert told[0].steps == (1, 2, 3)
    text = (tmp_path / done[0].output).read_text()
    assert "up again, password=[redacted]" in text
    assert "warned" in text
    collected = told[-1]
    assert isinstance(collected, EvidenceCollected)
    assert {f.source for f in collected.files} == {"rollback"}


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (CommandResult(b"", b"no\n", 3), ""),
        (CommandResult(b"x", b"", -1, truncated=True), "how it ended is not known"),
        (ReachTimeout("the command did not end in time", where="app-1"), "app-1: the command did not end in time"),
        (ValueError("a bug"), "ValueError: a bug"),
    ],
)
def test_a_step_that_fails_ends_the_plan_unless_it_shall_go_on(
    tmp_path: Path, failure: CommandResult | Exception, said: str
) -> None:
    _, done = play(tmp_path / "a", Places(restart=failure))
    assert [(ran.step, ran.ok) for ran in done] == [(1, False)]
    assert done[0].error.startswith(said)

    _, all_of_them = play(tmp_path / "b", Places(restart=failure), keep_going=True)
    assert [ran.ok for ran in all_of_them] == [False, True, True]


def test_a_command_whose_secret_was_not_kept_is_not_run(tmp_path: Path) -> None:
    places = Places()

    _, done = play(tmp_path, places, plan=(PlannedRollback(run="curl -H 'Authorization: Bearer [redacted]'"),))

    assert places.ran == []
    assert "run it by hand" in done[0].error


def test_a_second_rollback_leaves_the_evidence_of_the_first_and_of_the_run_as_it_is(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, Redactor())
    log = bundle.add_text("app-1", "/var/log/app.log", "app.log", "x")
    bundle.add_missing("db-1", "/var/log/db.log", "no way there")
    bundle.finish()

    _, first = play(tmp_path, Places(restart=CommandResult(b"first", b"", 0)))
    _, second = play(tmp_path, Places(restart=CommandResult(b"second", b"", 0)))

    assert "first" in (tmp_path / first[0].output).read_text()
    assert "second" in (tmp_path / second[0].output).read_text()
    manifest = json.loads((tmp_path / "evidence/manifest.json").read_text())
    assert {f["path"] for f in manifest["files"]} >= {log.path, first[0].output, second[0].output}
    assert (manifest["complete"], len(manifest["missing"])) == (False, 1)
    # the run's own bundle, finished late, keeps what the rollbacks wrote
    assert second[0].output in {f.path for f in bundle.finish().files}


def after(source: StopSource | None, verdict: str) -> JournalView:
    stop = [StopDecided(t=2.0, source=source, reason="r", decided_at=2.0)] if source else []
    return JournalView((
        STARTED, *stop, VerdictReached.model_validate({"t": 3.0, "verdict": verdict, "reason": "r", "exit_code": 0}),
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("source", "verdict", "steps"),
    [
        (None, "held", []),
        ("person", "stopped", []),
        (None, "invalid", []),
        ("condition", "stopped", [2, 3]),
        (None, "deviated", [3]),
        (None, "not-healed", [3]),
    ],
)
def test_by_themselves_only_those_run_that_the_runbook_wants_to(
    source: StopSource | None, verdict: str, steps: list[int]
) -> None:
    assert [number for number, _ in by_itself(PLAN, after(source, verdict))] == steps


def test_the_result_and_the_report_say_what_was_run_and_who_asked() -> None:
    ran = RollbackRan(t=9.0, step=1, where="app-1", run="restart", by="ada", exit_code=0, seconds=1.2, output="e/x.txt")
    view = JournalView((STARTED, ran))

    first, second, third = result.build(view).rollback

    assert (first.where, first.ran_at, first.exit_code, first.by, first.output) == ("app-1", 9.0, 0, "ada", "e/x.txt")
    assert (second.where, second.when, second.ran_at, second.exit_code) == ("api", "stopped", None, None)
    assert third.name == "tell the team"
    assert rollback.told(view) == "Rolled back, asked by ada: step 1 on app-1: exit code 0 after 1.2 s."


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """`gameday rollback` on a run whose plan is two steps here: exit code and what was said."""
    folder = tmp_path / "runs" / "r1"
    plan = (PlannedRollback(run="echo one"), PlannedRollback(run="echo two; exit 4"))
    clock = Clock.start()
    started = STARTED.model_copy(
        update={"rollback": plan, "folder": str(tmp_path), "started_at": clock.started_at.isoformat()}
    )
    with Journal(folder / "journal", "conductor", clock) as journal:
        journal.write(started)
        journal.write(PhaseStarted(t=1.0, name="warm-up"))

    def run(*args: str) -> tuple[int, str]:
        done = CliRunner().invoke(command, ["r1", "--runs", str(tmp_path / "runs"), *args])
        if isinstance(done.exception, Refused):
            return 14, str(done.exception)
        return done.exit_code, done.output if done.exception is None or done.exit_code != 1 else repr(done.exception)

    return run


def test_nothing_runs_without_the_name_of_the_place(ask: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    code, said = ask()
    assert code == 14
    assert "here was not confirmed: nothing was run (for scripts: --confirm here)" in said
    assert ask("--confirm", "app-1")[0] == 14
    assert reader.read(tmp_path / "runs" / "r1").of(RollbackRan) == ()


def test_the_chosen_steps_run_and_a_failure_is_told_by_the_exit_code(
    ask: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, said = ask("--step", "1", "--confirm", "here")
    assert (code, "1. here: done after" in said) == (0, True)
    code, said = ask("--confirm", "here")
    assert (code, "2. here: FAILED with exit code 4" in said) == (10, True)
    code, said = ask("--step", "3", "--confirm", "here")
    assert "there is no step 3" in said
    ran = reader.read(tmp_path / "runs" / "r1").of(RollbackRan)
    assert [(r.step, r.exit_code) for r in ran] == [(1, 0), (1, 0), (2, 4)]
    kept = json.loads((tmp_path / "runs" / "r1" / "result.json").read_text())["rollback"]
    assert [step["exit_code"] for step in kept] == [0, 4]


def test_while_the_load_goes_on_it_is_refused(ask: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    ProcessId.own().write(tmp_path / "runs" / "r1" / "conductor.pid")
    code, said = ask("--confirm", "here")
    assert (code, "is going on, under load" in said, "gameday stop r1" in said) == (14, True, True)


def test_no_step_runs_when_that_it_begins_can_not_be_put_on_disk(tmp_path: Path) -> None:
    def refuses(_record: Record) -> None:
        raise JournalFailed("the disk did not take a record in 5 s")

    places = Places()
    scribe = Scribe(tmp_path, Redactor(), lambda _: None, Clock.start(), refuses)
    with pytest.raises(JournalFailed):
        roll_back(tuple(enumerate(PLAN, start=1)), places.run, scribe, by="ada")
    assert places.ran == []
