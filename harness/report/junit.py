"""`junit.xml` for CI: one suite; the service levels by phase, the faults' effects and healing, a load test's success
criteria, the evidence, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from harness.journal.reader import JournalView
from harness.journal.record import EvidenceCollected, LevelJudged, StopDecided
from harness.report import run, success
from harness.report.fault_account import FaultAccount, begun
from harness.report.level_label import label

FILE = "junit.xml"
# what XML 1.0 has no place for
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_FINER = re.compile(r"(\.\d+)?([+-]\d\d:\d\d|Z)?$")  # the schema has whole seconds and no zone; it is UTC
_COUNTED = (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))

Outcome = Literal["", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """A test case; `outcome` "" is a pass, `message` says why it is none."""

    group: str
    name: str
    outcome: Outcome = ""
    message: str = ""


def render(view: JournalView) -> str:
    """The suite of a run. Where the run ended as its runbook expects, a level that the drill broke is skipped, and
    so is what a halt left unknown: CI is red only for what is worth a look."""
    cases = list(_cases(view))
    suite = ET.Element(
        "testsuite",
        name=_text(run.started(view).runbook),
        tests=str(len(cases)),
        time=f"{run.last_moment_s(view):.3f}",
        timestamp=_FINER.sub("", run.started(view).started_at),
    )
    for outcome, attribute in _COUNTED:
        suite.set(attribute, str(sum(case.outcome == outcome for case in cases)))
    for case in cases:
        # each attribute that some reader asks for: a time, though none is measured, and a failure's type
        element = ET.SubElement(suite, "testcase", classname=_text(case.group), name=_text(case.name), time="0")
        if case.outcome:
            why = ET.SubElement(element, case.outcome, message=_text(case.message))
            if case.outcome != "skipped":
                why.set("type", _text(case.group))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _cases(view: JournalView) -> Iterator[Case]:
    ending = run.ending(view)
    expected = ending.exit_code == 0
    halted = view.first(StopDecided) is not None
    for level in view.of(LevelJudged):
        yield _level(level, label(run.started(view), level), expected=expected, halted=halted)
    for fault in begun(view):
        yield _effect(fault, halted=halted)
        yield Case("faults.healed", fault.name, "" if fault.healed else "failure", fault.healed_text)
    for criterion in success.criteria(view):
        found: Outcome = "" if criterion.met else "failure" if criterion.met is False else "skipped"
        yield Case("success criteria", criterion.text, found, "" if criterion.met else criterion.detail)
    evidence = view.last(EvidenceCollected)
    if evidence is not None:
        missing = "; ".join(f"{gone.source} {gone.what}: {gone.reason}" for gone in evidence.missing)
        yield Case("evidence", "complete", "" if evidence.complete else "skipped", missing)
    outcome: Outcome = "" if expected else "error" if ending.verdict is None else "failure"
    yield Case("game day", f"verdict is {run.started(view).expect}", outcome, f"{ending.verdict}: {ending.reason}")


def _level(level: LevelJudged, name: str, *, expected: bool, halted: bool) -> Case:
    group = f"service levels.{level.phase}"
    if level.met:
        return Case(group, name)
    message = level.text or f"{level.value} where the limit is {level.limit} {level.unit}"
    if level.met is None:
        return Case(group, name, "skipped" if halted else "error", f"unknown: {message}")
    if expected and level.phase != "baseline" and level.about != "invariant":
        return Case(group, name, "skipped", f"not met, as the runbook expects: {message}")
    return Case(group, name, "failure", message)


def _effect(fault: FaultAccount, *, halted: bool) -> Case:
    group = "faults.effective"
    if fault.effective:
        return Case(group, fault.name)
    said = [
        f"{proof.side}: {proof.measured}" for proof in (fault.wire, fault.platform) if proof and not proof.effective
    ]
    message = fault.failed.reason if fault.failed else "; ".join(said) or "not measured"
    if fault.effective is None:
        return Case(group, fault.name, "skipped" if halted else "error", f"unknown: {message}")
    return Case(group, fault.name, "failure", message)


def _text(value: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", value)
