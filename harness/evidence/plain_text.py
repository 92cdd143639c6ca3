"""What a host wrote, as text that a person can open: nothing in it steers a terminal."""

from __future__ import annotations

import re

# colours and cursor movements; taken out first, because they may stand between `password` and `=`
_TERMINAL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)|[\u202a-\u202e\u2066-\u2069]")


def plain_text(data: bytes) -> str:
    """`data` as text: what is not UTF-8 becomes U+FFFD, control characters become `\\x00` and the like."""
    text = _TERMINAL_SEQUENCE.sub("", data.decode("utf-8", "replace"))
    return _CONTROL.sub(_shown, text)


def plain_name(name: str) -> str:
    """A remote path, which may hold any byte, as one line of text."""
    return plain_text(name.encode("utf-8", "surrogateescape")).replace("\n", "\\n").replace("\r", "\\r")


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
