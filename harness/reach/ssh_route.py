"""The way to an SSH host: its address and the user's ssh_config read into a chain of hops, checked by the allow-list.

Fabric's own reading of ProxyJump goes through the hops in reverse order, and goes directly (silently) when a hop's
host equals the target's; so the chain is made here and each hop gets its socket handed.
"""

from __future__ import annotations

import getpass
import ipaddress
import shlex
from dataclasses import dataclass
from pathlib import Path

import paramiko

from harness.errors import NotAllowed, ReachFailed
from harness.reach.allow_list import AllowList, mend_for

_DEFAULT_CONFIGS = ("~/.ssh/config", "/etc/ssh/ssh_config")
_DEFAULT_KNOWN_HOSTS = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
_DEFAULT_GLOBAL_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
_MOST_HOPS = 8


@dataclass(frozen=True, slots=True)
class Hop:
    """One SSH server on the way. `key_host`: the name its key is known by. `proxy_command`: reaches it instead of a
    TCP connection of ours."""

    host: str
    port: int
    user: str
    key_host: str
    identities: tuple[Path, ...] = ()
    identities_only: bool = False
    known_hosts: tuple[Path, ...] = ()
    proxy_command: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Address:
    user: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> _Address:
        """ "user@host:port" with user and port optional, IPv6 with a port in brackets."""
        user, _, place = text.removeprefix("ssh://").rstrip("/").rpartition("@")
        host, port = place, ""
        if place.startswith("["):
            host, _, port = place[1:].partition("]")
            port = port.removeprefix(":")
        elif place.count(":") == 1:
            host, _, port = place.partition(":")
        if not host or host.startswith("-") or (port and not (port.isdigit() and 0 < int(port) < 65536)):
            raise ReachFailed(f"{text!r} is no SSH address", where=text, mend="write user@host:port")
        return cls(user, host, int(port) if port else None)


class SshRoute:
    """Reads hops out of the user's ssh_config. `identity` and `known_hosts` are the target's and hold for the host
    itself; its gateways take theirs from ssh_config, and trust `known_hosts` as well."""

    def __init__(self, ssh_config: Path | None, identity: Path | None, known_hosts: Path | None) -> None:
        self._config = _read_config(ssh_config)
        self._identity = identity
        self._known_hosts = known_hosts

    def hops(self, address: str) -> tuple[Hop, ...]:
        """The servers to go through, the host itself last. Raises ReachFailed for a route that makes no sense."""
        return self._chain(address, self._identity, depth=0)

    def _chain(self, text: str, identity: Path | None, depth: int) -> tuple[Hop, ...]:
        if depth > _MOST_HOPS:
            raise ReachFailed("ProxyJump goes round in circles", where=text, mend="look at ProxyJump in the ssh_config")
        address = _Address.parse(text)
        options = self._config.lookup(address.host)
        hop = self._hop(address, options, identity)
        jumps = [j.strip() for j in options.get("proxyjump", "none").split(",")]
        if jumps == ["none"] or not jumps[0]:
            return (hop,)
        before: tuple[Hop, ...] = self._chain(jumps[0], None, depth + 1)
        for jump in jumps[1:]:
            parsed = _Address.parse(jump)
            before += (self._hop(parsed, self._config.lookup(parsed.host), None),)
        return (*before, hop)

    def _hop(self, address: _Address, options: paramiko.SSHConfigDict, identity: Path | None) -> Hop:
        host = str(options.get("hostname", address.host))
        files = [Path(f) for f in options.get("identityfile", [])]
        jumps = options.get("proxyjump", "none") != "none"
        command = str(options.get("proxycommand", "none"))
        return Hop(
            host=host,
            port=address.port or int(options.get("port", 22)),
            user=address.user or str(options.get("user", "")) or getpass.getuser(),
            key_host=str(options.get("hostkeyalias", host)),
            identities=(identity,) if identity else tuple(f for f in files if f.is_file()),
            identities_only=identity is not None or options.get("identitiesonly", "no") == "yes",
            known_hosts=self._known_hosts_files(options),
            proxy_command="" if jumps or command == "none" else command,
        )

    def _known_hosts_files(self, options: paramiko.SSHConfigDict) -> tuple[Path, ...]:
        if self._known_hosts is not None:
            return (self._known_hosts.expanduser(),)
        names = str(options.get("userknownhostsfile", _DEFAULT_KNOWN_HOSTS))
        shared = str(options.get("globalknownhostsfile", _DEFAULT_GLOBAL_KNOWN_HOSTS))
        return tuple(Path(n).expanduser() for n in shlex.split(f"{names} {shared}") if n != "none")


def check_behind_gateway(allow: AllowList, hop: Hop) -> None:
    """A host behind a gateway is resolved there, not here: its literal name or IP address must be allowed."""
    if allow.has_name(hop.host):
        return
    try:
        ipaddress.ip_address(hop.host)
    except ValueError:
        raise NotAllowed(
            f"the host {hop.host}, resolved behind a gateway, is not in the target's allow list",
            where=str(hop),
            mend=mend_for(hop.host),
        ) from None
    allow.resolve(hop.host, hop.port)


def _read_config(path: Path | None) -> paramiko.SSHConfig:
    config = paramiko.SSHConfig()
    files = [path.expanduser()] if path else [Path(p).expanduser() for p in _DEFAULT_CONFIGS]
    for file in files:
        if not path and not file.is_file():
            continue
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                config.parse(lines)
        except (OSError, paramiko.ssh_exception.ConfigParseError) as error:
            raise ReachFailed(f"the ssh_config could not be read: {error}", where=str(file)) from error
    return config
