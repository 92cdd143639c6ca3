"""Whether a process holds a listening port: an answer on the port alone doesn't say whose it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_LISTEN = "0A"
_NET = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def holds_listener(pid: int, port: int) -> bool | None:
    """True or False; None where this system does not tell."""
    if not _NET[0].exists():
        return None
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        return None
    except OSError:
        return False
    return any(_target(d) in inodes for d in descriptors)


def _listening(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen on `port`."""
    for table in _NET:
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _target(descriptor: Path) -> str:
    with contextlib.suppress(OSError):
        return str(descriptor.readlink())
    return ""
