"""One fault's whole story, put together from its records: planned, injected, proven twice, healed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from harness.journal.plan import PlannedFault
from harness.journal.reader import JournalView
from harness.journal.record import FaultHealed, FaultInjected, HealFailed, InjectionFailed, Proof, UndoWritten
from harness.report import format as say
from harness.report.run import started

_R = TypeVar("_R", UndoWritten, FaultInjected, InjectionFailed, FaultHealed, HealFailed)


@dataclass(frozen=True, slots=True)
class FaultAccount:
    """What the journal says of one fault. `begun`: its undo record or the fault itself was written."""

    id: str
    name: str
    kind: str
    proxy: str = ""
    database: str = ""
    on: str = ""
    place: str = ""
    params: dict[str, float | str | bool] = field(default_factory=dict)
    hit: tuple[str, ...] = ()  # by name, what it acted on, where `place` can mean several
    begun: bool = False
    injected_at: float | None = None
    until: float | None = None  # when it was to be healed
    failed: InjectionFailed | None = None
    wire: Proof | None = None
    platform: Proof | None = None
    healing: FaultHealed | None = None
    heal_failure: HealFailed | None = None

    @property
    def what(self) -> str:
        """ "latency on proxy postgres"."""
        sits = self.on or ("database" if self.database else "proxy")
        place = ", ".join(self.hit) or self.place or self.database or self.proxy
        return f"{self.kind} on {sits} {place}" if place else self.kind

    @property
    def effective(self) -> bool | None:
        """False where it did not get in or a proof says no; True where both say yes; None where a halt came first."""
        proofs = [proof.effective if proof else None for proof in (self.wire, self.platform)]
        if self.failed is not None or False in proofs:
            return False
        return True if all(proofs) else None

    @property
    def healed(self) -> bool:
        """The last healing took it off, and the wire does not say otherwise. One that never got in is healed too."""
        if self.healing is not None:
            return self.healing.verified is not False
        return self.heal_failure is None and self.failed is not None

    @property
    def not_back(self) -> bool:
        """It was taken off, but what lies behind its proxy does not answer as before."""
        return self.healing is not None and self.healing.verified is False

    @property
    def healed_at(self) -> float | None:
        return self.healing.t if self.healing is not None and self.healed else None

    @property
    def healed_text(self) -> str:
        """By whom it was taken off and how that was verified, or why it is still on. One sentence."""
        healing = self.healing
        if healing is None:
            return self._unhealed_text()
        if healing.verified is False:
            return say.sentence(
                f"taken off by the {_healer(healing.by)}, but the wire is not back: {healing.measured_after}"
            )
        rung = f" ({healing.rung})" if healing.rung else ""
        note = f"; {healing.note}" if healing.note else ""
        measured = healing.measured_after or "no measurement"
        proof = f"verified on the wire: {measured}" if healing.verified else f"not verified: {measured}"
        return say.sentence(f"healed by the {_healer(healing.by)}{rung}, {proof}{note}")

    @property
    def command(self) -> str:
        """What a person types where it is not healed; "" where it is."""
        if self.not_back and self.healing is not None:
            return self.healing.command
        if self.healed or not self.begun:
            return ""
        return self.heal_failure.command if self.heal_failure else "gameday heal"

    def on_at(self, t_s: float) -> bool:
        """True when it was in at `t_s`."""
        return (
            self.injected_at is not None
            and self.injected_at <= t_s
            and (self.healing is None or self.healing.t >= t_s or not self.healed)
        )

    def _unhealed_text(self) -> str:
        if self.heal_failure is not None:
            return say.sentence(f"NOT healed by the {_healer(self.heal_failure.by)}: {self.heal_failure.reason}")
        if self.failed is not None:
            return "It never got in; what was begun has been taken back."
        return "NOT healed, as far as the journal knows." if self.begun else "Never injected: the run ended before."


def accounts(view: JournalView) -> tuple[FaultAccount, ...]:
    """All faults in the runbook's order, then those that only the journal knows. The load has an undo record too,
    but is no fault, unless it could not be ended."""
    planned = {fault.id: fault for fault in started(view).faults}
    seen = [
        record.fault_id
        for record in view.records
        if isinstance(record, FaultInjected | HealFailed) or (isinstance(record, UndoWritten) and not record.of_process)
    ]
    return tuple(_account(view, fault_id, planned.get(fault_id)) for fault_id in dict.fromkeys([*planned, *seen]))


def begun(view: JournalView) -> tuple[FaultAccount, ...]:
    """The faults that the run laid its hands on."""
    return tuple(account for account in accounts(view) if account.begun)


def _account(view: JournalView, fault_id: str, planned: PlannedFault | None) -> FaultAccount:
    injected = _last(view.of(FaultInjected), fault_id)
    failed = _last(view.of(InjectionFailed), fault_id)
    plan = planned or PlannedFault(id=fault_id, name=fault_id, fault_kind="unknown kind")
    proofs = {proof.side: proof for proof in view.of(Proof) if proof.fault_id == fault_id}
    return FaultAccount(
        id=fault_id,
        name=injected.name if injected else plan.name,
        kind=injected.fault_kind if injected else plan.fault_kind,
        proxy=injected.proxy if injected else plan.proxy,
        database=injected.database if injected else plan.database,
        on=injected.on if injected else plan.on,
        place=injected.place if injected else plan.place,
        params=injected.params if injected else plan.params,
        hit=injected.hit if injected else (),
        begun=injected is not None or failed is not None or _last(view.of(UndoWritten), fault_id) is not None,
        injected_at=injected.t if injected else None,
        until=injected.until if injected else None,
        failed=failed,
        wire=proofs.get("wire"),
        platform=proofs.get("platform"),
        healing=_last(view.of(FaultHealed), fault_id),
        heal_failure=_last(view.of(HealFailed), fault_id),
    )


def _last(records: tuple[_R, ...], fault_id: str) -> _R | None:
    return next((record for record in reversed(records) if record.fault_id == fault_id), None)


def _healer(by: str) -> str:
    return {"heal": "command gameday heal", "keeper": "lease keeper"}.get(by, by)
