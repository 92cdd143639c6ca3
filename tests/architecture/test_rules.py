"""Rules that a machine keeps."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runbooks.cli import gameday

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "faults", "runbooks")
MODULES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


def test_the_front_door_never_imports_locust_or_gevent():
    code = "import sys, runbooks.cli; sys.exit(any(m.split('.')[0] in ('locust', 'gevent') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-P", "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_says_what_it_is_for_and_tells_one_story(module):
    text = module.read_text()
    assert ast.get_docstring(ast.parse(text)), "a file begins with what it is for"
    assert module.stem not in {"utils", "helpers", "manager", "common", "misc"}
    assert len(text.splitlines()) <= 400


def test_no_process_is_ended_by_its_name():
    by_name = re.compile(r"\b(pkill|killall)\b")
    sources = [*MODULES, ROOT / "Makefile", *(ROOT / ".ci").iterdir()]
    assert [str(p) for p in sources if by_name.search(p.read_text())] == []


def test_every_make_target_explains_itself():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE), target


def test_every_command_has_help_and_stands_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for name, command in gameday.commands.items():
        assert command.help, name
        assert f"gameday {name}" in readme, name
