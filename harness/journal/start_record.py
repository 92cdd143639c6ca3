"""The first record of a run, and the words that it shares with the others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.journal.base import Record
from harness.journal.chain_record import FileHash
from harness.journal.plan import PlannedFault, PlannedLevel, PlannedRollback

PhaseName = Literal["warm-up", "baseline", "faults", "recovery"]
Verdict = Literal["held", "invalid", "deviated", "stopped", "not-healed", "refused", "error"]


class RunStarted(Record):
    """The run and its plan, all that a report needs to know of the inputs. No secrets."""

    kind: Literal["run-started"] = "run-started"
    run: str
    version: str
    started_at: str  # UTC, ISO 8601
    runbook: str  # its title
    runbook_path: str
    hypothesis: str
    expect: Verdict
    target: str  # its name
    target_path: str
    environment: str
    base_url: str
    inputs: dict[str, str] = Field(default_factory=dict)  # file name -> sha256
    pid: int = 0
    locustfile: str = ""
    tags: tuple[str, ...] = ()
    users: int | None = None
    spawn_rate: float | None = None
    phases_s: dict[PhaseName, float] = Field(default_factory=dict)
    recover_within_s: float = 0.0
    service_levels: tuple[PlannedLevel, ...] = ()
    faults: tuple[PlannedFault, ...] = ()
    stop_when: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    rollback: tuple[PlannedRollback, ...] = ()
    slack_channel: str = ""
    databases: dict[str, str] = Field(default_factory=dict)  # name -> the proxy it is reached through, or ""
    caches: dict[str, str] = Field(default_factory=dict)
    allow: tuple[str, ...] = ()  # for a rollback: what may be touched, which Docker Engine, and where "here" is
    engine: str = ""
    folder: str = ""
    input_paths: dict[str, str] = Field(default_factory=dict)  # file name -> where the original lies
    composed: bool = False  # the runbook was made for this run: its original is another text
    processes: int | None = None  # of the load; -1: one for each core
    exclude_tags: tuple[str, ...] = ()
    copies: tuple[FileHash, ...] = ()  # the inputs as the run folder has them, redacted
    epoch_boot_s: float = 0.0  # when it began on the boot clock of the machine, and since its boot `boot_id`
    boot_id: str = ""
