"""A process that has faults on and tells so: to be killed or stopped by a test.

It reads one line of JSON, {"place": "database" | "cache" | "host", ..., "faults": [[kind, params], ...]}, prints the
undo record of each fault as JSON once it is on, a line each, and holds on until its standard input ends.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from faults.cache_server import CacheServer
from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.healing import read_undo
from faults.server_slots import ServerSlots
from faults.undo import Undo
from harness.reach.allow_list import AllowList
from runbooks.host_places import fault_host
from runbooks.target import Host

LOOPBACK = AllowList(["127.0.0.0/8"])
Faults = list[tuple[str, dict[str, object]]]


@contextlib.contextmanager
def holding(place: str, faults: Faults, **where: object) -> Iterator[tuple[subprocess.Popen[bytes], list[Undo]]]:
    """The process with its faults on at a `place`, and their undo records; it is killed in the end."""
    with subprocess.Popen([sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"place": place, "faults": faults, **where}).encode() + b"\n")
            process.stdin.flush()
            undos = [read_undo(json.loads(process.stdout.readline())) for _ in faults]
            yield process, [undo for undo in undos if undo is not None]
        finally:
            process.kill()


def database(port: int) -> ServerSlots:
    """A server whose roles need no password."""
    at = f"@127.0.0.1:{port}/postgres"
    return ServerSlots("main", watch_dsn=f"postgresql://watcher{at}", exhaust_dsn=f"postgresql://gameday_exhaust{at}",
                       platform_dsn=f"postgresql://shop{at}", reference="${EXHAUST_DATABASE_URL}", folder=Path("/"),
                       allow=LOOPBACK)  # fmt: skip


def cache(port: int) -> CacheServer:
    """A server without a password."""
    return CacheServer("main", f"redis://127.0.0.1:{port}/0", "${CACHE_URL}", Path("/"), LOOPBACK)


def host(port: int, identity: str, known_hosts: str, victim: str) -> object:
    """This machine over SSH, where `victim` is in the command line of a process."""
    address = f"{getpass.getuser()}@127.0.0.1:{port}"
    asked = Host("app-1", address, identity=Path(identity), known_hosts=Path(known_hosts), processes={"victim": victim})
    return fault_host(asked, LOOPBACK)


PLACES: dict[str, Callable[..., Any]] = {"database": database, "cache": cache, "host": host}


def main() -> None:
    """Holds on."""
    asked = json.loads(sys.stdin.readline())
    place, faults = asked.pop("place"), asked.pop("faults")
    at, name = PLACES[place](**asked), "app-1" if place == "host" else "main"
    for number, (kind, params) in enumerate(faults, start=1):
        chosen = KINDS[kind].params.model_validate(params)
        fault = build(FaultPlan(f"f{number}", "held", kind, name, chosen, 0.0, 60.0, place), at, f"held-{os.getpid()}")
        undo = fault.prepare()
        fault.inject()
        sys.stdout.write(undo.model_dump_json() + "\n")
        sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
