"""The command in an empty folder, with nothing of this machine's: no variables, no ssh_config, no Toxiproxy."""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path

import front_door
import pytest
from front_door import Gameday, Said


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _names_without_a_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that has no address is told so at once, whatever this machine's resolver is."""
    real = socket.getaddrinfo

    def look_up(host: object, *args: object, **options: object) -> object:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def gameday(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gameday:
    (tmp_path / "home").mkdir()
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("DATABASE_URL", "REDIS_URL", "COMPOSE_PROJECT_NAME", "GAMEDAY_DB_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("runbooks.onboarding.survey.DEFAULT_PORT", 1)  # whose Toxiproxy this machine has is no matter

    def play(*args: str, typed: str | None = None) -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        return front_door.play(monkeypatch, capsys, *args)

    return play
