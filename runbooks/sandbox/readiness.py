"""Whether a server on loopback is ready, asked once and answered soon."""

from __future__ import annotations

import http.client
import socket

from runbooks.sandbox.port import LOOPBACK

_ANSWER_S = 0.25


def answers_http(port: int, path: str) -> bool:
    """200 to a GET."""
    asked = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_S)
    try:
        asked.request("GET", path)
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def greets_as_ssh(port: int) -> bool:
    """The first words of an SSH server."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_ANSWER_S) as asked:
            asked.settimeout(_ANSWER_S)
            return asked.recv(8).startswith(b"SSH-2.0-")
    except OSError:
        return False
