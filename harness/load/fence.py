"""Keeps the load inside the target's allow-list. Runs in the load process.

An audit hook of the interpreter sees every connect that a Python socket makes, whichever client and whichever level
of gevent it comes from, with the IP address that was looked up before; it can't be taken off again. What libraries in C
do on their own (libpq, gRPC) passes it by.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent

from harness.errors import NotAllowed
from harness.load.locust_command import ALLOW_OPTION
from harness.reach.allow_list import AllowList, mend_for
from harness.reach.ip_address import Address, meant

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_DNS_PORT = 53
_SPELT = {"": "0.0.0.0", "<broadcast>": "255.255.255.255", "<any>": "0.0.0.0"}  # noqa: S104 - read, not bound


class OutsideAllowList(PermissionError):
    """A connect to an address outside the target's allow list; no packet was sent."""


class Fence:
    """`refused` hears of each connect that is kept back: "host:port". It is called in the caller's greenlet or thread,
    and must neither wait nor raise."""

    def __init__(self, entries: Sequence[str], refused: Callable[[str], None]) -> None:
        self._allow = AllowList(entries)
        self._refused = refused

    def put_up(self) -> None:
        """From now on, and in every process that is forked."""
        resolver: Any = gevent.config.resolver
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            setattr(resolver, name, self._listening(getattr(resolver, name)))
        sys.addaudithook(self._look)

    def _look(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in _EVENTS:
            return
        sock, address = args[0], args[1]
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            return  # a unix socket, or a packet on a connection that was looked at
        host, port = str(address[0]), int(address[1])
        if sock.type == socket.SOCK_DGRAM and port == _DNS_PORT:
            return
        ip = _ip(_SPELT.get(host, host))
        # a bare name comes only from a socket past gevent: it is looked up below us
        if self._allow.permits(ip) if ip is not None else self._allow.has_name(host):
            return
        host = str(meant(ip)) if ip is not None else host
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._refused(where)
        mend = mend_for(host if ip is None else meant(ip))
        raise OutsideAllowList(errno.EACCES, f"{where} is outside the target's allow list: {mend}")

    def _listening(self, lookup: Any) -> Any:
        """A look-up that remembers what allowed names answer with."""

        @functools.wraps(lookup)
        def looked_up(resolver: Any, host: Any, *args: Any, **options: Any) -> Any:
            answer = lookup(resolver, host, *args, **options)
            name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
            if isinstance(name, str) and self._allow.has_name(name):
                self._learn(name, tuple(_addresses(answer)))
            return answer

        return looked_up

    def _learn(self, name: str, addresses: tuple[Address, ...]) -> None:
        try:
            self._allow.judge(name, addresses, 0)
        except NotAllowed:
            return  # the connect will say so


def taken_from(argv: list[str]) -> tuple[str, ...]:
    """The entries at the beginning of the arguments, taken out of `argv` (which begins with the program's name)."""
    entries = []
    while len(argv) > 1 and argv[1].startswith(ALLOW_OPTION):
        entries.append(argv.pop(1).removeprefix(ALLOW_OPTION))
    return tuple(entries)


def _addresses(answer: Any) -> Iterator[Address]:
    """Of what getaddrinfo, gethostbyname or gethostbyname_ex answered."""
    if isinstance(answer, str):
        texts = [answer]
    elif isinstance(answer, tuple):
        texts = list(answer[2])
    else:
        texts = [str(info[4][0]) for info in answer]
    yield from (ip for text in texts if (ip := _ip(text)) is not None)


def _ip(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
