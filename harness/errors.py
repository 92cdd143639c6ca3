"""The one error tree. Every error that a person can meet says what, where and how to mend it.

GamedayError                 1   internal error, or one that has no better place
+-- BadInput                 2   a runbook, a target or the usage: every defect at once
+-- Refused                 14   too dangerous by default; names its own opt-out
+-- NotHealed               13   a fault that could not be taken back; says what to type
+-- LoadFailed              12   the load could not be played as asked: the run proves nothing
+-- JournalFailed            1   the record could not be written
+-- ReachFailed              1   a door to the target failed
    +-- ReachTimeout         1   ... by its deadline: what the call did is unknown
    +-- NotAllowed          14   the address is outside the target's allow-list
    +-- HostKeyRefused      14   an unknown or changed SSH host key
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class GamedayError(Exception):
    """An error with its mend.

    `what` is one sentence, `where` a file, line, host or address, `mend` what to do or to type.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        mend = f" ({self.mend})" if self.mend else ""
        return f"{where}{self.what}{mend}"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing wrong in a file that a person wrote; `line` counts from 1, 0 is the file as a whole."""

    file: str
    line: int
    what: str
    mend: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}" + (f" ({self.mend})" if self.mend else "")


class BadInput(GamedayError):
    """A bad runbook, target or command line, with every defect found."""

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", mend: str = "", defects: tuple[Defect, ...] = ()) -> None:
        super().__init__(what, where=where, mend=mend)
        self.defects = defects


class Refused(GamedayError):
    """Too dangerous by default; nothing was touched. `mend` names the opt-out."""

    exit_code = 14


class NotHealed(GamedayError):
    """A fault could not be taken back. `mend` is the command to type."""

    exit_code = 13


class LoadFailed(GamedayError):
    """Locust did not start, ended early or played something else than was asked."""

    exit_code = 12


class JournalFailed(GamedayError):
    """A record that had to be on disk is not."""


class ReachFailed(GamedayError):
    """A door to the target failed; `where` is the address."""


class ReachTimeout(ReachFailed):
    """No answer before the deadline: what the call did at the other end is unknown."""


class NotAllowed(ReachFailed):
    """The address is outside the target's `allow` list."""

    exit_code = 14


class HostKeyRefused(ReachFailed):
    """The SSH host key is unknown or is not the one that known_hosts has."""

    exit_code = 14
