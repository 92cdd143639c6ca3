"""The TCP connections of a process on this machine, as /proc tells: who listens on a port, where it is connected to."""

from __future__ import annotations

import contextlib
import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ESTABLISHED, _LISTEN = "01", "0A"
_PROC = Path("/proc")
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Socket:
    """A line of /proc/net/tcp: `inode` leads to the processes that hold it."""

    local: Address
    remote: Address
    state: str
    inode: str


def connections_of_listener(port: int, to_port: int) -> frozenset[Address] | None:
    """Our ends of all connections to port `to_port` of the process that listens on `port`; None where this system does
    not tell, or the process is another user's, or there is none."""
    sockets = tuple(_sockets())
    listening = {s.inode for s in sockets if s.state == _LISTEN and s.local[1] == port}
    held = _held_with(listening)
    if held is None:
        return None
    wanted = (s for s in sockets if s.state == _ESTABLISHED and s.remote[1] == to_port)
    return frozenset(s.local for s in wanted if s.inode in held)


def _sockets() -> Iterator[Socket]:
    for table in ("net/tcp", "net/tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / table).read_text().splitlines()[1:]:
                fields = line.split()
                yield Socket(_address(fields[1]), _address(fields[2]), fields[3], fields[9])


def _address(text: str) -> Address:
    """ "0100007F:1538" is 127.0.0.1:5432: words in the machine's own byte order; IPv4 inside IPv6 as IPv4."""
    words, _, port = text.partition(":")
    packed = b"".join(struct.pack("=I", int(words[i : i + 8], 16)) for i in range(0, len(words), 8))
    ip = ipaddress.ip_address(packed)
    mapped = getattr(ip, "ipv4_mapped", None)
    return str(mapped or ip), int(port, 16)


def _held_with(inodes: set[str]) -> frozenset[str] | None:
    """The inodes of all sockets of the process that holds one of `inodes`."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in _PROC.iterdir() if _PROC.exists() else ():
        if process.name.isdigit():
            targets = _targets(process / "fd")
            if targets & wanted:
                return frozenset(t[8:-1] for t in targets if t.startswith("socket:["))
    return None


def _targets(folder: Path) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in folder.iterdir():
            with contextlib.suppress(OSError):
                found.add(str(descriptor.readlink()))
    return found
