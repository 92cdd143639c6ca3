"""Passwords and the tokens that a login gives out. Tokens are signed, so checking one needs no database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

_ROUNDS = 2_000  # practice passwords: a login must not be the load test's bottleneck
TOKEN_LIFETIME_S = 24 * 3600


def password_hash(password: str, salt: str) -> str:
    """PBKDF2-SHA256 in hex, as the investors table holds it."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ROUNDS).hex()


def password_matches(password: str, salt: str, stored: str) -> bool:
    return hmac.compare_digest(password_hash(password, salt), stored)


class Tokens:
    """Makes and reads tokens: "<investor>.<expiry>.<signature>"; expiry in seconds on the monotonic clock."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def issue(self, investor_id: int) -> str:
        body = f"{investor_id}.{int(time.monotonic()) + TOKEN_LIFETIME_S}"
        return f"{body}.{self._signature(body)}"

    def investor(self, token: str) -> int | None:
        """The investor it was issued to, or None when it is forged, expired or no token."""
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(body).encode(), signature.encode()):
            return None
        investor_id, _, expiry = body.partition(".")
        return int(investor_id) if int(expiry) > time.monotonic() else None

    def _signature(self, body: str) -> str:
        digest = hmac.new(self._secret, body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def bearer(header: str) -> str:
    """The token of an Authorization header, or ""."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
