"""The target's allow-list: no door opens to an address outside it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from harness.errors import NotAllowed, ReachFailed
from harness.reach.ip_address import Address, Network, described, judged_as, meant, meant_network, sort_of


class AllowList:
    """Networks in CIDR notation, or host names that are allowed as they are written.

    An address is judged as what it means: IPv4 inside IPv6 is that IPv4 address, and 0.0.0.0 is this machine. A name
    is allowed with whatever addresses it answers, but it keeps to the sorts of its first answer (public, private,
    link-local, loopback): a name that turns from the internet to this machine is somebody's trick or mistake.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(entries)
        self._networks: list[Network] = []
        self._names: set[str] = set()
        self._sorts: dict[str, frozenset[str]] = {}  # by allowed name: what its first answer was
        self._answered: set[Address] = set()  # by allowed names
        for entry in self.entries:
            try:
                self._networks.append(meant_network(ipaddress.ip_network(entry, strict=False)))
            except ValueError:
                self._names.add(_plain_name(entry))

    def resolve(self, host: str, port: int) -> str:
        """The allowed IP address of `host` to connect to (so that no second look-up can answer otherwise).

        Raises NotAllowed when any address of the host is outside the list, ReachFailed when it has none.
        """
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ReachFailed(
                f"the name {host} has no address: {error}",
                where=f"{host}:{port}",
                mend="check the name in the target file",
            ) from error
        addresses = [meant(ipaddress.ip_address(str(info[4][0]))) for info in infos]
        self.judge(host, addresses, port)
        return str(addresses[0])

    def judge(self, host: str, addresses: Iterable[Address], port: int) -> None:
        """Raises NotAllowed unless `host` may be connected to at each of the addresses that it answers with."""
        outside = [address for address in map(meant, addresses) if not self._in_networks(address)]
        if not outside:
            return
        name = _plain_name(host)
        if name not in self._names:
            raise _not_allowed(f"the address {described(outside[0])} is outside the target's allow list",
                               outside[0], f"{host}:{port}")  # fmt: skip
        first = self._sorts.setdefault(name, frozenset(map(sort_of, outside)))
        strange = [address for address in outside if sort_of(address) not in first]
        if strange:
            what = f"{host} answers with {strange[0]} ({sort_of(strange[0])}) now; its first answer was " \
                f"{' and '.join(sorted(first))}"  # fmt: skip
            raise _not_allowed(what, strange[0], f"{host}:{port}")
        self._answered.update(outside)

    def permits(self, address: Address) -> bool:
        """Whether a bare IP address lies in the list's networks, or was answered by a name that is in it."""
        address = meant(address)
        return self._in_networks(address) or address in self._answered

    def has_name(self, host: str) -> bool:
        """Whether a host name is allowed as it is written."""
        return _plain_name(host) in self._names

    def _in_networks(self, address: Address) -> bool:
        address = judged_as(address)
        return any(address in network for network in self._networks if network.version == address.version)


def mend_for(place: Address | str) -> str:
    """What a person writes or types so that an address, or a host name, is allowed."""
    entry = place if isinstance(place, str) else f"{str(place).partition('%')[0]}/{place.max_prefixlen}"
    return f'add "{entry}" to allow: in the target file if the game day may touch it, or type --allow {entry}'


def _not_allowed(what: str, address: Address, where: str) -> NotAllowed:
    return NotAllowed(what, where=where, mend=mend_for(address))


def _plain_name(host: str) -> str:
    """Without case, and without the dot that only says that the name is whole."""
    return host.lower().removesuffix(".")


def split_address(text: str) -> tuple[str, int]:
    """ "host:port" or "[v6]:port" as host and port; ValueError says what is wrong."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no address: write host:port")
    return host, int(port)
