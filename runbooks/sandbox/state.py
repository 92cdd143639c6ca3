"""What is known of a sandbox on disk: its processes, ports and addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faults.process import is_alive

FILE_NAME = "state.json"


class PartState(BaseModel):
    """A process of the sandbox, by its number and its start; `port` is where it listens on loopback."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    ticks: int
    port: int

    @property
    def alive(self) -> bool:
        return is_alive(self.pid, self.ticks)


class SandboxState(BaseModel):
    """The whole of it. `phase` is "up" once everything answers."""

    model_config = ConfigDict(frozen=True)

    name: str
    phase: Literal["starting", "up"] = "starting"
    supervisor_pid: int
    supervisor_ticks: int
    owned: bool = False
    bypass: bool = False
    defect: str = ""
    started_at: str = ""  # UTC, ISO 8601
    base_url: str = ""
    parts: tuple[PartState, ...] = Field(default=())

    @property
    def alive(self) -> bool:
        """Whether its supervisor runs."""
        return is_alive(self.supervisor_pid, self.supervisor_ticks)

    def write(self, folder: Path) -> None:
        """Replaces the state on disk in one step."""
        fresh = folder / f"{FILE_NAME}.new"
        fresh.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        fresh.replace(folder / FILE_NAME)

    @classmethod
    def read(cls, folder: Path) -> SandboxState | None:
        """The state, or None: no sandbox there, or one that died before it wrote any."""
        try:
            return cls.model_validate_json((folder / FILE_NAME).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None
