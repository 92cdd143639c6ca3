"""The door to a host over SSH, built on Fabric's Connection.

What Fabric and paramiko leave open is closed here: host keys are verified (on gateways too), the address is checked
against the allow-list, and nothing waits past its deadline. paramiko has waits without any timeout (key exchange,
exec request, exit status), so one rule covers all: at the deadline the connection is closed, whatever it is doing.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Final

import paramiko

from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.in_time import in_time
from harness.reach.remote_command import CommandResult
from harness.reach.ssh_exchange import SshExchange
from harness.reach.ssh_failure import mapped
from harness.reach.ssh_link import SshLink
from harness.reach.ssh_route import SshRoute
from harness.reach.ssh_stream import SshStream

__all__ = ["CommandResult", "SshDoor"]

MAX_BYTES: Final = 4 * 1024 * 1024
MOST_COMMANDS: Final = 8  # sshd's default MaxSessions is 10
_SOFT_END_S: Final = 0.25
_PAUSE_S: Final = 0.05
_FIRST_SESSION_S: Final = 1.0


class _NoSession(Exception):
    """No channel was opened, so that no command was sent: it may be tried again."""


class SshDoor:
    """One host. Thread-safe: commands run in parallel on channels of one connection.

    `address` is "user@host:port" or a name in the user's ssh_config, which is honoured (HostName, Port, User,
    IdentityFile, IdentitiesOnly, ProxyJump, ProxyCommand, HostKeyAlias, UserKnownHostsFile; the agent). `identity`
    and `known_hosts` go over it. `warnings`: lines of known_hosts files that were sorted out.
    """

    def __init__(
        self,
        name: str,
        address: str,
        *,
        allow: AllowList,
        identity: Path | None = None,
        known_hosts: Path | None = None,
        ssh_config: Path | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.warnings: tuple[str, ...] = ()
        self._allow = allow
        self._identity = identity.expanduser() if identity else None
        self._known_hosts = known_hosts
        self._ssh_config = ssh_config
        self._where = f"{name} ({address})"
        self._connecting = threading.Lock()
        self._link: SshLink | None = None
        self._free = threading.BoundedSemaphore(MOST_COMMANDS)

    def open(self, deadline: Deadline) -> None:
        """Connect and authenticate; nothing to do when connected.

        Raises NotAllowed, HostKeyRefused, ReachTimeout or ReachFailed.
        """
        self._connected(deadline)

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = MAX_BYTES, input: bytes = b"") -> CommandResult:  # noqa: A002 - as in subprocess.run
        """Run `command` with the host's `sh`. A connection that died is made anew; a command is never sent twice.

        At most `max_bytes` of standard output are kept, then the command is ended and its `exit_code` is -1. Raises
        ReachTimeout when it does not end before `deadline` (it is ended at the other end), and what `open` raises.
        """
        if not self._free.acquire(timeout=deadline.left_s()):
            raise self._late("too many commands were running on the host at once")
        try:
            return self._run(command, deadline, max_bytes, input)
        finally:
            self._free.release()

    def stream(self, command: str, deadline: Deadline) -> SshStream:
        """Start a command that is talked to while it runs; closing it closes this connection. Raises as `open` does."""
        link = self._connected(deadline)
        try:
            stream = SshStream(self._session(link, deadline), self._where, link.close)
        except _NoSession as error:
            raise mapped(error.args[0], self._where) from error
        stream.start(command, deadline)
        return stream

    def close(self) -> None:
        """Close the connection and its gateways; never waits. A later `run` connects anew."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _run(self, command: str, deadline: Deadline, max_bytes: int, fed: bytes) -> CommandResult:
        shown = command if len(command) <= 80 else f"{command[:77]}..."
        late = f"the command did not end in time: {shown}"
        # a little sooner than the deadline: a command that is only slow need not cost the connection
        soft = Deadline(deadline.at_boot_s - min(_SOFT_END_S, deadline.left_s() / 10))

        for last in (False, True):
            link = self._connected(deadline)
            try:
                work = partial(self._exchange, link, soft, command, max_bytes, fed)
                result = in_time(work, timeout_s=deadline.left_s(), where=self._where, release=link.close, what=late)
            except _NoSession as error:
                if last or link.alive:
                    raise mapped(error.args[0], self._where) from error
                continue
            except Exception as error:
                raise mapped(error, self._where) from error
            if result is not None:
                return result
            break
        raise self._late(late)

    def _exchange(
        self, link: SshLink, deadline: Deadline, command: str, max_bytes: int, fed: bytes
    ) -> CommandResult | None:
        return SshExchange(self._session(link, deadline), deadline, max_bytes).play(command, fed)

    def _session(self, link: SshLink, deadline: Deadline) -> object:
        """A new channel; where the host allows no more of them, one of ours is awaited (MaxSessions)."""
        pause = threading.Event()
        # a host that allows none at all is not waited for; another thread may just be getting the first
        first = Deadline.after(_FIRST_SESSION_S)
        while True:
            try:
                return link.session(deadline)
            except (paramiko.SSHException, OSError, EOFError) as error:
                # paramiko mixes up the errors of parallel refusals: only the connection's life tells them apart
                refused = link.alive and (link.gave_session or not first.passed)
                if not refused or deadline.passed:
                    raise _NoSession(error) from error
            pause.wait(_PAUSE_S)

    def _connected(self, deadline: Deadline) -> SshLink:
        if not self._connecting.acquire(timeout=deadline.left_s()):
            raise self._late("another attempt to connect was still under way")
        try:
            if self._link is not None and self._link.alive:
                return self._link
            self.close()
            link = SshLink(self._allow)
            try:
                in_time(
                    lambda: self._connect(link, deadline),
                    timeout_s=deadline.left_s(),
                    where=self._where,
                    release=link.close,
                    what="no connection in time",
                )
            except Exception as error:
                raise mapped(error, self._where) from error
            self.warnings = link.warnings
            self._link = link
            return link
        finally:
            self._connecting.release()

    def _connect(self, link: SshLink, deadline: Deadline) -> None:
        if self._identity is not None and not self._identity.is_file():
            raise ReachFailed(
                "the identity file does not exist", where=str(self._identity), mend="check identity: in the target file"
            )
        route = SshRoute(self._ssh_config, self._identity, self._known_hosts)
        link.connect(route.hops(self.address), deadline)

    def _late(self, what: str) -> ReachTimeout:
        return ReachTimeout(what, where=self._where, mend="see whether the host is overloaded or cut off")
