"""Access logs as people configure them: status, path and times are read, and other lines are left alone."""

from __future__ import annotations

import pytest

from harness.analysis.access_line import AccessLine, read_access_line

HEAD = '203.0.113.9 - ada [22/Nov/2026:10:00:00 +0000] "GET /api/v1/apps/?page=2 HTTP/1.1" 502 157 "-" "curl/8"'


@pytest.mark.parametrize(
    ("tail", "request_s", "upstream_s"),
    [
        ("", None, None),
        (" rt=0.250 urt=0.200", 0.25, 0.2),
        (' rt=1.204 uct="0.001" uht="1.203" urt="1.203"', 1.204, 1.203),
        (" request_time=0.5 upstream_response_time=0.1, 0.2 : 0.1", 0.5, pytest.approx(0.4)),
        (" rt=0.003 urt=-", 0.003, None),
        (" 0.512 0.498", 0.512, 0.498),
        (' "0.512" "0.498"', 0.512, 0.498),
        (" 0.004 -", 0.004, None),
        (" rt=9.9.9", None, None),
    ],
)
def test_the_times_are_found_however_they_are_named(tail: str, request_s: float, upstream_s: float) -> None:
    assert read_access_line(HEAD + tail) == AccessLine("GET", "/api/v1/apps/", 502, request_s, upstream_s)


def test_a_quote_in_the_request_does_not_end_it() -> None:
    line = read_access_line('::1 - - [22/Nov/2026:10:00:00 +0000] "GET /a\\"b 200 HTTP/1.1" 404 0 "-" "-"')
    assert line is not None
    assert (line.path, line.status) == ('/a\\"b', 404)


def test_json_lines_are_understood_by_nginx_names() -> None:
    times = '"request_time":"10.1","upstream_response_time":"-"'
    text = f'{{"request_method":"POST","request_uri":"/pay?x=1","status":"499",{times}}}'
    assert read_access_line(text) == AccessLine("POST", "/pay", 499, 10.1, None)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", '{"status": "up"}', '{"status": 999}', "[]", "GET /api 200", '{"status": null}'),
        "2026/11/22 10:00:00 [error] 12#12: *1 upstream timed out",
    ],
)
def test_another_line_is_none(text: str) -> None:
    assert read_access_line(text) is None
