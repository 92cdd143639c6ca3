"""Lines that say the same are of one kind, whatever their numbers; lines that belong to another have none."""

from __future__ import annotations

import pytest

from harness.analysis.log_kind import LogKind, kind_of, masked


@pytest.mark.parametrize(
    ("line", "severity", "text"),
    [
        (
            "2026/11/22 10:00:00 [error] 31#31: *7 upstream timed out (110: Connection timed out) while reading, "
            'client: 10.0.0.1, server: _, request: "GET / HTTP/1.1"',
            "error",
            "upstream timed out (#: Connection timed out) while reading",
        ),
        (
            "2026/11/22 10:00:00 [warn] 31#31: 1024 worker_connections exceed open file resource limit: 512",
            "warning",
            "# worker_connections exceed open file resource limit: #",
        ),
        (
            "2026-11-22 10:00:00.123 UTC [77] shop@shop app FATAL:  sorry, too many clients already",
            "error",
            "sorry, too many clients already",
        ),
        (
            "2026-11-22 10:00:00.123 UTC [77] LOG:  process 47 still waiting for ShareLock on transaction 9 after 1 s",
            "info",
            "process # still waiting for ShareLock on transaction # after #",
        ),
        (
            "2026-11-22 10:00:00,123 ERROR shop.service: PoolTimeout: couldn't get a connection after 1.00 sec",
            "error",
            "shop.service: PoolTimeout: couldn't get a connection after # sec",
        ),
        ("2026-11-22 10:00:00,123 WARNING shop: retry 3 of 5", "warning", "shop: retry # of #"),
        ('{"ts": 1, "level": "error", "msg": "payment 17 failed"}', "error", "payment # failed"),
        ("2026-11-22T10:00:00Z worker 3 started", "info", "worker # started"),
    ],
)
def test_the_formats_that_people_meet(line: str, severity: str, text: str) -> None:
    kind = kind_of(line)
    assert kind is not None
    assert (kind.severity, kind.text) == (severity, text)


@pytest.mark.parametrize(
    "line",
    [
        *("", "   ", '  File "a.py", line 3, in pay', "\tat com.example.Pay(Pay.java:3)", "ValueError: no such thing"),
        "2026-11-22 10:00:00 UTC [1] DETAIL:  Key (id)=(3)",
    ],
)
def test_what_belongs_to_the_line_above_has_no_kind(line: str) -> None:
    assert kind_of(line) is None


def test_numbers_ids_and_quoted_values_do_not_make_a_new_kind() -> None:
    one = 'user 17 paid "10.00" with 5f0c7d8e-0000-4000-8000-0123456789ab from 10.0.0.7:4431 in 12 ms'
    two = 'user 9 paid "7" with 00000000-0000-4000-8000-ffffffffffff from 192.168.1.1:80 in 1.5 s'
    assert masked(one) == masked(two)
    assert "10.00" not in masked(one)


def test_a_very_long_line_is_of_bounded_length() -> None:
    kind = kind_of("2026-11-22 10:00:00 ERROR " + "x" * 5000)
    assert isinstance(kind, LogKind)
    assert len(kind.text) <= 160
