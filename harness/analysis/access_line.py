"""A line of a web server's access log: nginx's and Apache's combined format, with the times that people add, or JSON.

nginx names `$request_time` (from the client's first byte to the answer's last) and `$upstream_response_time`, which
holds one time for each server that was asked: "0.010, 0.200 : 0.050" (nginx docs, ngx_http_upstream_module).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_COMBINED = re.compile(
    r'^\S+ \S+ .*?\[(?P<at>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>[1-5]\d\d) (?P<bytes>\d+|-)(?P<rest>.*)$'
)
_REFERER_AND_AGENT = re.compile(r'^ "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"')
_TIMES = r"[\d.]+(?:\s*[,:]\s*(?:[\d.]+|-))*|-"
_REQUEST_TIME = re.compile(rf'\b(?:rt|request_time|req_time)[=:]\s*"?({_TIMES})"?')
_UPSTREAM_TIME = re.compile(rf'\b(?:urt|upstream_response_time|upstream_time)[=:]\s*"?({_TIMES})"?')
_BARE = re.compile(r'(?<![\w.=:"])"?(\d+\.\d{3})"?(?![\w.])')


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One answered request. Times in seconds; None where the log doesn't say."""

    method: str
    path: str  # without the query
    status: int
    request_s: float | None
    upstream_s: float | None


def read_access_line(text: str) -> AccessLine | None:
    """The line read; None for a line of another kind."""
    if text.startswith("{"):
        return _from_json(text)
    match = _COMBINED.match(text)
    if match is None:
        return None
    rest = _REFERER_AND_AGENT.sub("", match["rest"])
    request_s, upstream_s = _times(rest)
    return _line(match["request"], int(match["status"]), request_s, upstream_s)


def _times(rest: str) -> tuple[float | None, float | None]:
    """By their names; else the first two bare times with three decimals, as nginx writes them."""
    named, upstream = _REQUEST_TIME.search(rest), _UPSTREAM_TIME.search(rest)
    if named or upstream:
        return (_seconds(named[1]) if named else None), (_seconds(upstream[1]) if upstream else None)
    bare = [float(found) for found in _BARE.findall(rest)]
    return (bare[0] if bare else None), (bare[1] if len(bare) > 1 else None)


def _seconds(text: str) -> float | None:
    """The sum over the servers that were asked; None where none was."""
    try:
        parts = [float(part) for part in re.split(r"[,:]", text) if part.strip() not in ("", "-")]
    except ValueError:
        return None
    return sum(parts) if parts else None


def _from_json(text: str) -> AccessLine | None:
    try:
        said = json.loads(text)
        status = int(said["status"])
    except (ValueError, TypeError, KeyError):
        return None
    request = said.get("request") or f"{said.get('request_method', '')} {said.get('request_uri', said.get('uri', ''))}"
    times = (_seconds(str(said.get(key, "-"))) for key in ("request_time", "upstream_response_time"))
    request_s, upstream_s = times
    return _line(str(request), status, request_s, upstream_s) if 100 <= status <= 599 else None


def _line(request: str, status: int, request_s: float | None, upstream_s: float | None) -> AccessLine:
    method, _, rest = request.partition(" ")
    return AccessLine(method, rest.partition(" ")[0].partition("?")[0], status, request_s, upstream_s)
