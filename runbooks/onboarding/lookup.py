"""Whether a name has an address on this machine."""

from __future__ import annotations

import socket

from harness.errors import BadInput


def has_address(host: str) -> bool:
    """Asks the resolver, in its own time."""
    try:
        return bool(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False


def check_address(host: str, flag: str, *, mend: str = "") -> None:
    """Raises BadInput for a name that has none."""
    if not has_address(host):
        what = f"the name {host} has no address on this machine"
        raise BadInput(what, where=flag, mend=mend or "check the name, or your resolver")
