"""The last lines on the terminal: what happened, where the report lies, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from harness.journal import seal_file
from harness.journal.chain_record import SHORT
from harness.report import format as say
from harness.report.result import FaultResult, Result

_STYLES = {"held": "bold green", "deviated": "bold yellow", "stopped": "bold yellow", "invalid": "bold magenta"}


def summary(result: Result, folder: Path) -> Text:
    """Every line for itself; the numbers come from the result alone."""
    text = Text()
    for line, style in _lines(result, folder):
        text.append(line + "\n", style=style)
    text.rstrip()
    return text


def _lines(result: Result, folder: Path) -> Iterator[tuple[str, str]]:
    verdict = result.verdict or "no verdict"
    expected = " (as the runbook expects)" if result.exit_code == 0 and verdict != "held" else ""
    yield "", ""
    yield f"{verdict.upper()}{expected}: {result.reason}", _STYLES.get(verdict, "bold red")
    yield from _traffic(result)
    yield from _halt(result)
    yield from _faults(result)
    yield from _broken(result)
    yield from _findings(result)
    yield from _evidence(result)
    yield from _places(folder)
    yield from _next(result, folder)


def _traffic(result: Result) -> Iterator[tuple[str, str]]:
    load = result.load
    if not load.requests:
        return
    failed = sum(load.failures.values())
    yield (
        f"  load      {load.requests} requests by {load.users} users, {failed} failed "
        f"({failed / load.requests:.2%}), p95 {say.quantity(load.p95_ms, 'ms')}",
        "",
    )


def _halt(result: Result) -> Iterator[tuple[str, str]]:
    stop = result.stop
    if stop is None or stop.breach_at is None:
        return
    off = [t - stop.breach_at for t in (stop.healed_at, stop.load_stopped_at) if t is not None]
    if len(off) == 2:
        yield f"  halt      {max(off):.2f} s after the breach no fault and no load connection was left", ""


def _faults(result: Result) -> Iterator[tuple[str, str]]:
    for fault in result.faults:
        if fault.injected_at is None and fault.healed:
            yield f"  fault     {fault.name}: did not get in, nothing of it is left", ""
            continue
        effect = {True: "proven on the wire and at the platform", False: "NO EFFECT", None: "effect unknown"}
        healed = _healed(fault)
        style = "" if fault.healed and fault.effective is not False else "bold red"
        yield f"  fault     {fault.name}: {effect[fault.effective]}, {healed}", style


def _healed(fault: FaultResult) -> str:
    if fault.healed:
        return f"healed by the {fault.healed_by}"
    if fault.healed_at is None and fault.measured_after:
        return f"taken off, but the wire is NOT BACK: {fault.measured_after}"
    return "NOT HEALED: type gameday heal"


def _broken(result: Result) -> Iterator[tuple[str, str]]:
    """What no drill asks for, and what the alerting did; after a halt also what nobody could be sure of."""
    words = {"invariant": "invariant", "crash": "crash", "alert": "alert"}
    for level in result.service_levels:
        if level.about not in words or level.phase == "baseline":
            continue
        if level.met is False:
            yield f"  {words[level.about]:<9} {level.text}, in {level.phase}", "bold red"
        elif level.met is None and result.stop is not None:
            yield f"  {words[level.about]:<9} {level.text}, in {level.phase}", "yellow"


def _findings(result: Result) -> Iterator[tuple[str, str]]:
    for finding in result.findings[:2]:
        yield f"  cause     {finding.cause} ({finding.confidence:.0%}): {finding.summary}", ""
        if finding.recommendation:
            yield f"  fix       {finding.recommendation}", ""


def _evidence(result: Result) -> Iterator[tuple[str, str]]:
    for missing in result.evidence.missing:
        yield f"  missing   {missing.source} {missing.what}: {missing.reason}", "yellow"
    unsent = [message for message in result.notifications if not message.delivered]
    for channel, error in dict.fromkeys((message.channel, message.error) for message in unsent):
        which = " and ".join(f"the {m.what}" for m in unsent if (m.channel, m.error) == (channel, error))
        yield f"  slack     {which} not posted to {channel}: {error}", "yellow"


def _places(folder: Path) -> Iterator[tuple[str, str]]:
    shown = _short(folder)
    for name, what in (("report.html", "report"), ("incident.md", "incident"), ("evidence", "evidence"),
                       ("slack.jsonl", "slack")):  # fmt: skip
        if (folder / name).exists():
            yield f"  {what:<9} {shown / name}", ""
    head = seal_file.last_head(folder / "journal")
    if head:
        yield f"  journal   sealed; gameday verify {folder.name} --head {head[:SHORT]} proves it", ""


def _next(result: Result, folder: Path) -> Iterator[tuple[str, str]]:
    incident = folder / "incident.md"
    read = f"read {_short(incident)}, mend the cause, then play it again" if incident.exists() else "play it again"
    steps = {
        "held": "nothing to mend; play the next runbook (gameday list)",
        "deviated": f"{read}: gameday rerun (or: make rerun)",
        "stopped": f"{read}: gameday rerun (or: make rerun)",
        "invalid": "mend what the first line says: this run proves nothing; then: gameday rerun (or: make rerun)",
        "not-healed": "act now: type what the first line says (gameday heal takes off what is still on)",
        "refused": "nothing was touched; mend what the first line says",
    }
    if result.verdict in steps:
        yield f"  next      {steps[result.verdict]}", "bold"


def _short(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
