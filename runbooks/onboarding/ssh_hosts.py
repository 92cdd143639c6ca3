"""Hosts reached over SSH, by address or by their name in an ssh_config."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import paramiko

from harness.errors import BadInput, GamedayError
from harness.reach.ssh_route import Hop, SshRoute
from runbooks.onboarding.lookup import check_address
from runbooks.onboarding.platform import FoundHost, Place
from runbooks.parsing.address import read_ssh

USERS_OWN = Path("~/.ssh/config")
_FLAG = "--ssh"
_SHARED_KNOWN_HOSTS = "/etc/ssh"
_NAMED = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)


class SshConfig:
    """`path` None: the user's own, if there is any. The user's own is honoured by the doors: a target names its hosts.
    What another file says is written into the target, since nothing leads there."""

    def __init__(self, path: Path | None) -> None:
        own = USERS_OWN.expanduser()
        self._is_own = path is None or (own.exists() and path.resolve() == own.resolve())
        self._path = own if path is None else path
        self._parsed = paramiko.SSHConfig()
        if path is not None or own.is_file():
            self._read()

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that it names, without patterns."""
        return tuple(sorted(name for name in self._parsed.get_hostnames() if not re.search(r"[*?!\s]", name)))

    def host(self, written: str, taken: Iterable[str]) -> FoundHost:
        """ "deploy@10.0.0.5:22", "app-1" of the ssh_config, or either after a name: "web=deploy@10.0.0.5".

        Raises BadInput for what is no destination or has no address.
        """
        named = _NAMED.fullmatch(written)
        destination = named[2] if named else written
        try:
            read_ssh(destination)
            hops = SshRoute(self._path if self._path.is_file() else None, None, None).hops(destination)
        except ValueError as error:
            what, _, mend = str(error).partition(" -> ")
            raise BadInput(what, where=_FLAG, mend=mend) from None
        except GamedayError as error:
            raise BadInput(error.what, where=error.where or _FLAG, mend=error.mend) from error
        if len(hops) == 1:
            mend = f"write user@host:port, or name it in {USERS_OWN} or with --ssh-config"
            check_address(hops[0].host, f"{_FLAG} {written}", mend=mend)
        allow = tuple(hop.host for hop in hops)
        name = _name(named[1] if named else destination, taken)
        if self._is_own or destination.rpartition("@")[2].partition(":")[0] not in self.names:
            return FoundHost(name, destination, allow)
        return self._written_out(name, hops, allow)

    def _written_out(self, name: str, hops: tuple[Hop, ...], allow: tuple[str, ...]) -> FoundHost:
        hop = hops[-1]
        if len(hops) > 1 or hop.proxy_command:
            what = f"the way to {name} has a ProxyJump or a ProxyCommand, which a target can't say"
            raise BadInput(what, where=str(self._path), mend=f"put it into {USERS_OWN}, which is honoured")
        own_keys = [path for path in hop.known_hosts if not str(path).startswith(_SHARED_KNOWN_HOSTS)]
        users_own = str(Path("~/.ssh/known_hosts").expanduser())
        known = next((str(path) for path in own_keys if str(path) != users_own), "")
        return FoundHost(
            name=name,
            ssh=f"{hop.user}@{Place(hop.host, hop.port)}",
            allow=allow,
            identity=str(hop.identities[0].absolute()) if hop.identities else "",
            known_hosts="" if known.endswith("known_hosts2") else known,
        )

    def _read(self) -> None:
        try:
            with self._path.open(encoding="utf-8", errors="replace") as lines:
                self._parsed.parse(lines)
        except OSError as error:
            mend = "name another with --ssh-config"
            what = f"the ssh_config can't be read: {error.strerror}"
            raise BadInput(what, where=str(self._path), mend=mend) from error
        except (paramiko.ssh_exception.ConfigParseError, ValueError) as error:
            raise BadInput(
                f"no ssh_config: {error}", where=str(self._path), mend="name another with --ssh-config"
            ) from None


def _name(text: str, taken: Iterable[str]) -> str:
    """A host's name in the target: "deploy@10.0.0.5:22" is "10-0-0-5"."""
    host = text.rpartition("@")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    base = re.sub(r"[^A-Za-z0-9_-]", "-", host).strip("-") or "host"
    base = f"host-{base}" if base in ("database", "cache") else base
    used = set(taken)
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(used) + 3))) if name not in used)
