"""A process that holds a fault on a host and tells so: to be killed or stopped by a test.

`python -P host_fault_process.py PORT IDENTITY KNOWN_HOSTS`: reads a pattern from its standard input, stops the
processes with it in their command line, prints the undo record as JSON, and holds on until its standard input ends.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from harness.reach.allow_list import AllowList
from runbooks.host_places import fault_host
from runbooks.target import Host


def main(port: str, identity: str, known_hosts: str) -> None:
    """Holds on."""
    host = Host(
        "app-1",
        f"{getpass.getuser()}@127.0.0.1:{port}",
        identity=Path(identity),
        known_hosts=Path(known_hosts),
        processes={"victim": sys.stdin.readline().strip()},
    )
    params = KINDS["process-pause"].params.model_validate({"process": "victim"})
    plan = FaultPlan("f1", "pause", "process-pause", "app-1", params, 0.0, 60.0, "host")
    fault = build(plan, fault_host(host, AllowList(["127.0.0.0/8"])), f"held-{os.getpid()}")
    undo = fault.prepare()
    fault.inject()
    sys.stdout.write(undo.model_dump_json() + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
