"""How Locust is started: our arguments first, the user's own last."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import BadInput
from harness.load.load_spec import LoadSpec

_MASTER_HOST = "--master-bind-host"
_MASTER_PORTS = ("--master-bind-port", "--master-port")
_LOOPBACK = "127.0.0.1"
ALLOW_OPTION = "--gameday-allow="
"""How the allow-list travels on the command line of an entry of ours, once for each entry."""


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


def allow_arguments(allow: Sequence[str]) -> list[str]:
    """The allow-list for an entry of ours, before Locust's own arguments; none: the load may go anywhere."""
    return [f"{ALLOW_OPTION}{entry}" for entry in allow]


def locust_arguments(spec: LoadSpec) -> list[str]:
    """Locust's command line. What isn't given stays with the user's own locust.conf, pyproject.toml or LOCUST_*."""
    arguments: list[str] = []
    # these take any number of values: another flag must come before the user's own positional arguments
    if spec.tags:
        arguments += ["--tags", *spec.tags]
    if spec.exclude_tags:
        arguments += ["--exclude-tags", *spec.exclude_tags]
    if spec.users is not None:
        arguments += ["--users", str(spec.users)]
    if spec.spawn_rate is not None:
        arguments += ["--spawn-rate", f"{spec.spawn_rate:g}"]
    arguments += _several(spec.processes, spec.args)
    return [*arguments, "--host", spec.host, "--locustfile", str(spec.locustfile), *_page(spec.web_port), *spec.args]


def _several(processes: int | None, args: Sequence[str]) -> list[str]:
    """Several load processes: their master listens on this machine alone, on a port of its own."""
    own = _has(args, "--processes")
    arguments = [] if processes is None or own else ["--processes", str(processes)]
    if not arguments and not own:
        return []
    if not _has(args, _MASTER_HOST) and "LOCUST_MASTER_BIND_HOST" not in os.environ:
        # Locust's default is all interfaces, without authentication, and these workers are on this machine
        arguments += [_MASTER_HOST, _LOOPBACK]
    if not any(_has(args, port) for port in _MASTER_PORTS) and "LOCUST_MASTER_BIND_PORT" not in os.environ:
        # Locust's default is one number for all: a second game day on this machine could not begin
        arguments += [word for port in (_free_port(),) for option in _MASTER_PORTS for word in (option, str(port))]
    return arguments


def _page(web_port: int | None) -> list[str]:
    # --autostart without a page too: with --headful among the user's arguments the load would wait for a click
    if web_port is None:
        return ["--headless", "--autostart"]
    # --headful: a `headless = true` in the user's own configuration would leave the page out
    return ["--headful", "--autostart", "--web-host", _LOOPBACK, "--web-port", str(web_port)]


def _free_port() -> int:
    with socket.create_server((_LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


def _has(args: Sequence[str], option: str) -> bool:
    return any(a == option or a.startswith(f"{option}=") for a in args)
