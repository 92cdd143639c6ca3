"""A process that has a fault on a cache and tells so: to be killed or stopped by a test.

`python -P cache_holding_process.py PORT KIND`: prints its undo record as JSON once the fault is on, and holds on until
its standard input ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from faults import catalog
from faults.cache_server import CacheServer
from faults.fault import FaultPlan
from harness.reach.allow_list import AllowList


def main(port: str, kind: str) -> None:
    """Holds on."""
    server = CacheServer("main", f"redis://127.0.0.1:{port}/0", "${CACHE_URL}", Path("/"), AllowList(["127.0.0.0/8"]))
    plan = FaultPlan("f1", "no cache", kind, "main", catalog.KINDS[kind].params(), 0.0, 60.0, "cache")
    fault = catalog.build(plan, server, f"held-{port}")
    undo = fault.prepare()
    fault.inject()
    sys.stdout.write(undo.model_dump_json() + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
