"""What a person types to speak to a Toxiproxy server, safe to paste: names on a server may be anybody's."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from urllib.parse import quote


def delete(api_url: str, *path: str) -> str:
    """A DELETE of `path`, its parts as they are."""
    return shlex.join(["curl", "-X", "DELETE", _url(api_url, path)])


def post(api_url: str, *path: str, body: Mapping[str, object]) -> str:
    """A POST of `body` as JSON."""
    return shlex.join(["curl", "-X", "POST", "-d", json.dumps(body, separators=(",", ":")), _url(api_url, path)])


def _url(api_url: str, path: tuple[str, ...]) -> str:
    return "/".join([api_url, *(quote(part, safe="") for part in path)])
