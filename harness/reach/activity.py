"""The door to an activity of a Chaos Toolkit extension: a Python function, run in a process of its own with a deadline.

Extensions are code of others: they may hang, leave threads behind, or end their process. So none of it runs in ours.
The process ends with us too, however we end, and by its own alarm where even that fails.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import IO, Any, Final

from harness.clock import Deadline, boot_s
from harness.errors import BadInput, ReachFailed, ReachTimeout
from harness.redaction import Redactor

EXTRA: Final = "gameday[chaostoolkit]"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LOOK_S = 0.02
_KILLED_S = 2.0
_LONGEST_SAID = 300
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Activity:
    """`func` of `module` with its arguments. `configuration` and `secrets` are in Chaos Toolkit's own form; a `${NAME}`
    in an argument is found in these, else in the environment. `tolerance`, in Chaos Toolkit's words too: what a
    probe answers when all is well; None: it has none."""

    module: str
    func: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, object] = field(default_factory=dict)
    tolerance: object = None

    @property
    def name(self) -> str:
        return f"{self.module}.{self.func}"

    def __str__(self) -> str:
        said = ", ".join(f"{key}={_short(value)}" for key, value in self.arguments.items())
        return f"{self.name}({said})"

    @property
    def environment(self) -> tuple[str, ...]:
        """The names of the environment variables that it needs."""
        own = {*self.configuration, *(name for group in _groups(self.secrets) for name in group)}
        named = [name for name in _REFERENCE.findall(json.dumps(dict(self.arguments))) if name not in own]
        keys = [str(entry["key"]) for entry in _by_environment(self.configuration, self.secrets)]
        return tuple(dict.fromkeys([*named, *keys]))

    @property
    def defaulted(self) -> frozenset[str]:
        """Those of them that it can do without."""
        entries = _by_environment(self.configuration, self.secrets)
        return frozenset(str(entry["key"]) for entry in entries if "default" in entry)

    def secret_values(self, environment: Mapping[str, str]) -> tuple[str, ...]:
        """What these variables hold: not to be read by anybody."""
        return tuple(value for name in self.environment if (value := environment.get(name)))

    @property
    def command(self) -> str:
        """What a person types to run it by hand; "" where that takes a configuration or secrets."""
        if self.configuration or self.secrets:
            return ""
        arguments = ", ".join(f"{key}={_as_python(value)}" for key, value in self.arguments.items())
        code = f"import os; from {self.module} import {self.func}; {self.func}({arguments})"
        return f"python -c {shlex.quote(code)}"


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of it. `tolerated`: whether the answer is within the tolerance; None where it has none."""

    output: object
    tolerated: bool | None
    took_ms: float


def installed() -> bool:
    """Whether Chaos Toolkit's library is here."""
    return find_spec("chaoslib") is not None


def perform(activity: Activity, *, timeout_s: float, given_up: threading.Event | None = None) -> Performed:
    """Run it. Raises ReachTimeout when it is not over in time, or was given up: then it was ended, and what it did is
    unknown; ReachFailed with what it raised; BadInput when it can't be run as it is written."""
    begun = boot_s()
    answer = _asked(activity, {"check": False}, timeout_s, given_up or threading.Event())
    return Performed(answer.get("output"), answer.get("tolerated"), (boot_s() - begun) * 1000)


def check(activity: Activity, *, timeout_s: float) -> None:
    """Whether it could be run: the module is there, has the function, and the function takes the arguments. Imports the
    module, calls nothing. Raises BadInput or ReachTimeout."""
    _asked(activity, {"check": True}, timeout_s, threading.Event())


def as_json(activity: Activity) -> str:
    """The activity as text, from which `from_json` makes it again."""
    fields = {name: getattr(activity, name) for name in Activity.__slots__}
    return json.dumps(fields, separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> Activity:
    """Raises ValueError when it is none."""
    try:
        return Activity(**json.loads(text))
    except TypeError as error:
        raise ValueError(f"no activity: {error}") from error


def _asked(
    activity: Activity, how: Mapping[str, object], timeout_s: float, given_up: threading.Event
) -> dict[str, Any]:
    if not installed():
        raise BadInput("Chaos Toolkit is not installed here", where=activity.name, mend=f'pip install "{EXTRA}"')
    if unset := [name for name in activity.environment if name not in os.environ and name not in activity.defaulted]:
        text = f"the environment variable {unset[0]} is not set"
        raise BadInput(text, where=activity.name, mend=f"export {unset[0]}=...")
    hide = Redactor(activity.secret_values(os.environ))
    request = json.dumps({**how, "activity": as_json(activity)})
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as noise:
        code = _run(activity.name, request, timeout_s, given_up, (answer, noise))
        return _read(activity.name, answer, noise, code, hide)


def _run(
    name: str, request: str, timeout_s: float, given_up: threading.Event, files: tuple[IO[bytes], IO[bytes]]
) -> int:
    """The exit code of the process that runs it."""
    command = [sys.executable, "-P", "-m", "harness.reach.activity_entry", f"{timeout_s + 1:.1f}"]
    # files, not pipes: what an action leaves running in the background must not hold us up
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=files[0], stderr=files[1], start_new_session=True)
    assert process.stdin is not None
    deadline = Deadline.after(timeout_s)
    try:
        with suppress(BrokenPipeError):
            process.stdin.write(request.encode() + b"\n")
            process.stdin.flush()
        while True:
            try:
                return process.wait(min(_LOOK_S, deadline.left_s()))
            except subprocess.TimeoutExpired:
                if given_up.is_set():
                    raise ReachTimeout("given up, and ended", where=name) from None
                if deadline.passed:
                    raise ReachTimeout(f"not over within {timeout_s:g} s, and ended", where=name) from None
    finally:
        if process.poll() is None:
            _end(process)
        # its end tells the process that we are gone: it must stay open until then
        with suppress(OSError):
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILLED_S)


def _read(name: str, answer: IO[bytes], noise: IO[bytes], code: int, hide: Redactor) -> dict[str, Any]:
    answer.seek(0)
    try:
        read = json.loads(answer.read(_MOST_BYTES))
    except ValueError:
        noise.seek(max(0, noise.seek(0, os.SEEK_END) - _MOST_BYTES))
        lines = noise.read().decode(errors="replace").strip().splitlines()
        last = f": {hide.text(_cut(lines[-1]))}" if lines else ""
        raise ReachFailed(f"its process ended with {code} and no answer{last}", where=name) from None
    said: dict[str, Any] = {key: hide.value(value) for key, value in read.items()}
    if "unusable" in said:
        raise BadInput(_cut(str(said["unusable"])), where=name, mend="see the extension's own documentation")
    if "failed" in said:
        raise ReachFailed(_cut(str(said["failed"])), where=name)
    return said


def _groups(secrets: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    yield from (group for group in secrets.values() if isinstance(group, Mapping))


def _by_environment(
    configuration: Mapping[str, object], secrets: Mapping[str, object]
) -> Iterator[Mapping[str, object]]:
    """The entries of Chaos Toolkit's form {type: env, key: NAME}."""
    entries = [*configuration.values(), *(entry for group in _groups(secrets) for entry in group.values())]
    yield from (e for e in entries if isinstance(e, Mapping) and e.get("type") == "env" and "key" in e)


def _as_python(value: object) -> str:
    whole = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if whole is not None:
        return f'os.environ["{whole[1]}"]'
    if isinstance(value, str) and _REFERENCE.search(value):
        return f"os.path.expandvars({value!r})"
    return repr(value)


def _short(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), 60)


def _cut(text: str, most: int = _LONGEST_SAID) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
