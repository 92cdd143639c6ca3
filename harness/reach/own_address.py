"""Whether an address is one of this machine's own."""

from __future__ import annotations

import ipaddress
import socket


def is_own(address: str) -> bool:
    """True for loopback and for the addresses of our interfaces: only such can be bound to. `address` is an IP
    address, as `AllowList.resolve` gives it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback:
        return True
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError:
        return False
    return True
