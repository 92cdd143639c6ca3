"""Functions of a Chaos Toolkit extension, each in a process of its own that ends in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.clock import Deadline, boot_s
from harness.errors import BadInput, ReachFailed, ReachTimeout
from harness.reach import activity as door
from harness.reach.activity import Activity, as_json, check, from_json, perform

MODULE = "toolkit_extension"
SECRET = "canary-in-a-coal-mine"
TIME_S = 20.0
DOUBLES = Path(__file__).parents[2] / "doubles"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DOUBLES))
    monkeypatch.setenv("APP_TOKEN", SECRET)


def activity(func: str, tolerance: object = None, module: str = MODULE, **arguments: object) -> Activity:
    return Activity(module, func, arguments, tolerance=tolerance)


def test_an_action_is_run_with_its_arguments_and_a_probe_is_held_against_its_tolerance(tmp_path: Path) -> None:
    path = str(tmp_path / "it")

    assert perform(activity("create", path=path, text="${APP_TOKEN}"), timeout_s=TIME_S).tolerated is None
    assert Path(path).read_text() == SECRET
    assert perform(activity("exists", tolerance=True, path=path), timeout_s=TIME_S).tolerated is True
    assert perform(activity("exists", tolerance=False, path=path), timeout_s=TIME_S).tolerated is False
    assert perform(activity("answers", tolerance=[1, 5], value=7), timeout_s=TIME_S).tolerated is False


def test_configuration_and_secrets_come_in_chaos_toolkit_s_own_form() -> None:
    configuration = {"region": {"type": "env", "key": "NO_SUCH_REGION", "default": "eu"}}
    secrets = {"app": {"token": {"type": "env", "key": "APP_TOKEN"}}}

    asked = Activity(MODULE, "settings", {}, configuration, secrets, tolerance=True)

    assert perform(asked, timeout_s=TIME_S).tolerated is True
    assert asked.environment == ("NO_SUCH_REGION", "APP_TOKEN")
    assert asked.secret_values(os.environ) == (SECRET,)
    assert from_json(as_json(asked)) == asked
    assert SECRET not in as_json(asked)


def test_what_it_prints_is_no_answer_and_what_it_raises_tells_no_secret() -> None:
    with pytest.raises(ReachFailed) as caught:
        perform(activity("shout", text="${APP_TOKEN}"), timeout_s=TIME_S)

    assert caught.value.what == "RuntimeError: it went wrong with [redacted]"


@pytest.mark.parametrize("how", ["deadline", "given up"])
def test_one_that_hangs_is_ended(how: str) -> None:
    given_up, begun = threading.Event(), boot_s()
    if how == "given up":
        threading.Timer(0.3, given_up.set).start()

    with pytest.raises(ReachTimeout, match="ended"):
        perform(activity("hang"), timeout_s=0.6 if how == "deadline" else TIME_S, given_up=given_up)

    assert boot_s() - begun < 10


def test_one_that_ends_its_process_is_told_with_its_last_word() -> None:
    with pytest.raises(ReachFailed, match="ended with 3 and no answer: no more of this"):
        perform(activity("die"), timeout_s=TIME_S)


def test_what_an_action_leaves_running_neither_holds_us_up_nor_is_ended() -> None:
    pid = perform(activity("leave_behind"), timeout_s=TIME_S).output

    assert isinstance(pid, int)
    # its standard input ended with its parent: it ends by itself


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (activity("nothing_of_this_name"), "does not expose a function called"),
        (activity("create", pth="x"), "required argument 'path' is missing"),
        (activity("create", path="x", colour="red"), "argument 'colour' is not part of the function signature"),
        (activity("create", module="no_such_module"), "could not find Python module"),
        (activity("create", path="${NOT_SET_ANYWHERE}"), "the environment variable NOT_SET_ANYWHERE is not set"),
        (activity("exists", tolerance={"type": "wish"}, path="x"), "tolerance type 'wish' is unsupported"),
    ],
)
def test_what_could_not_be_run_is_told_before_it_is(asked: Activity, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check(asked, timeout_s=TIME_S)


def test_a_check_calls_nothing(tmp_path: Path) -> None:
    check(activity("create", path=str(tmp_path / "it")), timeout_s=TIME_S)

    assert list(tmp_path.iterdir()) == []


def test_without_chaos_toolkit_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "find_spec", lambda _: None)

    with pytest.raises(BadInput, match="Chaos Toolkit is not installed") as caught:
        perform(activity("hang"), timeout_s=TIME_S)

    assert caught.value.mend == 'pip install "gameday[chaostoolkit]"'


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ({"path": "/a b"}, "create(path='/a b')"),
        ({"path": "${HOME}/x"}, "path=os.path.expandvars('${HOME}/x')"),
        ({"path": "x", "text": "${APP_TOKEN}"}, 'text=os.environ["APP_TOKEN"]'),
    ],
)
def test_a_person_can_type_it_without_a_secret(arguments: Mapping[str, object], command: str) -> None:
    typed = Activity(MODULE, "create", arguments).command

    assert command in typed.replace("'\"'\"'", "'")
    assert SECRET not in typed
    assert Activity(MODULE, "create", arguments, {"region": "eu"}).command == ""


def test_when_we_are_killed_an_action_under_way_ends_with_us(tmp_path: Path) -> None:
    path, ready = tmp_path / "it", tmp_path / "ready"
    code = (
        "from harness.reach.activity import Activity, perform; "
        f"arguments = {{'path': {str(path)!r}, 'ready': {str(ready)!r}}}; "
        f"perform(Activity({MODULE!r}, 'create_slowly', arguments), timeout_s=60)"
    )
    ours = subprocess.Popen([sys.executable, "-P", "-c", code])
    deadline = Deadline.after(30)
    while not ready.exists() and not deadline.passed:
        threading.Event().wait(0.02)
    [child] = children(ours.pid)

    ours.send_signal(signal.SIGKILL)
    ours.wait(10)

    deadline = Deadline.after(10)
    while running(child) and not deadline.passed:
        threading.Event().wait(0.02)
    assert not running(child)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False
