"""The SSH host keys that this machine knows, and the check that refuses all others.

An own reader, because paramiko's gives up the whole file at one `@revoked` line and knows neither patterns nor
several keys of one type (a key rotation): then a good host would be refused, or a file not read at all.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.errors import HostKeyRefused

_MARKERS = ("@revoked", "@cert-authority")
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


class OfferedKey(Protocol):
    """What paramiko hands over as the server's key."""

    def get_name(self) -> str: ...
    def asbytes(self) -> bytes: ...


def fingerprint(blob: bytes) -> str:
    """The fingerprint as `ssh-keygen -l` prints it: SHA256:..."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def host_name(host: str, port: int) -> str:
    """The name of a host in known_hosts: `host`, or `[host]:port` when the port is not 22."""
    host = host.lower()
    return host if port == 22 else f"[{host}]:{port}"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One line of a known_hosts file."""

    names: str
    key_type: str
    blob: bytes
    revoked: bool
    place: str

    def is_for(self, name: str) -> bool:
        """Whether the line's names match `name`: plain, hashed, with globs, or taken back by a `!`."""
        if self.names.startswith("|1|"):
            return _hash_matches(self.names, name)
        found = False
        for pattern in self.names.lower().split(","):
            if _glob(pattern.removeprefix("!")).fullmatch(name):
                if pattern.startswith("!"):
                    return False
                found = True
        return found


class KnownHosts:
    """What known_hosts files say. `warnings` tells of lines that were sorted out."""

    def __init__(self, keys: Iterable[KnownKey], files: Sequence[Path] = (), warnings: Iterable[str] = ()) -> None:
        self._keys = tuple(keys)
        self.files = tuple(files)
        self.warnings = tuple(warnings)

    @classmethod
    def read(cls, files: Sequence[Path]) -> KnownHosts:
        """Read files as OpenSSH has them; one that is not there holds no keys."""
        keys: list[KnownKey] = []
        warnings: list[str] = []
        for file in files:
            try:
                lines = file.read_bytes().splitlines()
            except FileNotFoundError:
                continue
            except OSError as error:
                warnings.append(f"{file}: not read: {error.strerror}")
                continue
            for number, line in enumerate(lines, 1):
                text = line.decode("utf-8", "replace").strip()
                if not text or text.startswith("#"):
                    continue
                parsed = _parse(text, f"{file}:{number}")
                if isinstance(parsed, KnownKey):
                    keys.append(parsed)
                else:
                    warnings.append(f"{file}:{number}: {parsed}")
        return cls(keys, files, warnings)

    def keys_of(self, host: str, port: int) -> tuple[KnownKey, ...]:
        """The keys that may identify `host`; those noted for its port win over those without one."""
        for name in dict.fromkeys((host_name(host, port), host.lower())):
            keys = tuple(k for k in self._keys if not k.revoked and k.is_for(name))
            if keys:
                return keys
        return ()

    def algorithms(self, host: str, port: int, offered: Sequence[str]) -> tuple[str, ...]:
        """`offered` host key algorithms, those of the known keys first: else a host with several keys shows
        the wrong one."""
        known: list[str] = []
        for key in self.keys_of(host, port):
            known += _RSA_SIGNATURES if key.key_type == "ssh-rsa" else (key.key_type,)
        first = [a for a in dict.fromkeys(known) if a in offered]
        return (*first, *(a for a in offered if a not in first))

    def verify(self, host: str, port: int, key_type: str, blob: bytes) -> None:
        """Raise HostKeyRefused unless `blob` is a key of `host` that is known and not revoked."""
        where = host_name(host, port)
        shown = f"{key_type} {fingerprint(blob)}"
        names = (where, host.lower())
        for revoked in self._keys:
            if revoked.revoked and revoked.blob == blob and any(revoked.is_for(n) for n in names):
                raise HostKeyRefused(f"the host key {shown} is revoked by {revoked.place}", where=where)
        known = self.keys_of(host, port)
        if any(hmac.compare_digest(k.blob, blob) for k in known):
            return
        exact = any(k.is_for(where) for k in known)
        if known and exact:
            raise self._changed(where, shown, known, self.files[0] if self.files else None)
        raise self._unknown(host, port, shown, key_type)

    def _changed(self, where: str, shown: str, known: Sequence[KnownKey], file: Path | None) -> HostKeyRefused:
        noted = "; ".join(f"{k.key_type} {fingerprint(k.blob)} in {k.place}" for k in known)
        option = f" -f {file}" if file else ""
        return HostKeyRefused(
            f"the host key has CHANGED: it shows {shown}, known is {noted}",
            where=where,
            mend="someone may stand in between; if the host was set up anew, compare the fingerprint on the host "
            f"itself, then forget the old key: ssh-keygen -R '{where}'{option}",
        )

    def _unknown(self, host: str, port: int, shown: str, key_type: str) -> HostKeyRefused:
        file = self.files[0] if self.files else Path("~/.ssh/known_hosts")
        kind = key_type.split("-")[1] if key_type.startswith("ssh-") else "ecdsa"
        return HostKeyRefused(
            f"the host key {shown} is unknown",
            where=host_name(host, port),
            mend="compare the fingerprint with the one that "
            f"`ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` prints on the host; if it is the same: "
            f"ssh-keyscan -t {kind} -p {port} {host} >> {file} (or once: ssh -p {port} {host})",
        )


class KnownHostsPolicy:
    """paramiko's MissingHostKeyPolicy for a client whose own key lists are empty: so every key comes here.

    `host` and `port` are the names to look up, which a HostKeyAlias can make differ from the address.
    """

    def __init__(self, known: KnownHosts, host: str, port: int) -> None:
        self._known = known
        self._host = host
        self._port = port

    def missing_host_key(self, client: object, hostname: str, key: OfferedKey) -> None:
        """Called by paramiko after the key exchange, before any authentication."""
        del client, hostname
        self._known.verify(self._host, self._port, key.get_name(), key.asbytes())


def _parse(text: str, place: str) -> KnownKey | str:
    """A line as a key, or what is wrong with it."""
    fields = text.split(None, 3)
    marker = ""
    if fields[0].startswith("@"):
        marker = fields[0]
        fields = text.split(None, 4)[1:]
    if marker and marker not in _MARKERS:
        return f"unknown marker {marker}: sorted out"
    if marker == "@cert-authority":
        return "host certificates are not supported: sorted out"
    if len(fields) < 3:
        return "not a known_hosts line: sorted out"
    try:
        blob = base64.b64decode(fields[2], validate=True)
    except (binascii.Error, ValueError):
        return "the key is not base64: sorted out"
    # a key's blob begins with its own type: a line that says another one is broken or forged
    length = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + length] != fields[1].encode():
        return f"the key is not of type {fields[1]}: sorted out"
    return KnownKey(fields[0], fields[1], blob, revoked=marker == "@revoked", place=place)


def _hash_matches(hashed: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hashed[3:].split("|"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def _glob(pattern: str) -> re.Pattern[str]:
    """OpenSSH's patterns: only * and ? are special, brackets are not."""
    return re.compile("".join({"*": ".*", "?": "."}.get(c) or re.escape(c) for c in pattern), re.DOTALL)
