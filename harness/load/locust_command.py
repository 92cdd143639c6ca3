"""How Locust is started: our arguments first, the user's own last."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import BadInput

_MASTER_HOST = "--master-bind-host"


def check_file(locustfile: Path) -> Path:
    """The absolute path of a Locust file that can be read; raises BadInput."""
    path = locustfile.absolute()
    if "," in str(path):
        raise BadInput(
            "Locust takes a comma in a path for two files", where=str(path), mend="rename the file or folder"
        )
    if not path.exists():
        raise BadInput("the Locust file does not exist", where=str(path))
    if not os.access(path, os.R_OK):
        raise BadInput("the Locust file is not readable", where=str(path), mend="check its permissions")
    return path


def child_command(module: str, *arguments: str) -> list[str]:
    """A child of ours; -P, so that a folder named `harness` in the user's project is not taken for ours."""
    return [sys.executable, "-P", "-m", module, *arguments]


def locust_arguments(
    locustfile: Path,
    host: str,
    users: int | None,
    spawn_rate: float | None,
    tags: Sequence[str],
    exclude_tags: Sequence[str],
    args: Sequence[str],
) -> list[str]:
    """Locust's command line. What isn't given stays with the user's own locust.conf, pyproject.toml or LOCUST_*."""
    arguments: list[str] = []
    # these take any number of values: another flag must come before the user's own positional arguments
    if tags:
        arguments += ["--tags", *tags]
    if exclude_tags:
        arguments += ["--exclude-tags", *exclude_tags]
    if users is not None:
        arguments += ["--users", str(users)]
    if spawn_rate is not None:
        arguments += ["--spawn-rate", f"{spawn_rate:g}"]
    if _has(args, "--processes") and not _has(args, _MASTER_HOST) and "LOCUST_MASTER_BIND_HOST" not in os.environ:
        # Locust's default is all interfaces, without authentication, and these workers are on this machine
        arguments += [_MASTER_HOST, "127.0.0.1"]
    # --autostart too: with --headful among the user's arguments the load would wait for a click
    return [*arguments, "--host", host, "--locustfile", str(locustfile), "--headless", "--autostart", *args]


def _has(args: Sequence[str], option: str) -> bool:
    return any(a == option or a.startswith(f"{option}=") for a in args)
