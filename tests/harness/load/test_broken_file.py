from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from harness.load.broken_file import BrokenFile


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("x = 1\nclass U(:\n    pass\n", "syntax error", 2),
        ("import json\n\njson.loads('{')\n", "JSONDecodeError", 3),
        ("import no_such_module_here\n", "No module named 'no_such_module_here'", 1),
        ("import sys\n\nsys.exit(3)\n", "sys.exit(3)", 3),
        ("raise ValueError('one\\ntwo')\n", "two", 1),
        ("raise ValueError('long' * 1000)\n", "long", 1),
    ],
)
def test_a_broken_file_is_blamed_at_its_own_line_in_one_line(tmp_path: Path, text: str, what: str, line: int) -> None:
    file = tmp_path / "locustfile.py"
    file.write_text(text)
    with pytest.raises(BaseException) as raised:
        runpy.run_path(str(file))
    broken = BrokenFile.by(raised.value)
    assert what in broken.what
    assert "\n" not in broken.what
    assert len(broken.what) < 400
    assert broken.line == line
    assert broken.file in {str(file), ""}
