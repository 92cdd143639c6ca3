"""The undo record of a fault: on disk before the fault is injected, and enough for any process to heal it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Undo(BaseModel):
    """What every undo record has. `door` names what heals it (see `faults.healing`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    door: str
    fault_id: str

    @property
    def hit(self) -> tuple[str, ...]:
        """By name, what it acts on, where the runbook's place can mean several."""
        return ()


class ToxicUndo(Undo):
    """Take our toxic `toxic` off `proxy`. The proxy's address and state as found serve the recovery ladder."""

    door: Literal["toxic"] = "toxic"
    api_url: str
    proxy: str
    listen: str
    upstream: str
    enabled: bool
    toxic: str
    managed_folder: str = ""  # where the managed server's state lives; "": somebody's own server
    api_address: str = ""  # the IP address that was looked up, and allowed, when the fault was prepared


class EnabledUndo(Undo):
    """Put `enabled` of `proxy` back to what was found."""

    door: Literal["enabled"] = "enabled"
    api_url: str
    proxy: str
    listen: str
    upstream: str
    enabled: bool
    managed_folder: str = ""
    api_address: str = ""


class ProcessUndo(Undo):
    """End the process group `pgid`, if its leader is still the process that started at `start_ticks`
    (field 22 of /proc/PID/stat): a number may be used again. A managed server is found through its
    `managed_folder` too, since healing may have started it anew."""

    door: Literal["process"] = "process"
    pgid: int
    start_ticks: int
    what: str  # "locust" or "toxiproxy-server"
    managed_folder: str = ""


class SessionsUndo(Undo):
    """End the sessions named `marker` of the exhausting role on the server of `database`.

    `dsn` is that role's DSN as the target file writes it, with references for what is secret, in pieces: whole, it
    could look like a secret itself to the journal's redaction. `folder`: what file references are relative to.
    By `over_at` (UTC, ISO 8601) the server has ended every one of them by itself, whoever died when.
    """

    door: Literal["sessions"] = "sessions"
    database: str
    dsn: tuple[str, ...]
    folder: str
    marker: str
    lease_s: float
    over_at: str
