"""Every kind of fault as the soak plays it: on which place of the soak's platform, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from faults.catalog import KINDS
from faults.fault import PlaceKind

PLACES: Mapping[PlaceKind, str] = {
    "proxy": "postgres",
    "database": "main",
    "cache": "main",
    "container": "soak-*",
    "host": "app-1",
}


@dataclass(frozen=True, slots=True)
class Played:
    """`keys`: the kind's own. `lease_s`: how long what the server itself ends may outlive both our processes; 0 where
    nothing but a heal ends it."""

    kind: str
    keys: Mapping[str, object] = field(default_factory=dict)
    lease_s: float = 0.0

    @property
    def on(self) -> PlaceKind:
        return KINDS[self.kind].on

    def entry(self, for_s: float) -> dict[str, object]:
        """The fault as a runbook has it."""
        place = {} if self.on == "platform" else {self.on: PLACES[self.on]}
        return {"name": "soaked", "kind": self.kind, **place, **self.keys, "at": "0s", "for": f"{for_s:g}s"}


PLAYED = (
    Played("latency", {"latency": "300ms"}),
    Played("timeout", {}),
    Played("down", {}),
    Played("pool-exhaustion", {}),
    Played("bandwidth", {"rate": "10KB/s"}),
    Played("slicer", {"average_size": 64, "delay": "5ms"}),
    Played("slow-close", {"delay": "1s"}),
    Played("reset-peer", {}),
    Played("limit-data", {"bytes": 2000}),
    Played("flap", {"period": "1s"}),
    Played("slot-exhaustion", {"lease": "4s", "evict": True}, lease_s=4),
    Played("lock-contention", {"table": "investments", "lease": "4s"}, lease_s=4),
    Played("idle-in-transaction", {"lease": "4s"}, lease_s=4),
    Played("slow-queries", {"sessions": 2, "lease": "4s"}, lease_s=4),
    Played("cache-pause", {}, lease_s=2),
    Played("cache-slow", {}, lease_s=2),
    Played("cache-connections", {"leave": 5}, lease_s=2),
    Played("container-pause"),
    Played("container-stop", {"grace": "1s"}),
    Played("container-kill"),
    Played("container-restart", {"grace": "1s"}),
    Played("container-network"),
    Played("container-cpu", {"limit": 0.5}),
    Played("container-memory", {"limit": "32MiB"}),
    Played("process-pause", {"process": "crowdfund"}, lease_s=4),
    Played("host-cpu", {"cores": 1}, lease_s=4),
    Played("host-memory", {"amount": "64MiB"}, lease_s=4),
    Played("host-disk", {"path": "/tmp", "amount": "8MiB"}, lease_s=4),  # noqa: S108 - a practice host's
    Played("host-disk-io", {"path": "/tmp", "amount": "4MiB"}, lease_s=4),  # noqa: S108 - a practice host's
)
UNPLAYED: Mapping[str, str] = {
    "service-stop": "the practice hosts have no systemd",
    "host-network": "it would delay this whole machine; its test has a network namespace",
    "chaostoolkit": "what it does is its extension's; its test has one",
}


def missing() -> tuple[str, ...]:
    """Kinds of the catalog that the soak does not play: a soak over some of them proves nothing of the others."""
    played = {p.kind for p in PLAYED}
    return tuple(name for name in KINDS if name not in played and name not in UNPLAYED)
