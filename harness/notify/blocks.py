"""What Slack gets: the halt in a line, the incident as Block Kit within Slack's limits, whatever is in it.

What comes from the run (names, reasons, evidence) stands in plain_text or in a fence, where it can't mark anything
up or call anyone; headings and numbers are ours and stand in mrkdwn. The caps below add up to less than 12 000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from harness.notify.slack_text import clean, escaped, fenced, listed, plain
from harness.report import format as say
from harness.report.impact import Impact
from harness.report.incident import Cause, FaultLine, Incident, LevelLine
from harness.report.procedure import Step

Block: TypeAlias = dict[str, object]

MARKDOWN = "incident.md"
HEADER_LIMIT = 140
CONTEXT_LIMIT = 160
REASON_LIMIT = 700
FIELD_LIMIT = 160
LEVELS_LIMIT = 900
BROKEN_LIMIT = 500
FAULTS_LIMIT = 1100
CAUSE_LIMIT = 1500
PIECE_LIMIT = 150
STEPS = 6
STEP_LIMIT = 500
COMMANDS_LIMIT = 200
EVIDENCE_LIMIT = 800
TIMELINE_LIMIT = 900
TEXT_LIMIT = 3500


class Message(NamedTuple):
    """A message: `blocks` as Slack shows them; `text` says the same in short, for notifications and where blocks
    aren't taken."""

    text: str
    blocks: list[Block]


def halt(incident: Incident) -> Message:
    """The halt, short: when, why, whether the faults are off, and what happens next."""
    left_on = [fault for fault in incident.faults if _still_on(fault)]
    lines = [
        f"{_opening(incident)} at {say.offset(incident.opened_at_s)}: {incident.reason}",
        _state(incident, left_on) + (" Collecting logs." if incident.evidence_complete is None else ""),
    ]
    where = f"{incident.runbook} · target {incident.target} · run {incident.run}"
    first = f"{'🚨' if left_on else '🛑'} {lines[0]}"
    blocks = [*_section(plain(first, REASON_LIMIT)), *_section(plain(lines[1], REASON_LIMIT)), *_context([where])]
    return Message(text=escaped(f"{lines[0]} {lines[1]} ({where})", TEXT_LIMIT), blocks=blocks)


def _opening(incident: Incident) -> str:
    if incident.verdict == "stopped":
        return "Stopped by itself"
    return "Deviated" if incident.verdict == "deviated" else "Ended"


def _state(incident: Incident, left_on: Sequence[FaultLine]) -> str:
    """Whether the faults are off; what to type comes before the names, so that no name can crowd it out."""
    if left_on:
        commands = dict.fromkeys(fault.command for fault in left_on if fault.command)
        return f"STILL INJECTED. Type: {'; '.join(commands)}. It is: {', '.join(fault.name for fault in left_on)}."
    not_back = [fault.name for fault in incident.faults if fault.not_back]
    if not_back:
        return f"All faults are off, but the wire is NOT BACK: {', '.join(not_back)}. See what lies behind it."
    return f"{say.plural(len(incident.faults), 'fault')} healed." if incident.faults else "No fault was injected."


def summary(incident: Incident) -> Message:
    """The incident summary in the order in which a person on call reads it: what happened, what it cost, why, what
    to do next; then what it rests on."""
    blocks: list[Block] = [
        {"type": "header", "text": _plain_text(plain(incident.headline, HEADER_LIMIT) or "Incident")},
        *_context(_when_and_where(incident)),
        *_section(plain(incident.reason, REASON_LIMIT)),
        *_titled("Broken", listed(incident.broken, BROKEN_LIMIT, MARKDOWN)),
        *_numbers(incident),
        *_titled("Likely cause", listed(_causes(incident), CAUSE_LIMIT, MARKDOWN, item_limit=450)),
        *_procedure(incident.steps),
        *_titled("Service levels", listed(_levels(incident.levels), LEVELS_LIMIT, MARKDOWN)),
        *_titled("Faults", listed(map(_fault, _on_first(incident.faults)), FAULTS_LIMIT, MARKDOWN)),
        *_titled("Timeline", listed(_events(incident), TIMELINE_LIMIT, MARKDOWN, item_limit=120)),
        *_titled("Evidence", listed(_evidence(incident), EVIDENCE_LIMIT, MARKDOWN)),
    ]
    return Message(text=_short(incident), blocks=blocks)


def _short(incident: Incident) -> str:
    """The whole summary without blocks."""
    impact, cause = incident.impact, incident.likely_cause
    lines = [
        incident.headline,
        incident.reason,
        *(f"Broken: {text}" for text in incident.broken),
        f"Failed requests: {_failed(impact)}",
        f"Likely cause: {cause.cause}: {cause.summary}" if cause else "No cause was recognised.",
        *(f"STILL INJECTED: {fault.name}. Type: {fault.command}" for fault in incident.faults if _still_on(fault)),
        f"To do: {'; '.join(step.name for step in incident.steps if not step.done)}" if incident.steps else "",
        f"Rerun: {incident.rerun}" if incident.rerun else "",
        f"All of it: {incident.run_folder}/{MARKDOWN}",
    ]
    kept = [say.one_line(clean(line), 700) for line in lines]
    return escaped("\n".join(line for line in kept if line), TEXT_LIMIT)


