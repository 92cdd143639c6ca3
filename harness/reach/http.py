"""The door to a web address: one GET with a total deadline; redirects and the environment's proxies don't count."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.in_time import in_time

MAX_BODY_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
_STATUS_LINE_BYTES = len("HTTP/1.1 200 OK\r\n\r\n")
T = TypeVar("T")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"
_MEND = 'write a web address such as "http://127.0.0.1:8000/"'


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. `elapsed_ms` runs from opening the connection to the end of the body (its first MiB); the
    name look-up is not in it. `received_bytes`: the header and that body, about."""

    status: int
    elapsed_ms: float
    received_bytes: int = 0


@dataclass(frozen=True, slots=True)
class HttpPage:
    """What came back, with its body: `truncated` when it was longer than asked for and is cut off."""

    status: int
    body: bytes
    truncated: bool = False
    missing_bytes: int = 0  # what the answer's own header promised, and the connection's end took away
    header_bytes: int = 0


@dataclass(slots=True)
class _Link:
    """The socket in use, reachable for whoever must cut it off."""

    sockets: list[socket.socket] = field(default_factory=list)
    # a socket that is cut off while it is being wrapped in TLS would be left open by ssl
    wrapping: threading.Lock = field(default_factory=threading.Lock)

    def cut_off(self) -> None:
        with self.wrapping:
            for sock in self.sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


def probe(
    url: str,
    *,
    allow: AllowList,
    timeout_s: float,
    via: tuple[str, int] | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> HttpAnswer:
    """GETs `url` and answers with its status, whatever it is, within `timeout_s` in all.

    `via` is where TCP goes instead (a proxy); Host and TLS keep the URL's name. Raises ReachFailed or ReachTimeout
    with host:port, NotAllowed for an address outside the list.
    """
    parts, port = _parts(url)
    host, port = via or (parts.hostname or "", port)
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def exchange(link: _Link, deadline: Deadline) -> HttpAnswer:
        address = allow.resolve(host, port)
        begun = boot_s()
        page = _get(parts, (address, port), link, deadline, headers)
        elapsed_ms = (boot_s() - begun) * 1000
        if page.missing_bytes:
            raise ReachFailed(f"the answer was cut off, {page.missing_bytes} bytes before its end", where=where)
        return HttpAnswer(page.status, elapsed_ms, received_bytes=page.header_bytes + len(page.body))

    return _in_time(exchange, where, timeout_s)


def fetch(
    url: str,
    *,
    allow: AllowList,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BODY_BYTES,
) -> HttpPage:
    """GETs `url` and answers with its status and at most `max_bytes` of its body, within `timeout_s` in all.

    Raises what `probe` raises.
    """
    parts, port = _parts(url)
    host = parts.hostname or ""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def exchange(link: _Link, deadline: Deadline) -> HttpPage:
        return _get(parts, (allow.resolve(host, port), port), link, deadline, headers or {}, max_bytes)

    return _in_time(exchange, where, timeout_s)


def _in_time(exchange: Callable[[_Link, Deadline], T], where: str, timeout_s: float) -> T:
    link, deadline = _Link(), Deadline.after(timeout_s)
    try:
        return in_time(lambda: exchange(link, deadline), timeout_s=timeout_s, where=where, release=link.cut_off)
    except TimeoutError as error:
        raise ReachTimeout(f"no answer within {timeout_s:g} s", where=where) from error
    except ssl.SSLCertVerificationError as error:
        mend = "add the platform's certificate authority to this machine (SSL_CERT_FILE)"
        raise ReachFailed(
            f"the certificate was not accepted: {error.verify_message}", where=where, mend=mend
        ) from error
    except http.client.HTTPException as error:
        raise ReachFailed(f"the answer is no HTTP: {type(error).__name__}", where=where) from error
    except OSError as error:
        raise ReachFailed(error.strerror or str(error) or type(error).__name__, where=where) from error
    except ValueError:
        # http.client refuses line breaks in headers; its message repeats them, and they may be secret
        raise ReachFailed("the request can't be written", where=where, mend="check the address and the token") from None


def _parts(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise ReachFailed("the web address can't be read", mend=_MEND) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ReachFailed("the web address can't be read", mend=_MEND)
    return parts, port


def _get(
    parts: SplitResult,
    address: tuple[str, int],
    link: _Link,
    deadline: Deadline,
    headers: Mapping[str, str] = MappingProxyType({}),
    max_bytes: int = MAX_BODY_BYTES,
) -> HttpPage:
    sock = socket.create_connection(address, timeout=max(0.001, deadline.left_s()))
    link.sockets.append(sock)
    connection = http.client.HTTPConnection(*address)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            with link.wrapping:
                sock = context.wrap_socket(sock, server_hostname=parts.hostname, do_handshake_on_connect=False)
                link.sockets.append(sock)
            sock.do_handshake()
        connection.sock = sock
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", quote(path, safe=_URL_SAFE), headers={**_headers(parts), **headers})
        with connection.getresponse() as response:
            return _page(response, deadline, max_bytes)
    finally:
        connection.close()
        sock.close()


def _page(response: http.client.HTTPResponse, deadline: Deadline, max_bytes: int) -> HttpPage:
    chunks: list[bytes] = []
    left = max_bytes
    while left > 0 and not deadline.passed and (chunk := response.read(min(left, _CHUNK_BYTES))):
        chunks.append(chunk)
        left -= len(chunk)
    # one more byte would tell for certain, and might be waited for: a full measure counts as cut off
    return HttpPage(
        response.status,
        b"".join(chunks),
        truncated=left <= 0,
        missing_bytes=(response.length or 0) if left > 0 else 0,
        header_bytes=sum(len(name) + len(value) + 4 for name, value in response.getheaders()) + _STATUS_LINE_BYTES,
    )


def _headers(parts: SplitResult) -> dict[str, str]:
    netloc = parts.netloc.rpartition("@")[2]
    headers = {"Host": netloc, "User-Agent": "gameday", "Accept": "*/*", "Connection": "close"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return headers
