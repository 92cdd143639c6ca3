"""Addresses as people write them in a target: host:port, web addresses, DSNs, SSH destinations.

Each reader raises ValueError with "what -> mend", and never repeats a value that may hold a secret.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import psycopg
from psycopg import conninfo

from harness.reach.allow_list import split_address

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_INLINE_PASSWORD = re.compile(r"://[^:/@\s]*:(?P<url>[^@\s]+)@|\bpassword\s*=\s*(?P<key>[^\s&]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where TCP goes; `passwords` are the secrets that came with it."""

    host: str
    port: int
    passwords: tuple[str, ...] = ()


def read_address(text: str) -> Address:
    """host:port."""
    host, port = split_address(text)
    if not _is_host(host):
        raise ValueError(f"{text!r} is no address -> write host:port")
    return Address(host, port)


def read_web(text: str, schemes: tuple[str, ...] = ("http", "https")) -> Address:
    """A web address without user, query and fragment."""
    parts = _split(text, schemes, f"{schemes[0]}://127.0.0.1:8000")
    if parts.username or parts.password:
        raise ValueError("holds a user or a password -> take it out: Locust files log in by themselves")
    if parts.query or parts.fragment:
        raise ValueError("has a query or a fragment -> write scheme, host, port and path only")
    return Address(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))


def read_redis(text: str) -> Address:
    """redis:// or rediss://."""
    parts = _split(text, ("redis", "rediss"), "redis://127.0.0.1:6379/0")
    password = parts.password or ""
    return Address(str(parts.hostname), parts.port or 6379, _forms(password))


def read_dsn(text: str) -> Address:
    """A PostgreSQL URL or key=value string that leads to one TCP address."""
    mend = "write postgresql://user@127.0.0.1:5432/name"
    try:
        params = {key: str(value) for key, value in conninfo.conninfo_to_dict(text).items() if value is not None}
    except psycopg.Error:
        raise ValueError(f"can't be read as a DSN -> {mend}") from None
    host, port = params.get("hostaddr") or params.get("host", ""), params.get("port", "5432")
    if not host or host.startswith(("/", "@")):
        raise ValueError(f"leads to a unix socket, and a fault can only sit on TCP -> {mend}")
    if "," in host + port or not port.isdigit() or not _is_host(host):
        raise ValueError(f"must name one host and one port -> {mend}")
    return Address(host, int(port), _forms(params.get("password", "")))


def read_ssh(text: str) -> Address | None:
    """user@host:port; None for what may be a name of the user's ssh_config."""
    _, _, host = text.rpartition("@")
    if re.search(r"\s", text) or text.startswith(("-", "@")) or host.startswith("-") or not host:
        raise ValueError(f"{text!r} is no SSH destination -> write user@host:port or a name from your ssh_config")
    bare = host.strip("[]")
    if _is_ip(bare):
        return Address(bare, 22)
    if ":" not in host:
        if not _is_host(host):
            raise ValueError(f"{text!r} is no SSH destination -> write user@host:port or a name from your ssh_config")
        return None
    return read_address(host)


def check_allowed(entry: str) -> None:
    """An entry of `allow`: a network, an address or a host name."""
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        looks_numeric = re.fullmatch(r"[0-9./:]+|(0x[0-9a-f]+\.?|[0-9]+\.?)+", entry.lower()) is not None
        if looks_numeric or "/" in entry or ":" in entry or not _is_host(entry):
            raise ValueError(
                f"{entry!r} is no network and no host name -> write 127.0.0.0/8, 10.1.2.3 or db.example.org"
            ) from None


def inline_password(written: str) -> bool:
    """Whether a password stands in the file itself."""
    match = _INLINE_PASSWORD.search(written)
    return match is not None and "${" not in (match["url"] or match["key"])


def is_literal(host: str) -> bool:
    """Whether `host` is an IP address rather than a name."""
    return _is_ip(host)


def _split(text: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    wrong = ValueError(f"is no {schemes[0]} address -> write {example}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in schemes or not parts.hostname or not _is_host(parts.hostname) or port == 0:
        raise wrong
    return parts


def _forms(password: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for form in (password, unquote(password)) if form))


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_host(host: str) -> bool:
    return _is_ip(host) or _HOST_NAME.fullmatch(host) is not None
