"""How each kind of record is told on the timeline. Kinds that are no event (windows, readings) are not told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Literal

from harness.journal import record as r
from harness.report import clocks, rollback
from harness.report import format as say

FaultNames = Mapping[str, str]
_STOPPED_BY = {
    "condition": "by a stop condition",
    "person": "by a person",
    "signal": "by a signal",
    "slack": "from Slack",
    "error": "by an error of our own",
    "guard-rail": "by a guard rail",
}
_HEALERS = {
    "conductor": "the conductor",
    "healer": "the healer process",
    "heal": "the command gameday heal",
    "preflight": "the preflight of a later run",
    "keeper": "the lease keeper beside its Toxiproxy",
}


@dataclass(frozen=True, slots=True)
class Told:
    text: str
    level: Literal["info", "warning", "error"] = "info"


def tell(record: r.Record, names: FaultNames) -> Told | None:
    """A record in words, on one line; `names` are the faults' names by id. None: no event."""
    told = _tell(record, names)
    return Told(say.one_line(told.text), told.level) if told else None


@singledispatch
def _tell(_record: r.Record, _names: FaultNames) -> Told | None:
    return None


@_tell.register
def _(record: r.CrashSeen, _names: FaultNames) -> Told:
    told = record.text if record.source in record.text else f"{record.source}: {record.text}"
    code = "" if record.exit_code is None or "exit code" in told else f" (exit code {record.exit_code})"
    return Told(f"CRASH: {told}{code}", "error")


@_tell.register
def _(record: r.AlertSeen, _names: FaultNames) -> Told:
    labels = ", ".join(f"{key} {value}" for key, value in record.labels.items())
    what = {"firing": "fires", "suppressed": "fires, but silenced", "resolved": "is over"}[record.state]
    told = f"Alert {record.name} {what}{f' ({labels})' if labels else ''}, told by {record.source or 'the alerting'}"
    return Told(told, "info" if record.state == "resolved" else "warning")


@_tell.register
def _(record: r.ClockOffset, _names: FaultNames) -> Told | None:
    if not clocks.worth_telling(record):
        return None
    return Told(clocks.sentence(record), "warning" if abs(record.offset_s) > clocks.WRONG_S else "info")


@_tell.register
def _(record: r.RunStarted, _names: FaultNames) -> Told:
    return Told(f"Game day started: {record.runbook} against {record.target} ({record.environment})")


@_tell.register
def _(record: r.PhaseStarted, _names: FaultNames) -> Told:
    return Told(f"Phase {record.name} began")


@_tell.register
def _(record: r.FaultInjected, _names: FaultNames) -> Told:
    sits = record.on or ("database" if record.database else "proxy")
    name = ", ".join(record.hit) or record.place or record.database or record.proxy
    place = f" on {sits} {name}" if name else ""
    params = f" ({say.parameters(record.params)})" if record.params else ""
    return Told(f"Fault on: {record.name}, {record.fault_kind}{place}{params}", "warning")


@_tell.register
def _(record: r.InjectionFailed, names: FaultNames) -> Told:
    return Told(f"Fault did not get in: {_name(names, record.fault_id)}: {record.reason}", "error")


@_tell.register
def _(record: r.Proof, names: FaultNames) -> Told:
    where = "on the wire" if record.side == "wire" else "at the platform"
    name = _name(names, record.fault_id)
    if record.effective is None:
        return Told(f"Effect of {name} {where} is unknown: {record.measured}", "warning")
    if record.effective:
        return Told(f"Effect of {name} proven {where}: {record.measured}")
    return Told(f"{name} has NO effect {where}: expected {record.expected}, measured {record.measured}", "error")


@_tell.register
def _(record: r.FaultHealed, names: FaultNames) -> Told:
    rung = f" ({record.rung})" if record.rung else ""
    note = f"; {record.note}" if record.note else ""
    if record.fault_id.startswith("claim at "):
        return Told(f"The {record.fault_id} ended{rung}{note}")
    measured = record.measured_after or "the wire was not measured"
    what = f"Fault off: {names[record.fault_id]}" if record.fault_id in names else f"Leftover off: {record.fault_id}"
    head = f"{what}, healed by {_HEALERS[record.by]}{rung}"
    if record.verified is False:
        command = f"; type: {record.command}" if record.command else ""
        return Told(f"{head}, but the wire is NOT back: {measured}{note}{command}", "error")
    return Told(f"{head}, {'wire verified' if record.verified else 'not verified'}: {measured}{note}")


@_tell.register
def _(record: r.HealFailed, names: FaultNames) -> Told:
    name = _name(names, record.fault_id)
    return Told(f"NOT HEALED by {_HEALERS[record.by]}: {name}: {record.reason}; type: {record.command}", "error")


@_tell.register
def _(record: r.Breach, _names: FaultNames) -> Told:
    detail = f" ({record.detail})" if record.detail else ""
    return Told(f"BREACH: {record.text}{detail}", "error")


