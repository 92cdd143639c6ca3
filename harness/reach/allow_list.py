"""The target's allow-list: no door opens to an address outside it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from harness.errors import NotAllowed, ReachFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AllowList:
    """Networks in CIDR notation, or host names that are allowed as they are written."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(entries)
        self._networks: list[Network] = []
        self._names: set[str] = set()
        for entry in self.entries:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def resolve(self, host: str, port: int) -> str:
        """The allowed IP address of `host` to connect to (so that no second look-up can answer otherwise).

        Raises NotAllowed when any address of the host is outside the list, ReachFailed when it has none.
        """
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ReachFailed(
                f"the name {host} has no address: {error}",
                where=f"{host}:{port}",
                mend="check the name in the target file",
            ) from error
        addresses = [_plain(ipaddress.ip_address(str(info[4][0]).split("%")[0])) for info in infos]
        if host.lower() not in self._names:
            for address in addresses:
                if not any(address in n for n in self._networks if n.version == address.version):
                    raise NotAllowed(
                        f"the address {address} is outside the target's allow list",
                        where=f"{host}:{port}",
                        mend=f'add "{address}/{address.max_prefixlen}" to allow: in the target file if '
                        "the game day may touch it",
                    )
        return str(addresses[0])


def _plain(address: Address) -> Address:
    """IPv4-mapped IPv6 addresses are the IPv4 addresses they stand for."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def split_address(text: str) -> tuple[str, int]:
    """ "host:port" or "[v6]:port" as host and port; ValueError says what is wrong."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no address: write host:port")
    return host, int(port)
