"""What a person mistypes behind an option is one clear error, before a sandbox is brought up or a run begins."""

from __future__ import annotations

import socket
import sys

import pytest

from runbooks.cli import main


@pytest.fixture
def gameday(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def play(*args):
        monkeypatch.setattr(sys, "argv", ["gameday", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert "sandbox" not in said.out
        assert not (tmp_path / "runs").exists()
        return ended.value.code, said.err

    return play


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("--users", "0"), "--users"),
        (("--users", "many"), "--users"),
        (("--preset", "huge"), "minimum"),
        (("--preset", "peak", "--users", "5"), "both say how many users"),
        (("--spawn-rate", "0"), "--spawn-rate"),
        (("--spawn-rate", "nan"), "--spawn-rate"),
        (("--run-time", "60"), "60"),
        (("--run-time", "-3s"), "negative"),
        (("--run-time", "48h"), "24h"),
        (("--tags", " , "), "one tag"),
        (("--tags", "a", "--exclude-tags", "b,a"), "'a' is asked for and excluded"),
        (("--processes", "0"), "1 to 64, or auto"),
        (("--processes", "all"), "1 to 64, or auto"),
        (("--locustfile", "nope.py"), "nope.py"),
        (("--web-port", "8089"), "add --web-ui"),
        (("--web-ui", "--web-port", "70000"), "65535"),
        (("lod",), "did you mean 'load'?"),
    ],
)
def test_a_mistyped_option_of_load_is_one_clear_error(gameday, args, word):
    code, said = gameday("load", *args)
    assert code == 2
    assert word in said


def test_a_port_that_somebody_has_is_told_before_anything_is_started(gameday):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for command in ("load", "run"):
            code, said = gameday(command, "--web-ui", "--web-port", str(taken.getsockname()[1]))
            assert code == 2
            assert "leave --web-port out" in said


@pytest.mark.parametrize("command", ["rerun", "compare", "history"])
def test_without_a_run_there_is_nothing_to_repeat_or_compare(gameday, command):
    code, said = gameday(command, *(("r1",) if command == "compare" else ()))
    assert code == 2
    assert said.count("\n") == 1
