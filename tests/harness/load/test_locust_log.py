from pathlib import Path

import pytest

from harness.load.locust_log import last_useful_line, last_useful_line_of

STAMP = "[2026-11-22 12:31:24,259] vm"
TABLE = (
    "Type     Name     # reqs\n--------|-----\nGET      /ok    8   8(100.00%) |   8\n         Aggregated   8 0 | 2\n"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{STAMP}/ERROR/locust.main: No User class found!\n", "No User class found!"),
        (f"{STAMP}/INFO/locust.main: --run-time limit reached, shutting down\n"
         f"{STAMP}/INFO/locust.main: Shutting down (exit code 0)\n{TABLE}Error report\n3  GET /x: HTTPError('500')\n",
         "--run-time limit reached, shutting down"),
        ("Traceback (most recent call last):\n  File 'x.py', line 3\n    raise\nValueError: no error here\n",
         "ValueError: no error here"),
        ("locust: error: unrecognized arguments: --foo\nDid you mean '--force'?\n",
         "locust: error: unrecognized arguments: --foo"),
        ("hello from the user's file\n", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_last_line_that_says_something(text: str, said: str) -> None:
    assert last_useful_line_of(text) == said


def test_a_log_that_is_absent_or_no_text_says_nothing(tmp_path: Path) -> None:
    assert last_useful_line(tmp_path / "absent") == ""
    (tmp_path / "binary").write_bytes(b"\xff\xfe" * 100_000)
    assert last_useful_line(tmp_path / "binary") == ""
