"""A fault that is one toxic on one proxy: all of them but for what the toxic is and how its effect shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from faults import wire
from faults.effect import judge
from faults.fault import Effect, FaultGone, FaultPlan, Healed, Measurement
from faults.observation import Observation
from faults.probe import Probe
from faults.proxy_changes import said
from faults.undo import ToxicUndo
from faults.wire_proxy import WireProxy
from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach.toxiproxy import ToxiproxyGone, ToxiproxyRejected
from harness.reach.toxiproxy_state import ProxyState, ToxicState, is_as_asked

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 120


def toxic_name(run: str, fault_id: str) -> str:
    """The name by which everybody sees whose toxic it is."""
    return f"gd-{_UNFIT.sub('-', run)}-{_UNFIT.sub('-', fault_id)}"[:_LONGEST_NAME]


class ToxicFault:
    """One toxic. `rule` says how it shows on the wire, `delay_ms` what it adds to a round trip (None: it hangs or
    fails). `open_probe`: another probe than the proxy's own."""

    def __init__(
        self,
        plan: FaultPlan,
        proxy: WireProxy,
        toxic: ToxicState,
        *,
        rule: wire.WireRule,
        delay_ms: float | None,
        open_probe: Callable[[], Probe] | None = None,
    ) -> None:
        self.plan = plan
        self._proxy = proxy
        self._open_probe = open_probe or proxy.open_probe
        self._toxic = toxic
        self._rule = rule
        self._delay_ms = delay_ms
        self._probe: Probe | None = None
        self._before: wire.WireBefore | None = None
        self._undo: ToxicUndo | None = None
        self._settled = False

    def prepare(self) -> ToxicUndo:
        state = self._proxy.found()
        self._probe = self._probe or self._open_probe()
        self._before = self._rule.survey(self._probe)
        self._undo = ToxicUndo(
            fault_id=self.plan.id,
            api_url=self._proxy.api.url,
            proxy=state.name,
            listen=state.listen,
            upstream=state.upstream,
            enabled=state.enabled,
            toxic=self._toxic.name,
            managed_folder=self._proxy.managed_folder,
            api_address=self._proxy.api.address,
        )
        return self._undo

    def inject(self) -> None:
        assert self._undo is not None
        try:
            self._proxy.hold(self._undo)
            self._proxy.api.add_toxic(self._proxy.name, self._toxic)
        finally:
            self._settled = True

    def prove_wire(self) -> Effect:
        assert self._probe is not None
        assert self._before is not None
        return self._rule.prove(self._probe, self._before)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return self._proxy.named(judge(before, during, delay_ms=self._delay_ms, sessions=self._proxy.sessions))

    def present(self) -> bool:
        ours = self._proxy.held.on
        state = state_now(self._proxy)
        # other faults of the run come and go while the server is asked
        changed = self._proxy.held.changed(state, ours | self._proxy.held.on)
        stored = state.toxic(self._toxic.name)
        if stored is not None and not is_as_asked(stored, self._toxic):
            changed = f"somebody changed it: it was {said(self._toxic)}, and is {said(stored)} now"
        if changed:
            raise FaultGone(changed)
        return stored is not None

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        return self._proxy.heal(self._undo, deadline, settled=self._settled)

    def measure_healed(self, deadline: Deadline) -> Effect:
        assert self._before is not None
        return measure_healed(self._proxy, self._rule, self._before, deadline, self._open_probe)

    def close(self) -> None:
        if self._probe is not None:
            self._probe.close()


def state_now(proxy: WireProxy) -> ProxyState:
    """The proxy under its fault. Raises FaultGone when it isn't there any more, ReachFailed when it can't be asked."""
    try:
        return proxy.api.proxy(proxy.name)
    except ToxiproxyGone:
        raise FaultGone(f"nothing listens at {proxy.api.url} any more: that server has ended") from None
    except ToxiproxyRejected as error:
        if error.status != 404:
            raise
        text = f"the proxy {proxy.name} is not there any more: its server was restarted, or somebody deleted it"
        raise FaultGone(text) from None


def measure_healed(
    proxy: WireProxy,
    rule: wire.WireRule,
    before: wire.WireBefore,
    deadline: Deadline,
    open_probe: Callable[[], Probe] | None = None,
) -> Effect:
    """The wire after healing, over a probe of its own: the fault's may be in the middle of a measurement."""
    probe = (open_probe or proxy.open_probe)()
    try:
        quick = Deadline.after(min(0.3, deadline.left_s()))
        effect = wire.measure_back(rule, probe, before, quick)
        if effect.effective:
            return effect
        return _while_others_are_on(proxy, effect.expected) or _named(
            proxy, wire.measure_back(rule, probe, before, deadline)
        )
    finally:
        probe.close()


def _while_others_are_on(proxy: WireProxy, expected: str) -> Effect | None:
    """Nothing can be said while another fault of the run is on the same proxy."""
    ours = proxy.held.on
    if not (ours.closed_by or ours.toxics):
        return None
    which = "closed by another fault" if ours.closed_by else "under another fault"
    return Effect(expected, Measurement(f"the proxy is {which}: the wire can't tell"), effective=None)


def _named(proxy: WireProxy, effect: Effect) -> Effect:
    """A wire that is not back, with what somebody else did to the proxy meanwhile."""
    if effect.effective is not False:
        return effect
    try:
        state = proxy.api.proxy(proxy.name, timeout_s=1.0)
    except ReachFailed:
        return effect
    changed = proxy.held.changed(state, proxy.held.on)
    measured = replace(effect.measured, text=f"{effect.measured.text}; {changed}" if changed else effect.measured.text)
    return replace(effect, measured=measured, mend=proxy.held.mend(state, proxy.held.on, proxy.api.url))
