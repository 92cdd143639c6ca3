"""SQL as it may be shown: on one line, cut, without the values that stand in it."""

from __future__ import annotations

import re

LONGEST = 300
# pg_stat_activity has statements as they were sent, and utility statements are nowhere normalised; a literal that the
# server cut has no end
_LITERAL = re.compile(r"[EeBbXxNn]?'(?:[^'\\]|\\.|'')*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$)", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w$.])\d+(?:\.\d+)?(?![\w.])")
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|--[^\n]*", re.DOTALL)


def plain_statement(text: str, longest: int = LONGEST) -> str:
    """`text` on one line: quoted values as '?', numbers as ?, no comments, at most `longest` characters."""
    bare = _LITERAL.sub("'?'", _COMMENT.sub(" ", text))
    flat = " ".join(_NUMBER.sub("?", bare).split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"
