"""One SSH connection through its gateways, made with Fabric, and all that must be closed with it."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import fabric
import paramiko

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.known_hosts import KnownHosts, KnownHostsPolicy
from harness.reach.ssh_route import Hop, check_behind_gateway

# without a handler, paramiko's tracebacks of its own threads would be printed on the user's terminal
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class SshLink:
    """A chain of connections, each one inside the one before. `close` may be called from any thread and at any
    moment, also in the middle of `connect`, which it ends: that is how deadlines are kept.

    `gave_session`: the host has opened at least one session, so that a refusal later means "not so many at once".
    """

    def __init__(self, allow: AllowList) -> None:
        self.warnings: tuple[str, ...] = ()
        self.gave_session = False
        self._allow = allow
        self._connections: list[Any] = []
        self._closers: list[Callable[[], object]] = []
        self._closed = False
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        """False once any of the connections has ended; a host that is only silent counts as alive."""
        return not self._closed and bool(self._connections) and all(c.is_connected for c in self._connections)

    def connect(self, hops: tuple[Hop, ...], deadline: Deadline) -> None:
        """Connect through `hops`; what was opened is closed again when one fails."""
        try:
            for hop in hops:
                self._connect(hop, self._way_to(hop, deadline), deadline)
        except BaseException:
            self.close()
            raise

    def session(self, deadline: Deadline) -> Any:
        """A new channel for one command."""
        channel = self._connections[-1].transport.open_session(timeout=_at_least(deadline.left_s()))
        self.gave_session = True
        return channel

    def close(self) -> None:
        """End everything, the innermost first. Never waits for the host."""
        with self._lock:
            self._closed = True
            closers = tuple(self._closers)
        for closer in reversed(closers):
            # each is closed whatever became of the others, and nobody can mend one that fails
            with contextlib.suppress(Exception):
                closer()

    def _way_to(self, hop: Hop, deadline: Deadline) -> object:
        """A connected socket, or what paramiko takes for one, that leads to `hop`."""
        if self._connections:
            check_behind_gateway(self._allow, hop)
            gateway = self._connections[-1].transport
            return gateway.open_channel(
                "direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=_at_least(deadline.left_s())
            )
        if hop.proxy_command:
            check_behind_gateway(self._allow, hop)
            proxy = paramiko.ProxyCommand(hop.proxy_command)
            self._keep(lambda: _end(proxy))
            return proxy
        address = self._allow.resolve(hop.host, hop.port)
        sock = socket.create_connection((address, hop.port), timeout=_at_least(deadline.left_s()))
        self._keep(sock.close)
        # paramiko leaves Nagle's algorithm on, which costs 40 ms at each small exchange
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _connect(self, hop: Hop, sock: object, deadline: Deadline) -> None:
        known = KnownHosts.read(hop.known_hosts)
        self.warnings += known.warnings

        def transport(sock: object, **options: object) -> paramiko.Transport:
            made = paramiko.Transport(sock, **options)
            security = made.get_security_options()
            security.key_types = known.algorithms(hop.key_host, hop.port, security.key_types)
            return made

        left_s = _at_least(deadline.left_s())
        connection = fabric.Connection(
            hop.host,
            user=hop.user,
            port=hop.port,
            gateway=False,
            # no configuration of Fabric's own: what holds is the target file and the ssh_config, read by the route
            config=fabric.Config(ssh_config=paramiko.SSHConfig(), lazy=True),
            # a fresh dict each time, because Fabric writes into it
            connect_kwargs={
                "sock": sock,
                "timeout": left_s,
                "banner_timeout": left_s,
                "auth_timeout": left_s,
                "channel_timeout": left_s,
                "key_filename": [str(path) for path in hop.identities],
                "allow_agent": not hop.identities_only,
                "look_for_keys": not hop.identities_only,
                "transport_factory": transport,
            },
        )
        # the client's own key lists stay empty, so that every key comes to the policy
        connection.client.set_missing_host_key_policy(KnownHostsPolicy(known, hop.key_host, hop.port))
        self._keep(connection.client.close)
        connection.open()
        self._connections.append(connection)

    def _keep(self, closer: Callable[[], object]) -> None:
        with self._lock:
            self._closers.append(closer)
            closed = self._closed
        if closed:
            closer()
            raise ReachFailed("the connection was closed while it was made")


def _end(proxy: paramiko.ProxyCommand) -> None:
    proxy.process.kill()
    for pipe in (proxy.process.stdin, proxy.process.stdout, proxy.process.stderr):
        pipe.close()
    proxy.process.wait(timeout=1)


def _at_least(seconds: float) -> float:
    """A timeout of 0 would mean "do not block" or "for ever" to the libraries."""
    return max(seconds, 0.001)
