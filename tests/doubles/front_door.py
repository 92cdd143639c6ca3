"""The command as a person types it, in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from runbooks.cli import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


Gameday = Callable[..., Said]


def play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str) -> Said:
    """`gameday ARGS`, which never ends in a traceback."""
    monkeypatch.setattr(sys, "argv", ["gameday", *args])
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return Said(code, said.out, said.err)
