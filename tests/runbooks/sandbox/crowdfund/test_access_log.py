"""The access log is nginx's combined format, and nobody can forge a line in it."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest

from runbooks.sandbox.crowdfund.access_log import AccessLog, access_line
from runbooks.sandbox.crowdfund.upstream_time import upstream

COMBINED = re.compile(
    r'(?P<client>\S+) - - \[(?P<at>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "(?P<request>[^"]*)" '
    r'(?P<status>\d{3}) (?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)" '
    r"rt=(?P<rt>\d+\.\d{3}) urt=(?P<urt>\d+\.\d{3})\n"
)


def _scope(**changed: Any) -> dict[str, Any]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/apps/",
        "raw_path": b"/api/v1/apps/",
        "query_string": b"page=2",
        "http_version": "1.1",
        "client": ("127.0.0.1", 5),
        "headers": [(b"user-agent", b"locust")],
    }
    return {**scope, **changed}


def test_a_line_reads_as_nginx_writes_it() -> None:
    found = COMBINED.fullmatch(access_line(_scope(), 200, 17, 0.0526, 0.05))
    assert found is not None
    assert found["request"] == "GET /api/v1/apps/?page=2 HTTP/1.1"
    assert (found["status"], found["bytes"], found["referer"], found["agent"]) == ("200", "17", "-", "locust")
    assert (found["rt"], found["urt"]) == ("0.053", "0.050")


def test_quotes_and_line_breaks_of_a_client_are_escaped() -> None:
    scope = _scope(headers=[(b"user-agent", b'x" 200 1\n127.0.0.1 - - forged')])
    line = access_line(scope, 404, 0, 0.0, 0.0)
    found = COMBINED.fullmatch(line)
    assert found is not None
    assert line.count("\n") == 1
    assert found["agent"] == r"x\x22 200 1\x0A127.0.0.1 - - forged"


def _serve(app: Any, log: io.StringIO) -> str:

    async def run() -> None:
        async def nothing(*_: Any) -> Any:
            return None

        await AccessLog(app, log)(_scope(), nothing, nothing)

    asyncio.run(run())
    return log.getvalue()


def test_upstream_time_is_what_was_waited_for_upstreams() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with upstream():
            await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"four"})

    found = COMBINED.fullmatch(_serve(app, io.StringIO()))
    assert found is not None
    assert (found["status"], found["bytes"]) == ("201", "4")
    assert 0.05 <= float(found["urt"]) <= float(found["rt"]) < 1


def test_a_request_that_never_got_an_answer_is_logged_as_499() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionResetError

    log = io.StringIO()
    with pytest.raises(ConnectionResetError):
        _serve(app, log)
    assert '" 499 0 "' in log.getvalue()
