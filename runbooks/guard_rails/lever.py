"""The rail "lever": one switch that every run of a machine obeys, before it starts and while it goes on."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BadInput
from runbooks.guard_rails.rail import Moment, Objection, Passed

OVERRIDE = "GAMEDAY_LEVER"
"""Names another file in place of the user's own."""
MACHINE = Path("/etc/gameday/lever")
"""Where it is off for every user of the machine."""
_LONGEST_BYTES = 4096
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Off:
    """The lever is off. `since` (UTC, ISO 8601) and `by` are "" where the file was made by hand."""

    path: Path
    reason: str
    since: str = ""
    by: str = ""

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        since = f" since {self.since}" if self.since else ""
        return f"the lever is off{since}{by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Lever:
    """The lever is off while one of its files exists: the user's own, the machine's."""

    own: Path
    machine: Path = MACHINE

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Lever:
        """By the environment: GAMEDAY_LEVER, else XDG_STATE_HOME, else ~/.local/state."""
        if named := environment.get(OVERRIDE, ""):
            return cls(Path(named))
        state = Path(environment.get("XDG_STATE_HOME", ""))
        # the XDG rules: a relative path there counts as unset
        folder = state if state.is_absolute() else _home(environment) / ".local" / "state"
        return cls(folder / "gameday" / "lever")

    def read(self) -> Off | None:
        """Why it is off, or None. A file that can't be read means off: unknown is not on."""
        for path in (self.machine, self.own):
            try:
                with path.open("rb") as file:
                    return _parsed(path, file.read(_LONGEST_BYTES).decode(errors="replace"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                return Off(path, f"its file can't be read ({error.strerror})")
        return None

    def switch_off(self, off: Off) -> None:
        """Write the file of `off`, whole or not at all. Raises BadInput."""
        text = json.dumps({"since": off.since, "by": off.by, "reason": off.reason}) + "\n"
        try:
            off.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=off.path.parent, prefix="lever-", delete=False) as file:
                try:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).chmod(0o644)
                    Path(file.name).replace(off.path)
                except OSError:
                    with suppress(OSError):
                        Path(file.name).unlink()
                    raise
        except OSError as error:
            raise _not_written(off.path, error) from error

    def switch_on(self, path: Path) -> None:
        """Take the file away. Raises BadInput."""
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise _not_written(path, error) from error


class LeverOn:
    """Objects while the lever is off."""

    name = "lever"
    opt_out = "--ignore-lever"

    def __init__(self, lever: Lever) -> None:
        self._lever = lever

    def look(self, moment: Moment) -> Passed | Objection:  # noqa: ARG002 - it is off for every runbook and target
        off = self._lever.read()
        return Passed("on") if off is None else Objection(str(off), mend_for(off, self._lever))


def mend_for(off: Off, lever: Lever) -> str:
    """What switches it on again."""
    return f"gameday lever on{' --machine' if off.path == lever.machine else ''}"


def _home(environment: Mapping[str, str]) -> Path:
    if named := environment.get("HOME", ""):
        return Path(named)
    with suppress(RuntimeError):  # a user without a home: what is left is the machine's own file, and this one
        return Path.home()
    return Path("/")


def _parsed(path: Path, text: str) -> Off:
    try:
        said = json.loads(text)
        fields = {key: str(said.get(key, "")) for key in ("since", "by", "reason")}
    except (ValueError, AttributeError, RecursionError):
        fields = {"reason": text}
    fields = {key: " ".join("".join(c if c.isprintable() else " " for c in v).split()) for key, v in fields.items()}
    reason = fields.pop("reason")[:_LONGEST_REASON] or "no reason given"
    return Off(path, reason, **{key: value[:80] for key, value in fields.items()})


def _not_written(path: Path, error: OSError) -> BadInput:
    mend = "as root: sudo gameday lever ..." if isinstance(error, PermissionError) else "check the disk and its rights"
    return BadInput(f"the lever's file can't be changed: {error.strerror}", where=str(path), mend=mend)
