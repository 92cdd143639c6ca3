"""A process whose sessions are faults on a database, and that tells so: to be killed or stopped by a test.

`python -P session_holding_process.py PORT FAULTS`: FAULTS as JSON, [[kind, params], ...]. Prints their undo records as
JSON, a line each, once the faults are on, and holds on until its standard input ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.server_slots import ServerSlots
from harness.reach.allow_list import AllowList


def main(port: str, faults: str) -> None:
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
    for number, (kind, params) in enumerate(json.loads(faults), start=1):
        chosen = KINDS[kind].params.model_validate(params)
        plan = FaultPlan(f"f{number}", "held", kind, "main", chosen, 0.0, 60.0, "database")
        fault = build(plan, slots, f"held-{port}")
        undo = fault.prepare()
        fault.inject()
        sys.stdout.write(undo.model_dump_json() + "\n")
        sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
