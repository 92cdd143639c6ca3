"""What an IP address means, beyond how it is written."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_IPV4_BITS = 32
_CARRIERS: tuple[tuple[ipaddress.IPv6Network, int], ...] = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 96),  # IPv4-mapped: the kernel itself speaks IPv4 then
    (ipaddress.IPv6Network("64:ff9b::/96"), 96),  # NAT64, RFC 6052: a gateway does
    (ipaddress.IPv6Network("2002::/16"), 16),  # 6to4, RFC 3056
)
"""IPv6 networks that carry an IPv4 address, and the bit where it begins."""


def meant(address: Address) -> Address:
    """The address whose machine is reached: the IPv4 address that an IPv4-mapped one is, and loopback for 0.0.0.0 and
    :: (connecting to these reaches the machine itself). A NAT64 or 6to4 address stays: see `judged_as`."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not address.is_unspecified:
        return address
    return ipaddress.IPv4Address("127.0.0.1") if address.version == 4 else ipaddress.IPv6Address("::1")


def judged_as(address: Address) -> Address:
    """The address by which it is decided whether it is allowed: for one that carries an IPv4 address, that one."""
    address = meant(address)
    if isinstance(address, ipaddress.IPv6Address):
        for network, begin in _CARRIERS:
            if address in network:
                return meant(ipaddress.IPv4Address((int(address) >> (128 - begin - _IPV4_BITS)) & 0xFFFF_FFFF))
    return address


def meant_network(network: Network) -> Network:
    """The same for an entry of the list: a part of an IPv6 network that carries IPv4 addresses is that IPv4 network."""
    if isinstance(network, ipaddress.IPv6Network):
        for carrier, begin in _CARRIERS:
            if network.subnet_of(carrier):
                first = (int(network.network_address) >> (128 - begin - _IPV4_BITS)) & 0xFFFF_FFFF
                return ipaddress.IPv4Network((first, min(_IPV4_BITS, network.prefixlen - begin)), strict=False)
    return network


def described(address: Address) -> str:
    """The address, with the one that it is judged as where that is another."""
    other = judged_as(address)
    return str(address) if other == address else f"{address} (which means {other})"


def sort_of(address: Address) -> str:
    """ "loopback", "link-local", "private" or "public"."""
    address = judged_as(address)
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    return "private" if address.is_private else "public"
