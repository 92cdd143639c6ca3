from pathlib import Path

import pytest

from harness.load.locust_log import last_useful_line, last_useful_line_of, last_words

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


@pytest.mark.parametrize(
    ("exit_code", "said"),
    [
        (-9, "killed by SIGKILL; before that it said: All users spawned"),
        (-11, "killed by SIGSEGV; before that it said: All users spawned"),
        (-40, "killed by signal 40; before that it said: All users spawned"),
        (1, "All users spawned"),
    ],
)
def test_a_signal_that_killed_it_comes_before_its_last_line(tmp_path: Path, exit_code: int, said: str) -> None:
    log = tmp_path / "locust.log"
    log.write_text(f"{STAMP}/INFO/locust.runners: All users spawned\n")
    assert last_words(exit_code, log) == said


def test_a_signal_is_told_of_a_load_that_said_nothing(tmp_path: Path) -> None:
    assert last_words(-9, tmp_path / "absent") == "killed by SIGKILL"