@_tell.register
def _(record: r.StopDecided, _names: FaultNames) -> Told:
    reason = "" if record.source == "condition" else f": {record.reason}"
    return Told(f"Halt decided {_STOPPED_BY[record.source]}{reason}", "error")


@_tell.register
def _(record: r.LoadStopped, _names: FaultNames) -> Told:
    unanswered = f", {say.plural(record.in_flight, 'request')} still unanswered" if record.in_flight else ""
    return Told(f"Load stopped ({record.how}): no connection of it is left{unanswered}")


@_tell.register
def _(record: r.LoadEnded, _names: FaultNames) -> Told:
    detail = f": {record.detail}" if record.detail else ""
    if record.by_person:
        return Told(f"Somebody ended the load{detail}", "warning")
    return Told(f"Locust ended by itself with exit code {record.exit_code}{detail}", "warning")


@_tell.register
def _(record: r.LoadProcessLost, _names: FaultNames) -> Told:
    left = f"{say.plural(record.left, 'process', 'processes')} left"
    return Told(f"Load process {record.pid} died, and nobody replaces its users; {left}", "error")


@_tell.register
def _(record: r.RailWaived, _names: FaultNames) -> Told:
    return Told(f"WAIVED by {record.opt_out}: {record.rail}: {record.what}", "warning")


@_tell.register
def _(record: r.LoadSteered, _names: FaultNames) -> Told:
    return Told(f"Somebody changed the number of users on Locust's web page to {say.count(record.users)}", "warning")


@_tell.register
def _(record: r.LevelJudged, _names: FaultNames) -> Told | None:
    if record.met:
        return None
    told = record.text.removesuffix(": not met") or f"{record.name} {say.quantity(record.value, record.unit)}"
    return Told(f"Service level {'unknown' if record.met is None else 'NOT met'} in {record.phase}: {told}", "warning")


@_tell.register
def _(record: r.Recovered, _names: FaultNames) -> Told:
    if record.time_to_recover_s is None:
        return Told("Not recovered within the recovery phase", "error")
    return Told(f"Recovered: all service levels hold again after {say.seconds(record.time_to_recover_s)}")


@_tell.register
def _(record: r.EvidenceCollected, _names: FaultNames) -> Told:
    total = say.size(sum(file.bytes for file in record.files))
    head = f"Evidence collected: {say.plural(len(record.files), 'file')}, {total}"
    if record.complete:
        return Told(f"{head}, complete")
    return Told(f"{head}; {say.plural(len(record.missing), 'piece')} missing", "warning")


@_tell.register
def _(record: r.LogCounted, _names: FaultNames) -> Told | None:
    new = [kind for kind in record.kinds if kind.new and kind.severity == "error"]
    if not new:
        return None
    lines = say.plural(new[0].after, "line")
    return Told(f"New in {record.path} since the baseline: {new[0].text} ({lines})", "warning")


@_tell.register
def _(record: r.FindingNamed, names: FaultNames) -> Told:
    fault = record.explained_by_fault
    by = f", explained by the injected fault {_name(names, fault)}" if fault else ""
    return Told(f"Finding: {record.cause} (confidence {say.percent(record.confidence)}{by})")


@_tell.register
def _(record: r.Notified, _names: FaultNames) -> Told:
    if record.delivered:
        return Told(f"Slack: the {record.what} was posted to {record.channel}")
    why = record.error or "no reason given"
    return Told(f"Slack: the {record.what} was not posted to {record.channel}: {why}", "warning")


@_tell.register
def _(record: r.RollbackStarted, _names: FaultNames) -> Told:
    steps = ", ".join(str(step) for step in record.steps)
    return Told(f"Rollback begun, asked by {record.by}: step {steps} of the plan", "warning")


@_tell.register
def _(record: r.RollbackRan, _names: FaultNames) -> Told:
    what = f"Rollback step {record.step} {rollback.place(record.where)}: {record.run}"
    return Told(f"{what}: {rollback.ended(record)}", "info" if record.ok else "error")


@_tell.register
def _(record: r.LeaseKept, _names: FaultNames) -> Told:
    if record.state == "stands":
        return Told(f"Lease keeper stands on {record.host}: {record.detail}")
    if record.state == "ended":
        return Told(f"Lease keeper on {record.host} dismissed: nothing was open any more")
    if record.state == "lost":
        return Told(f"LEASE LOST: {record.detail}", "error")
    return Told(f"Lease keeper on {record.host} left alone: {record.detail}", "warning")


@_tell.register
def _(record: r.Note, _names: FaultNames) -> Told:
    return Told(record.text, record.level)


@_tell.register
def _(record: r.VerdictReached, _names: FaultNames) -> Told:
    return Told(f"Verdict: {record.verdict}", "info" if record.verdict == "held" else "warning")


def _name(names: FaultNames, fault_id: str) -> str:
    return names.get(fault_id, fault_id)
