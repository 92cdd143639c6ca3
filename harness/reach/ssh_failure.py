"""What paramiko and the socket raise, as errors that a person can act on."""

from __future__ import annotations

import socket

import paramiko

from harness.errors import GamedayError, ReachFailed, ReachTimeout

_KEY_MEND = "check user and key with `ssh`: the key must be in the agent, in the ssh_config or given as identity:"
_BUSY_MEND = "see whether the host is overloaded or cut off"

# (the exception, what it means, the mend); the first that fits
_MEANINGS: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        paramiko.PasswordRequiredException,
        "the private key has a passphrase",
        "put it into the ssh-agent: ssh-add <key>",
    ),
    (paramiko.AuthenticationException, "the host does not take our user or key", _KEY_MEND),
    (
        paramiko.ssh_exception.IncompatiblePeer,
        "the host speaks outdated algorithms only",
        "it needs rsa-sha2, ecdsa or ed25519 host keys and a key exchange newer than SHA-1",
    ),
    (
        paramiko.ChannelException,
        "the host allows no more sessions",
        "raise MaxSessions in its sshd_config, or look at AllowTcpForwarding on a gateway",
    ),
    (ConnectionRefusedError, "nothing listens there", "check that sshd runs, and the port"),
    (socket.gaierror, "the name has no address", "check the name in the target file"),
    (FileNotFoundError, "a file is missing", "check identity: and known_hosts: in the target file"),
)


def mapped(error: Exception, where: str) -> GamedayError:
    """`error` as one of ours; errors of ours come back as they are, with their place filled in."""
    if isinstance(error, GamedayError):
        error.where = error.where or where
        return error
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, TimeoutError) or "timeout" in text.lower() or "No existing session" in text:
        # paramiko says "Authentication timeout." and "No existing session" when the host is just silent
        return ReachTimeout(f"the host does not answer ({text})", where=where, mend=_BUSY_MEND)
    for kind, meaning, mend in _MEANINGS:
        if isinstance(error, kind):
            return ReachFailed(f"{meaning} ({text})", where=where, mend=mend)
    if "protocol banner" in text:
        return ReachFailed(
            f"no SSH server answers there ({text})",
            where=where,
            mend="check the port; a busy sshd drops new connections, too (MaxStartups)",
        )
    return ReachFailed(f"the SSH connection failed: {text}", where=where, mend=_BUSY_MEND)
