"""Down: the proxy's listener is closed, and all its connections with it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from faults import wire
from faults.effect import judge
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.observation import Observation
from faults.probe import TcpProbe
from faults.toxic_fault import measure_healed, state_now
from faults.undo import EnabledUndo
from faults.wire_proxy import WireProxy
from harness.clock import Deadline

_EXPECTED = "connections refused"


class DownParams(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DownFault:
    """Closes the listener: not a toxic, so healing puts back what `enabled` was."""

    def __init__(self, plan: FaultPlan, proxy: WireProxy) -> None:
        self.plan = plan
        self._proxy = proxy
        self._rule = wire.Silenced()
        self._before: wire.WireBefore | None = None
        self._undo: EnabledUndo | None = None
        self._settled = False

    def prepare(self) -> EnabledUndo:
        state = self._proxy.found()
        probe = self._proxy.open_probe()
        try:
            self._before = wire.survey(probe, self._rule.timeout_s)
        finally:
            probe.close()
        self._undo = EnabledUndo(
            fault_id=self.plan.id,
            api_url=self._proxy.api.url,
            proxy=state.name,
            listen=state.listen,
            upstream=state.upstream,
            enabled=state.enabled,
            managed_folder=self._proxy.managed_folder,
            api_address=self._proxy.api.address,
        )
        return self._undo

    def inject(self) -> None:
        assert self._undo is not None
        try:
            self._proxy.hold(self._undo)
            self._switch_off()
        finally:
            self._settled = True

    def _switch_off(self) -> None:
        self._proxy.api.set_enabled(self._proxy.name, enabled=False)

    def prove_wire(self) -> Effect:
        sample = TcpProbe(self._proxy.reachable, allow=self._proxy.api.allow).measure(self._rule.timeout_s)
        text = "connected" if sample.ok else sample.error
        return Effect(_EXPECTED, Measurement(text, {"during_ms": sample.elapsed_ms}), effective=sample.refused)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return self._proxy.named(judge(before, during, delay_ms=None, sessions=self._proxy.sessions))

    def present(self) -> bool:
        return not state_now(self._proxy).enabled

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        return self._proxy.heal(self._undo, deadline, settled=self._settled)

    def measure_healed(self, deadline: Deadline) -> Effect:
        assert self._before is not None
        return measure_healed(self._proxy, self._rule, self._before, deadline)

    def close(self) -> None:
        """Every probe was closed where it was opened."""


def down(plan: FaultPlan, proxy: WireProxy, run: str) -> DownFault:  # noqa: ARG001 - the signature of all kinds
    """The fault of a plan; there is nothing in the server that would carry the run's name."""
    return DownFault(plan, proxy)


def expected(params: BaseModel) -> str:  # noqa: ARG001 - the signature of all kinds
    """What it does, in words."""
    return f"{_EXPECTED}, and the open ones cut"
