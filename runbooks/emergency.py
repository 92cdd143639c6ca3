"""The emergency procedure after the halt: collect, analyse, summarise, tell. Nothing here can delay a halt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.log_account import count_logs
from harness.analysis.rules import analyse
from harness.clock import Deadline
from harness.errors import GamedayError
from harness.evidence.bundle import Bundle
from harness.evidence.collector import LogCollector
from harness.evidence.frozen import freeze
from harness.evidence.work import add_work
from harness.journal import reader
from harness.journal.reader import JournalView
from harness.journal.record import Compared, EvidenceMissing, JournalHead, Note, RunStarted, StopDecided
from harness.monitor.postgres import PostgresSource
from harness.notify import blocks
from harness.notify.slack import SlackDoor
from harness.redaction import Redactor
from harness.report import incident, result
from harness.report.compare import compare
from harness.report.write import write_all
from runbooks.recorder import Recorder
from runbooks.verdict import reach_verdict
from runbooks.work_watches import WorkWatches

HOST_S = 20.0
HURRIED_HOST_S = 0.5
LAST_LOOK_S = 5.0
FREEZE_S = 30.0
HALT_MESSAGE_S = 10.0  # longer than the door's own deadline: what became of it is in the journal then


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the emergency procedure works with. `uncollected`: what this run knows it will not collect."""

    run_folder: Path
    recorder: Recorder
    redactor: Redactor
    collector: LogCollector
    databases: tuple[PostgresSource, ...]
    slack: SlackDoor | None
    hurry: threading.Event
    uncollected: tuple[EvidenceMissing, ...] = ()
    watches: WorkWatches | None = None
    compare_with: Path | None = None  # the run folder of the run that this one repeats
    roll_back: Callable[[], object] = lambda: None  # what the runbook wants to run by itself
    late_levels: Callable[[], bool] = lambda: False  # judges what a halt left time for; True: there is a new judgement


class Emergency:
    """Carried out after every run that has brought load; the incident's own parts only when one opened."""

    def __init__(self, aftermath: Aftermath) -> None:
        self._a = aftermath
        self._announcing: threading.Thread | None = None

    def carry_out(self) -> None:
        """All steps in order; a step that fails is said and skips no other."""
        steps = (self._verdict, self._announce, self._collect, self._judge_late, self._roll_back,
                 self._analyse, self._summarise, self._compare, self._reports)  # fmt: skip
        for step in steps:
            try:
                step()
            except (GamedayError, OSError) as error:
                self._a.recorder.record(Note(level="error", text=_failed(step.__name__.strip("_"), error)))
            except Exception as error:  # noqa: BLE001 - a bug in the analysis must not cost the summary and the reports
                text = f"{step.__name__.strip('_')} failed by an internal error: {error!r}"
                self._a.recorder.record(Note(level="error", text=text))

    def _view(self) -> JournalView:
        return self._a.recorder.view()

    def _verdict(self) -> None:
        """`result.json` stands from the halt on, whatever happens next."""
        view = self._view()
        started = view.first(RunStarted)
        self._a.recorder.record(
            reach_verdict(view.records, recover_within_s=started.recover_within_s if started else 0.0)
        )
        # nobody is told of a verdict that is not on disk, unless there is no disk any more
        self._a.recorder.journal.flush()
        result.write(self._a.run_folder, result.build(self._view()))

    def _judge_late(self) -> None:
        """What may still come after a halt, an alert say, has had its time while the logs were collected."""
        if self._a.late_levels():
            self._verdict()

    def _announce(self) -> None:
        """The halt goes to Slack beside the collecting: a slow Slack costs nothing."""
        slack = self._a.slack
        if slack is None or not incident.opened(self._view()):
            return
        opened = incident.build(self._view(), self._a.run_folder)

        def announce() -> None:
            self._a.recorder.record(slack.post("halt", *blocks.halt(opened)))

        self._announcing = threading.Thread(target=announce, name="slack-halt", daemon=True)
        self._announcing.start()

    def _collect(self) -> None:
        bundle = Bundle(self._a.run_folder, self._a.redactor)
        if self._a.watches is not None:
            for gone in self._a.watches.finish(HURRIED_HOST_S if self._a.hurry.is_set() else LAST_LOOK_S):
                bundle.add_missing(gone.source, gone.what, gone.reason)
        view = self._view()
        freeze(bundle, view.records, _until_s(view), FREEZE_S)
        add_work(bundle, view)
        for database in self._a.databases:
            bundle.add_text(database.name, "sessions of the last 30 s", "sessions.jsonl", database.detail())
        for missing in self._a.uncollected:
            bundle.add_missing(missing.source, missing.what, missing.reason)
        hurried = self._a.hurry.is_set()
        self._a.collector.collect(bundle, HURRIED_HOST_S if hurried else HOST_S)
        self._a.recorder.record(bundle.finish())

    def _roll_back(self) -> None:
        """After the collecting: what a restart would wipe out is evidence by then."""
        if not self._a.hurry.is_set():
            self._a.roll_back()

    def _analyse(self) -> None:
        for counted in count_logs(self._view(), self._a.run_folder):
            self._a.recorder.record(counted)
        for finding in analyse(self._view(), self._a.run_folder):
            self._a.recorder.record(finding)

    def _summarise(self) -> None:
        if not incident.opened(self._view()):
            return
        head = self._a.recorder.journal.position()
        if head is not None:
            self._a.recorder.record(JournalHead(position=head))
        view = self._view()
        incident.write_markdown(incident.build(view, self._a.run_folder), self._a.run_folder)
        if self._a.slack is None:
            return
        if self._announcing is not None:
            self._announcing.join(HALT_MESSAGE_S)
        summary = incident.build(self._view(), self._a.run_folder)
        self._a.recorder.record(self._a.slack.post("summary", *blocks.summary(summary), in_thread_of="halt"))

    def _compare(self) -> None:
        if self._a.compare_with is not None:
            compared = compare(reader.read(self._a.compare_with), self._view())
            self._a.recorder.record(Compared(comparison=compared))

    def _reports(self) -> None:
        self._a.recorder.journal.flush(Deadline.after(5.0).left_s())
        write_all(self._a.run_folder, self._view() if self._a.recorder.journal.lost else None)


def _failed(step: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} could not be written: {error.strerror}"
    return f"{step} failed: {error}"


def _until_s(view: JournalView) -> float:
    """The moment that the frozen readings lead up to: the decision to stop, else the end."""
    stop = view.first(StopDecided)
    return stop.decided_at if stop is not None else max((r.t for r in view.records), default=0.0)
