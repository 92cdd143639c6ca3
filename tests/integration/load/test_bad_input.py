"""A load that can't be: each slip is told with its place."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from played_load import LOCUSTFILES, Load

from harness.clock import Deadline, boot_s
from harness.errors import BadInput, GamedayError, LoadFailed
from harness.load.locust_file import LocustFileFacts, inspect
from harness.load.locust_process import LocustProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(100)]


def refusal(call: Callable[[], object]) -> GamedayError:
    with pytest.raises(GamedayError) as raised:
        call()
    assert "Traceback" not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value


BROKEN = {
    "raises.py": ("import locust\n\nprices = {}\nprices['gold']\n", "KeyError: 'gold'", "raises.py:4"),
    "no_user.py": ("answer = 42\n", "User class", "no_user.py"),
    "absent.py": (None, "does not exist", "absent.py"),
    "wrong_ending.txt": ("answer = 42\n", "Could not find", "wrong_ending.txt"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_locust_file_that_cannot_be_loaded_is_bad_input_with_its_place(load: Load, tmp_path: Path, name: str) -> None:
    text, what, where = BROKEN[name]
    if text is not None:
        (tmp_path / name).write_text(text)
    error = refusal(lambda: inspect(tmp_path / name, (), tmp_path, Deadline.after(15)))
    assert isinstance(error, BadInput)
    assert what in error.what
    assert error.where.endswith(where)
    if name == "raises.py":
        assert what in refusal(lambda: load.start(tmp_path / name)).what
        assert load.process
        assert not load.process.alive


def test_an_error_deep_in_the_users_own_modules_names_that_place(tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text("def of(app):\n    return {}[app]\n")
    (tmp_path / "top.py").write_text("import prices\nprices.of('x')\n")
    error = refusal(lambda: inspect(tmp_path / "top.py", (), tmp_path, Deadline.after(15)))
    assert error.where.endswith("prices.py:2")


def test_a_locust_file_that_hangs_at_import_is_bad_input_by_the_deadline(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text("import subprocess\nsubprocess.run(['sleep', '30'])\n")
    begun = boot_s()
    error = refusal(lambda: inspect(tmp_path / "hangs.py", (), tmp_path, Deadline.after(2.5)))
    assert isinstance(error, BadInput)
    assert boot_s() - begun < 4


def test_arguments_that_locust_refuses_are_bad_input(load: Load) -> None:
    file = LOCUSTFILES / "basic_http.py"
    error = refusal(lambda: load.start(file, "--no-such-flag"))
    assert isinstance(error, BadInput)
    assert "--no-such-flag" in error.what
    assert "Nobody" in refusal(lambda: inspect(file, ("Nobody",), load.tmp_path, Deadline.after(15))).what


def test_a_load_that_does_not_come_up_in_time_is_a_failed_load(load: Load, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(30)\n")
    process = LocustProcess(load.spec(tmp_path / "slow.py"), load.clock, load.records.append)
    error = refusal(lambda: process.start(Deadline.after(1.5)))
    assert isinstance(error, LoadFailed)
    assert "locust.log" in error.mend
    assert not process.alive


def test_an_init_listener_that_raises_is_a_failed_load_with_its_last_word(load: Load, tmp_path: Path) -> None:
    (tmp_path / "bad_init.py").write_text(
        "from locust import HttpUser, events, task\n@events.init.add_listener\n"
        "def f(**kw):\n    raise ValueError('no seed')\nclass U(HttpUser):\n    @task\n    def t(self): pass\n"
    )
    error = refusal(lambda: load.start(tmp_path / "bad_init.py"))
    assert isinstance(error, LoadFailed)
    assert "no seed" in error.what


def test_a_locust_files_users_tags_and_shape_are_found_without_patching_this_process(tmp_path: Path) -> None:
    def facts(name: str, *args: str) -> LocustFileFacts:
        return inspect(LOCUSTFILES / name, args, tmp_path, Deadline.after(15))

    tags = ("certificate", "download", "investment", "payment", "read")
    assert facts("tagged.py") == LocustFileFacts(("Tagged",), tags, has_shape=False)
    assert facts("shape_staging.py") == LocustFileFacts(("Shopper",), (), has_shape=True)
    assert facts("custom_arguments.py", "--path", "/x", "Asker").users == ("Asker",)
    assert "gevent" not in sys.modules
    assert time.monotonic.__module__ == "time"
