"""Where trials are played: a practice platform of its own, and what may be killed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import yaml

from bench.soak.stray import StrayContainer, engine_address
from harness.reach.allow_list import AllowList
from runbooks.platform_wait import await_platform
from runbooks.sandbox.sandbox import Sandbox
from runbooks.sandbox.state import SandboxState

STARTS_S = 60.0


@dataclass(slots=True)
class Site:
    """A sandbox, and a container where an engine answers. `target` is the target file that the trials name."""

    folder: Path
    sandbox: Sandbox
    container: StrayContainer | None
    target: Path

    @classmethod
    def up(cls, folder: Path) -> Site:
        """Everything answers when it returns."""
        folder.mkdir(parents=True, exist_ok=True)
        sandbox = Sandbox.up("soak", owned=True, deadline_s=STARTS_S)
        try:
            container = StrayContainer.run() if engine_address() else None
            return cls(folder, sandbox, container, _target(folder, sandbox, container))
        except BaseException:
            sandbox.down()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.down()

    def down(self) -> None:
        """Takes all of it away."""
        if self.container is not None:
            self.container.remove()
        self.sandbox.down()

    def renew(self) -> None:
        """After a kill of one of its servers: another sandbox."""
        self.sandbox.down()
        self.sandbox = Sandbox.up("soak", owned=True, deadline_s=STARTS_S)
        self.target = _target(self.folder, self.sandbox, self.container)

    def await_answer(self) -> None:
        """After a trial that took something from it: its pools need a moment. Raises ReachFailed."""
        await_platform(str(self.addresses["base_url"]), AllowList(["127.0.0.0/8"]))

    @property
    def addresses(self) -> Mapping[str, object]:
        """The target file, read."""
        read: dict[str, object] = yaml.safe_load(self.target.read_text())
        return read

    def part(self, name: str) -> psutil.Process | None:
        """The process of one of the sandbox's servers; None where it is gone."""
        state = SandboxState.read(self.sandbox.folder)
        for part in state.parts if state is not None else ():
            if part.name == name and part.alive:
                return psutil.Process(part.pid)
        return None

    @property
    def processes(self) -> list[psutil.Process]:
        """All that belong to the sandbox."""
        state = SandboxState.read(self.sandbox.folder)
        try:
            return psutil.Process(state.supervisor_pid).children(recursive=True) if state is not None else []
        except psutil.NoSuchProcess:
            return []


def _target(folder: Path, sandbox: Sandbox, container: StrayContainer | None) -> Path:
    target = yaml.safe_load(sandbox.target.read_text())
    if container is not None:
        target["containers"] = {"names": [container.name]}
    path = folder / f"target-{sandbox.name}.yaml"
    path.write_text(yaml.safe_dump(target, sort_keys=False))
    return path
