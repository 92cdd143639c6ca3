"""A Toxiproxy on another machine outlives us: it is used with a lease keeper beside it, or with the opt-out."""

from __future__ import annotations

from faults.lease.lease import LEASE_S
from harness.errors import GamedayError
from runbooks.preflight.check import Check, good, refused, warning
from runbooks.preflight.doors import ToxiproxyFacts
from runbooks.preflight.scene import Scene, failed

AREA = "toxiproxy"
NAME = "lease"


def check_lease(scene: Scene, facts: ToxiproxyFacts) -> list[Check]:
    """Nothing to say for a server on this machine without `host:`, or where no fault sits on a proxy."""
    server = scene.target.toxiproxy
    if server is None or server.managed or not any(fault.proxy for fault in scene.runbook.faults):
        return []
    if scene.options.no_lease:
        return _unguarded(scene)
    if server.host:
        return _keeper(scene, facts)
    return _nobody(scene)


def _keeper(scene: Scene, facts: ToxiproxyFacts) -> list[Check]:
    server = scene.target.toxiproxy
    assert server is not None
    try:
        found = scene.world.lease_keeper(server, facts)
    except GamedayError as error:
        return [failed(AREA, NAME, error, f"try it by hand: ssh {scene.target.hosts[server.host].ssh} python3 -V")]
    text = f"a keeper on {server.host} (python3 {found.python}) heals when it has not heard from us for {LEASE_S:g} s"
    checks = [good(AREA, NAME, f"{text}; Toxiproxy's API there: {found.api}")]
    if not found.here:
        text = f"{server.host} reaches the API at {found.api}, which is none of its own addresses"
        checks.append(warning(AREA, NAME, text, "let host: name the machine that Toxiproxy itself runs on"))
    return checks


def _unguarded(scene: Scene) -> list[Check]:
    server = scene.target.toxiproxy
    assert server is not None
    try:
        if not server.host and scene.world.on_this_machine(server):
            return []
    except GamedayError as error:
        return [failed(AREA, NAME, error)]
    text = "--no-lease: when this machine is cut off, nobody takes off what is injected there"
    return [warning(AREA, NAME, text, "toxiproxy: {url: ..., host: ...} names the host that it runs on")]


def _nobody(scene: Scene) -> list[Check]:
    server = scene.target.toxiproxy
    assert server is not None
    try:
        if scene.world.on_this_machine(server):
            return []
    except GamedayError as error:
        return [failed(AREA, NAME, error)]
    text = f"{server.url} is on another machine, and outlives us: cut off, we could take nothing off"
    hosts = ", ".join(scene.target.hosts) or "give the target one under hosts:"
    mend = f"add host: to toxiproxy: in the target, the host that it runs on ({hosts}), or play with --no-lease"
    return [refused(AREA, NAME, text, mend)]