def _when_and_where(incident: Incident) -> list[str]:
    return [
        f"opened {say.date_and_clock(incident.opened_at)}, {say.offset(incident.opened_at_s)}",
        f"target {incident.target} ({incident.environment})",
        f"run {incident.run}" + (f", journal head {incident.journal_head}" if incident.journal_head else ""),
        "a drill: the runbook asked for this" if incident.expected else "",
    ]


def _numbers(incident: Incident) -> Iterator[Block]:
    impact = incident.impact
    kinds = ", ".join(f"{kind} {say.count(number)}" for kind, number in impact.failures.items() if number)
    numbers = {
        "Failed requests": _failed(impact) + (f": {kinds}" if kinds else ""),
        "Users": say.count(impact.users),
        "Unanswered at the stop": say.count(impact.in_flight),
        "From breach to halt": say.seconds(impact.breach_to_halt_s),
    }
    fields = [_mrkdwn(f"*{name}*\n{escaped(value, FIELD_LIMIT)}") for name, value in numbers.items()]
    yield {"type": "section", "fields": fields}


def _failed(impact: Impact) -> str:
    return f"{say.count(impact.failed)} of {say.count(impact.requests)} ({say.percent(impact.failed_share)})"


def _levels(levels: Sequence[LevelLine]) -> Iterator[str]:
    """Those that were met in one line: they are no news."""
    for level in levels:
        if not level.met:
            yield f"{'?' if level.met is None else '✗'} {level.text}"
    if met := sum(level.met is True for level in levels):
        yield f"✓ {met} met" if met < len(levels) else f"✓ all {met} met"


def _still_on(fault: FaultLine) -> bool:
    return not fault.healed and not fault.not_back


def _on_first(faults: Sequence[FaultLine]) -> list[FaultLine]:
    return sorted(faults, key=lambda fault: (fault.healed, not fault.on_at_breach))


def _fault(fault: FaultLine) -> str:
    since = "" if fault.injected_at_s is None else f", in at {say.offset(fault.injected_at_s)}"
    on = ", on when it happened" if fault.on_at_breach else ""
    effect = ", WITHOUT EFFECT" if fault.without_effect else ""
    healed = f"NOT HEALED: {fault.healed_text} Type: {fault.command}" if _still_on(fault) else fault.healed_text
    return f"{'✓' if fault.healed else '✗'} {fault.name} ({fault.what}){since}{on}{effect}: {healed}"


def _causes(incident: Incident) -> Iterator[str]:
    if incident.likely_cause is None:
        yield "No bottleneck was recognised: read the timeline, the chart and the logs."
        return
    yield from _cause(incident.likely_cause)
    for other in incident.other_causes:
        yield f"Also possible: {other.cause} ({say.percent(other.confidence)}): {other.summary}"


def _cause(cause: Cause) -> Iterator[str]:
    """Its recommendation stands in the procedure, as the fix to implement."""
    known = ", explained by an injected fault" if cause.explained_by else ""
    yield f"{cause.cause} ({say.percent(cause.confidence)}{known}): {cause.summary}"
    for piece in cause.evidence:
        place = f"{piece.path}:{piece.line}" if piece.line else piece.path
        yield f"• {say.one_line(piece.text, PIECE_LIMIT)} ({place})"


def _procedure(steps: Sequence[Step]) -> Iterator[Block]:
    if steps:
        yield {"type": "section", "text": _mrkdwn("*Emergency procedure, what is done and what to do next*")}
    for step in steps[:STEPS]:
        yield from _section(plain(f"{'✓' if step.done else '☐'} {step.name}: {step.detail}", STEP_LIMIT))
        commands = fenced(step.commands, COMMANDS_LIMIT)
        if commands:
            yield {"type": "section", "text": _mrkdwn(commands)}
    if len(steps) > STEPS:
        yield from _context([f"… and {len(steps) - STEPS} more in {MARKDOWN}"])


def _evidence(incident: Incident) -> Iterator[str]:
    if incident.evidence_complete is None:
        yield "Not collected (yet)."
    else:
        complete = "complete" if incident.evidence_complete else "INCOMPLETE"
        yield f"{say.plural(len(incident.evidence_files), 'file')}, {complete}, in {incident.run_folder}/evidence"
    yield f"Report: {incident.report}"
    for gone in incident.evidence_missing:
        yield f"Missing: {gone.source}: {gone.what} ({gone.reason})"


def _events(incident: Incident) -> list[str]:
    """From the first fault that was on when it happened; the way there is told in the reports."""
    return [
        f"{say.offset(event.t_s)} {event.text}" for event in incident.timeline if event.t_s >= incident.impact.since_s
    ]


def _titled(title: str, text: str) -> Iterator[Block]:
    if text:
        yield {"type": "section", "text": _mrkdwn(f"*{title}*")}
        yield from _section(text)


def _section(text: str) -> Iterator[Block]:
    if text:
        yield {"type": "section", "text": _plain_text(text)}


def _context(texts: Iterable[str]) -> Iterator[Block]:
    elements = [_plain_text(text) for text in (plain(text, CONTEXT_LIMIT) for text in texts) if text]
    if elements:
        yield {"type": "context", "elements": elements}


def _plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
