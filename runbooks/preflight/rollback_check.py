"""The rollback plan: whether each step could run, found out by reading alone."""

from __future__ import annotations

import re
import shlex

from harness.errors import GamedayError
from harness.redaction import Redactor
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.scene import Scene, failed
from runbooks.runbook import RollbackStep

AREA = "rollback"
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")
_PLAIN = re.compile(r"[A-Za-z0-9_./+@:~-]+")
_SUDO_VALUES = frozenset({"-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U"})


def check_rollback_step(scene: Scene, number: int, step: RollbackStep) -> list[Check]:
    """One line for the place and the program; others for what is odd about the command."""
    name = f"step {number}, {step.name or step.where}"
    return [_runnable(scene, name, step), *_oddities(name, step)]


def first_word(command: str) -> str:
    """The program that a command begins with, behind assignments and sudo; "" where that can't be told."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return ""
    words = _behind_assignments(words)
    if words and words[0].rpartition("/")[2] == "sudo":
        words = _behind_assignments(_behind_options(words[1:]))
    return words[0] if words and _PLAIN.fullmatch(words[0]) else ""


def _runnable(scene: Scene, name: str, step: RollbackStep) -> Check:
    word = first_word(step.run)
    try:
        found = scene.world.finds(step, word)
    except GamedayError as error:
        return failed(AREA, name, error, f"can you reach {step.where} by hand?")
    runs = "runs when asked" if step.when == "asked" else f"runs by itself when {step.when}"
    if not word:
        return warning(AREA, name, f"{step.where} is there, but what the command begins with can't be told; {runs}")
    if step.container:
        return good(AREA, name, f"the container runs; whether {word} is in it is not looked at; {runs}")
    if not found:
        return bad(AREA, name, f"{word} is not there, or can't be executed", f"correct the command, or install {word}")
    return good(AREA, name, f"{found}; {runs}")


def _oddities(name: str, step: RollbackStep) -> list[Check]:
    checks = []
    words = _words(step.run)
    if "sudo" in words and not {"-n", "--non-interactive"} & set(words):
        text = "sudo may ask for a password, and nobody is there to type it"
        checks.append(warning(AREA, name, text, "write sudo -n, and allow it in sudoers"))
    if Redactor().text(step.run) != step.run:
        text = "a secret seems to stand in the command: the run folder doesn't keep it, gameday rollback can't run it"
        checks.append(warning(AREA, name, text, "let the place itself keep it, in a file or a variable"))
    return checks


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return command.split()


def _behind_assignments(words: list[str]) -> list[str]:
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    return words


def _behind_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in _SUDO_VALUES else words[1:]
    return words
