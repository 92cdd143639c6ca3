"""Each fault that is a number of sessions on a database: whose they are, and whether they could be had and felt."""

from __future__ import annotations

from faults.catalog import KINDS
from faults.fault import FaultPlan
from faults.session_objections import against
from faults.session_params import SessionParams
from faults.slot_exhaustion import SlotExhaustionParams
from harness.errors import GamedayError
from runbooks.preflight.check import Check, good, objected
from runbooks.preflight.scene import Scene, failed
from runbooks.preflight.slots_check import check_slots

AREA = "fault"


def check_on_database(scene: Scene, fault: FaultPlan) -> list[Check]:
    """The check of a fault on a database."""
    return check_slots(scene, fault) if isinstance(fault.params, SlotExhaustionParams) else check_sessions(scene, fault)


def check_sessions(scene: Scene, fault: FaultPlan) -> list[Check]:
    """One line when the sessions can be had, else one for each objection; logs in a few times as each of the roles."""
    params = fault.params
    assert isinstance(params, SessionParams)
    try:
        facts = scene.world.sessions(scene.target.databases[fault.database], params.wants)
    except GamedayError as error:
        return [failed(AREA, fault.name, error, "check exhaust_dsn and platform_dsn in the target file")]
    found = against(facts, params.wants, params.allowed)
    if found:
        return objected(AREA, fault.name, found)
    means = f" ({facts.rows} of {facts.table.name})" if facts.table is not None and facts.rows is not None else ""
    text = (
        f"{KINDS[fault.kind].expected(params)}{means}, as {facts.slots.exhausting.name}; {facts.slots.platform.name} "
        f"must feel it"
    )
    return [good(AREA, fault.name, text)]
