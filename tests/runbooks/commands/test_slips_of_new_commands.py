"""What the commands say to a target that names no sandbox, and to an address that holds a password."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from rich.console import Console

from harness.errors import BadInput
from runbooks.cli import gameday
from runbooks.commands.open_target import open_target


@pytest.mark.parametrize(("name", "said"), [("sandbox+cpuu", "did you mean 'cpu'"), ("sandbox+", "the defects are")])
def test_a_sandbox_with_no_such_defect_is_not_brought_up(name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said), open_target(name, Console()):
        pass
    error = CliRunner().invoke(gameday, ["plan", "--target", name]).exception
    assert isinstance(error, BadInput)
    assert said in str(error)


@pytest.mark.parametrize("target", ["sandbox", "sandbox+cpu"])
@pytest.mark.parametrize("command", ["run", "check", "load"])
def test_no_sandbox_is_brought_up_for_a_runbook_that_can_be_played_nowhere(tmp_path, command, target) -> None:
    book = tmp_path / "book.yaml"
    book.write_text("titel: a slip\n")
    result = CliRunner().invoke(gameday, [command, str(book), "--target", target, "--runs", str(tmp_path / "runs")])
    assert isinstance(result.exception, BadInput)
    assert "defects in" in str(result.exception)
    assert "sandbox" not in result.output


def test_a_plan_can_be_made_for_a_sandbox_with_a_defect() -> None:
    result = CliRunner().invoke(gameday, ["plan", "--target", "sandbox+cpu"])
    assert result.exit_code == 0, result.exception
    assert result.output.startswith("# Plan")


def test_a_password_in_the_address_is_not_said_again(tmp_path) -> None:
    arguments = ["init", str(tmp_path), "--yes", "--environment", "practice"]
    error = CliRunner().invoke(gameday, [*arguments, "--base-url", "http://u:correct-horse@127.0.0.1:1/"]).exception
    assert isinstance(error, BadInput)
    assert "holds a user or a password" in str(error)
    assert "correct-horse" not in str(error)
