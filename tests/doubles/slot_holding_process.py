"""A process that takes the slots of a database and tells so: to be killed or stopped by a test.

`python -P slot_holding_process.py PORT LEASE`: prints its undo record as JSON once the fault is on, and holds on until
its standard input ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from faults.fault import FaultPlan
from faults.server_slots import ServerSlots
from faults.slot_exhaustion import SlotExhaustion, SlotExhaustionParams
from harness.reach.allow_list import AllowList


def main(port: str, lease: str) -> None:
    """Holds on."""
    at = f"@127.0.0.1:{port}/postgres"
    slots = ServerSlots(
        "main",
        watch_dsn=f"postgresql://watcher{at}",
        exhaust_dsn=f"postgresql://gameday_exhaust{at}",
        platform_dsn=f"postgresql://shop{at}",
        reference="${EXHAUST_DATABASE_URL}",
        folder=Path("/"),
        allow=AllowList(["127.0.0.0/8"]),
    )
    params = SlotExhaustionParams.model_validate({"leave": 1, "lease": lease})
    plan = FaultPlan("f1", "no slots", "slot-exhaustion", "main", params, 0.0, 60.0, "database")
    fault = SlotExhaustion(plan, slots, f"held-{port}")
    undo = fault.prepare()
    fault.inject()
    sys.stdout.write(undo.model_dump_json() + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
