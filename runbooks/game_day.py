"""A whole game day: lock, leftovers, preflight, healer, load, exercise, emergency procedure, reports."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from faults import catalog, undo_log
from faults.fault import FaultPlan
from faults.healer import HealerHandle, start_healer
from faults.injection import Injection
from harness.clock import Clock, Deadline
from harness.errors import BadInput, GamedayError, LoadFailed, NotHealed, ReachFailed, Refused
from harness.evidence.collector import LogCollector
from harness.guard.guard import Guard
from harness.journal.record import (
    EvidenceMissing,
    Note,
    PhaseStarted,
    Record,
    Verdict,
    VerdictReached,
)
from harness.journal.writer import Journal
from harness.load.locust_process import LocustProcess
from harness.notify.slack import SlackDoor
from harness.reach.allow_list import AllowList
from harness.redaction import Redactor
from harness.report.result import Result, build
from harness.report.result import write as write_result
from harness.report.write import write_all
from runbooks import leftovers
from runbooks.alerting import heard
from runbooks.attention import Interrupted, attend
from runbooks.conductor import Conductor, Stage
from runbooks.crew import FaultCrew
from runbooks.doors import Doors
from runbooks.emergency import Aftermath, Emergency
from runbooks.environment import Environment
from runbooks.guard_rails.guard_rails import GuardRails
from runbooks.guard_rails.permit import Permit
from runbooks.inbox import Inbox, StopAsked
from runbooks.lease_keeping import kept_lease
from runbooks.observations import Observations
from runbooks.own_processes import load_spec, start_load, start_toxiproxy
from runbooks.preflight import Options, Preflight, preflight
from runbooks.preflight.rails_check import AREA as RAILS
from runbooks.provenance import with_provenance
from runbooks.recorder import Recorder, stamped
from runbooks.rollback import Scribe, longest_s, roll_back_by_itself
from runbooks.run_folder import RunFolder
from runbooks.run_started import run_started
from runbooks.runbook import Runbook
from runbooks.screen import Screen
from runbooks.sealing import close_run
from runbooks.server_watch import ServerWatch
from runbooks.signals import stop_signals
from runbooks.target import Target
from runbooks.target_claim import TargetClaim
from runbooks.target_lock import TargetLock
from runbooks.verdict import EXIT_CODES, not_healed
from runbooks.work_watches import WorkWatches

REMEMBER_S = 8.0
AFTERMATH_S = 120.0
HURRIED_S = 2.0  # after a second Ctrl-C: time for result.json, not for the rest
SLACK_S = 8.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is played. The names are what the person typed."""

    runbook: Runbook
    target: Target
    runbook_name: str
    target_name: str
    composed: bool = False  # the runbook was made for this run: no file has it but the run folder's
    compare_with: Path | None = None  # the run folder of the run that this one repeats


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `preflight` is there when the run was refused by it."""

    folder: Path
    result: Result
    preflight: Preflight | None = None
    trouble: str = ""  # what of it is not on disk, and why


class _PreflightFailed(Refused):
    """Preflight said no."""

    def __init__(self, findings: Preflight) -> None:
        bad = [c for c in findings.checks if c.ok is False]
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        first = f"{bad[0].area} {bad[0].name}: {bad[0].detail}" if bad else "preflight failed"
        super().__init__(f"{first}{more}", mend=bad[0].mend if bad else "")
        self.findings = findings


class GameDay:
    """One run. `play` leaves nothing behind, whatever happens in it."""

    def __init__(self, inputs: Inputs, runs: Path, options: Options, screen: Screen, environment: Environment) -> None:
        self._in = inputs
        self._runs = runs
        self._options = options
        self._screen = screen
        self._environment = environment
        self._clock = Clock.start()
        self._inbox = Inbox()
        self._watches: WorkWatches | None = None
        self._rails = GuardRails(inputs.runbook, inputs.target, options.waived)
        self._permit = Permit(self._rails, self._inbox.put, self._emit)
        self._carrying: threading.Thread | None = None
        known = (*inputs.target.secrets(), *inputs.runbook.hidden, environment.slack_token or "")
        self._redactor = Redactor(known)

    def play(self) -> Outcome:
        """Play it from the lock to the reports. Raises BadInput or Refused when no run folder could be made."""
        with ExitStack() as stack:
            folder = RunFolder.create(self._runs, self._in.runbook, self._in.target, self._clock, self._redactor)
            journal = stack.enter_context(Journal(folder.path / "journal", "conductor", self._clock, self._redactor))
            recorder = Recorder(journal, self._screen)
            started = run_started(
                self._in.runbook, self._in.target, folder, self._clock, (self._in.runbook_name, self._in.target_name)
            )
            recorder.record(with_provenance(started, self._in.runbook, self._in.target, composed=self._in.composed))
            stack.enter_context(stop_signals(self._inbox))
            findings = self._run(folder, recorder)
            result = build(recorder.view())
            return Outcome(folder.path, result, findings, close_run(folder.path, journal, self._carrying))

    def _run(self, folder: RunFolder, recorder: Recorder) -> Preflight | None:
        """The run proper; every way it can fail becomes a verdict in the journal."""
        findings: Preflight | None = None
        try:
            with TargetLock(self._in.target, folder.path), ExitStack() as stack:
                self._play_in(folder, recorder, stack)
        except _PreflightFailed as error:
            findings = error.findings
            self._conclude(folder, recorder, "refused", str(error), error.findings.exit_code)
        except Interrupted as error:
            verdict: Verdict = "refused" if error.asked.source == "guard-rail" else "stopped"
            text = f"{error.asked.reason}, before the load started"
            self._conclude(folder, recorder, verdict, text, EXIT_CODES[verdict])
        except LoadFailed as error:
            self._conclude(folder, recorder, "invalid", str(error), error.exit_code)
        except (Refused, BadInput, ReachFailed) as error:
            self._conclude(folder, recorder, "refused", str(error), error.exit_code)
        except GamedayError as error:
            self._conclude(folder, recorder, "error", str(error), error.exit_code)
        except Exception as error:  # noqa: BLE001 - the last border: a person gets one line, the file has the rest
            with suppress(OSError):
                (folder.path / "error.txt").write_text(self._redactor.text(traceback.format_exc()))
            self._conclude(folder, recorder, "error", f"internal error: {error!r}, see error.txt in the run folder", 1)
        return findings

    def _play_in(self, folder: RunFolder, recorder: Recorder, stack: ExitStack) -> None:
        self._heal_leftovers(recorder)
        findings = self._attend(partial(preflight, self._in.runbook, self._in.target, options=self._options,
                                        rails=self._rails), recorder)  # fmt: skip
        if not findings.ok:
            raise _PreflightFailed(findings)
        recorder.record(Note(text=f"Preflight: {sum(c.ok is True for c in findings.checks)} checks passed"))
        for check in findings.checks:
            if check.ok is None and check.area != RAILS:
                recorder.record(Note(level="warning", text=f"Preflight: {check.area} {check.name}: {check.detail}"))
        stack.enter_context(self._permit)
        healer = start_healer(folder.path, self._clock, AllowList(self._in.target.allow))
        stack.callback(self._release, healer, folder, recorder)
        claim = stack.enter_context(TargetClaim(self._in.target, folder.run, recorder, self._stop_for))
        self._attend(claim.take, recorder)
        api_url = start_toxiproxy(self._in.target, self._inbox, recorder, stack)
        doors = stack.enter_context(Doors(self._in.target, self._clock))
        doors.keep(self._attend(partial(kept_lease, self._in.runbook, self._in.target, folder.run, recorder.record,
                                        no_lease=self._options.no_lease), recorder))  # fmt: skip
        collector = LogCollector(doors.host_plans(self._in.runbook), doors.container_collections(self._in.runbook))
        unremembered = self._attend(lambda: collector.remember(Deadline.after(REMEMBER_S)), recorder)
        for sampler in doors.samplers(self._emit, self._clock):
            sampler.start()
            stack.callback(sampler.stop, 2.0)
        watches = self._watches = WorkWatches(self._in.target, self._clock, recorder.record)
        recorder.listen(watches.see)
        watches.start()
        stack.callback(watches.finish, 2.0)
        self._attend(doors.find_crash_watchers, recorder)
        stack.enter_context(heard(self._in.target, self._in.runbook, self._emit, self._clock))
        load = start_load(load_spec(self._in.runbook.load, self._in.target, folder.path), self._emit, self._inbox,
                          recorder, stack)  # fmt: skip
        server = ServerWatch(self._in.target.toxiproxy)
        stack.callback(server.finish)
        conductor = Conductor(self._stage(recorder, doors, load, healer, api_url, folder, server))
        conductor.play()
        doors.let_go()
        self._aftermath(folder, recorder, doors, collector, unremembered, conductor)

    def _release(self, healer: HealerHandle, folder: RunFolder, recorder: Recorder) -> None:
        """The healer's work is over, unless something is still injected."""
        recorder.journal.flush()
        if undo_log.left_injected(folder.path):
            healer.take_over()
        else:
            healer.dismiss()

    def _heal_leftovers(self, recorder: Recorder) -> None:
        for healing in leftovers.heal_all(tuple(leftovers.find(self._runs)), by_preflight=True):
            if healing.error:
                raise Refused(f"a dead run left {healing.leftover} behind: {healing.error}", mend="gameday heal")
            recorder.record(
                Note(level="warning", text=f"healed what a dead run left: {healing.leftover} ({healing.how})")
            )

    def _stage(
        self,
        recorder: Recorder,
        doors: Doors,
        load: LocustProcess,
        healer: HealerHandle,
        api_url: str,
        folder: RunFolder,
        server: ServerWatch,
    ) -> Stage:
        observations = Observations()

        def baseline_s() -> tuple[float, float]:
            """From the baseline's start to the faults phase: the platform before any fault."""
            begun = {r.name: r.t for r in recorder.view().of(PhaseStarted)}
            return begun.get("baseline", 0.0), begun.get("faults", self._clock.now_s())

        def build_injection(plan: FaultPlan) -> Injection:
            return Injection(
                catalog.build(plan, doors.place(plan, api_url), folder.run),
                journal=recorder.journal,
                emit=self._emit,
                observe=observations.between,
                baseline=lambda: observations.between(*baseline_s()),
                clock=self._clock,
                permit=self._permit,
            )

        return Stage(
            runbook=self._in.runbook,
            clock=self._clock,
            inbox=self._inbox,
            recorder=recorder,
            observations=observations,
            guard=Guard(self._in.runbook.stop_when),
            crew=FaultCrew(self._in.runbook.faults, build_injection),
            load=load,
            screen=self._screen,
            ask_invariants=doors.invariants(self._in.runbook).ask,
            healer_alive=lambda: healer.alive,
            crash_watchers=doors.crash_watchers,
            lease_lost=doors.lease_lost,
            server_lost=server.look,
        )

    def _aftermath(self, folder: RunFolder, recorder: Recorder, doors: Doors, collector: LogCollector,
                   unremembered: tuple[EvidenceMissing, ...], conductor: Conductor) -> None:  # fmt: skip
        emergency = Emergency(
            Aftermath(
                run_folder=folder.path,
                recorder=recorder,
                redactor=self._redactor,
                collector=collector,
                databases=tuple(doors.databases),
                slack=self._slack(folder),
                hurry=conductor.hurry,
                uncollected=unremembered,
                watches=self._watches,
                compare_with=self._in.compare_with,
                late_levels=conductor.judging.late_alerts,
                roll_back=lambda: roll_back_by_itself(
                    self._in.runbook, self._in.target, recorder.view(),
                    Scribe(folder.path, self._redactor, recorder.record, self._clock, recorder.commit)),
            )
        )  # fmt: skip
        carrying = self._carrying = threading.Thread(target=emergency.carry_out, name="emergency", daemon=True)
        carrying.start()
        conductor.listen_while(lambda: carrying.is_alive() and not conductor.hurry.is_set(),
                               AFTERMATH_S + longest_s(self._in.runbook))  # fmt: skip
        carrying.join(HURRIED_S)

    def _slack(self, folder: RunFolder) -> SlackDoor | None:
        if not self._in.runbook.slack_channel:
            return None
        return SlackDoor(
            self._environment.slack_token,
            self._in.runbook.slack_channel,
            base_url=self._environment.slack_url,
            outbox=folder.path / "slack.jsonl",
            redactor=self._redactor,
            deadline_s=SLACK_S,
        )

    def _conclude(self, folder: RunFolder, recorder: Recorder, verdict: Verdict, reason: str, exit_code: int) -> None:
        """A verdict for a run that did not come to its end, and the reports that can be made of it."""
        left = not_healed(recorder.view().records)
        if left:
            verdict, reason, exit_code = "not-healed", f"{'; '.join(left)}; also: {reason}", NotHealed.exit_code
        recorder.record(VerdictReached(verdict=verdict, reason=reason, exit_code=exit_code))
        recorder.journal.flush()
        try:
            write_result(folder.path, build(recorder.view()))
            write_all(folder.path, recorder.view() if recorder.journal.lost else None)
        except (GamedayError, OSError) as error:
            recorder.record(Note(level="error", text=f"the reports are not complete: {error}"))

    def _attend(self, step: Callable[[], T], recorder: Recorder) -> T:
        return attend(step, self._inbox, recorder)

    def _stop_for(self, trouble: str) -> None:
        self._inbox.put(StopAsked("error", trouble))

    def _emit(self, record: Record) -> None:
        self._inbox.put(stamped(record, self._clock))
