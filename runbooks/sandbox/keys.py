"""SSH keys of one sandbox: made for it and gone with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An ed25519 key: `private` is its file (0600), `public` its line in OpenSSH's form."""

    private: Path
    public: str

    @classmethod
    def make(cls, private: Path) -> KeyPair:
        key = Ed25519PrivateKey.generate()
        handle = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.OpenSSH,
                    serialization.NoEncryption(),
                )
            )
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return cls(private=private, public=public.decode())


def known_hosts_line(host: str, port: int, key: KeyPair) -> str:
    """The host's line in known_hosts."""
    return f"[{host}]:{port} {key.public}\n"
