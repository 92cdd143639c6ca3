"""The shell programs that are sent to a host: the values of a fault, the guardian, and what the fault's kind does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

MARK = "=gameday="
"""On the command line of each of our processes, so that the watch over the host's processes leaves them out."""

SCRIPTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "process-pause": ("process_pause.sh",),
        "service-stop": ("service_stop.sh",),
        "host-cpu": ("cpu_pressure.sh",),
        "host-memory": ("memory_pressure.sh",),
        "host-disk": ("disk_file.sh", "disk_pressure.sh"),
        "host-disk-io": ("disk_file.sh", "disk_io_pressure.sh"),
        "host-network": ("network_delay.sh",),
    }
)
"""What each kind's program is made of, beside the guardian."""

_GUARDIAN = "guardian.sh"
_LAST = 'main "$@"'
_NAME = re.compile(r"[a-z_]+")

# in a session of its own: a server that kills the process which it has started does not kill the guardian with it
_BESIDE = f"exec 3<&0; setsid sh ./guardian {MARK} guard <&3 3<&- & wait $!"
# /tmp/gameday-... is made by mkdir, which follows no link and takes no folder that is there already
_START = (
    'umask 077; mkdir "$1" && cd "$1" && printf "%s" "$2" >guardian || {{ echo "failed no folder could be made at $1"; '
    "exit 9; }}; exec sh -c {beside} {mark}"
)


def program(kind: str, values: Mapping[str, str]) -> str:
    """The program of a fault: self-contained, for `sh`; its first argument is the role that it plays."""
    assert all(_NAME.fullmatch(name) for name in values)
    header = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    body = [line for file in (_GUARDIAN, *SCRIPTS[kind]) for line in _lines(file)]
    return "\n".join([*header, *body, _LAST, ""])


def start_command(folder: str, text: str) -> str:
    """What the guardian is started with, in a folder made for it; its standard input is the channel."""
    script = _START.format(beside=shlex.quote(_BESIDE), mark=MARK)
    return " ".join(["exec sh -c", *(shlex.quote(part) for part in (script, MARK, folder, text))])


def ask_command(role: str, *arguments: str) -> str:
    """What plays another role of the program, which comes on its standard input."""
    return " ".join(["sh -s", MARK, role, *arguments])


def _lines(file: str) -> list[str]:
    """Without what only people read: the program stands in a command line for a moment."""
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    return [line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith("#")]
