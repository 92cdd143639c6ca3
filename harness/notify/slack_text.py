"""Text as Slack takes it: nothing in it mentions anyone, is longer than allowed, or is cut inside an entity."""

from __future__ import annotations

import re
from collections.abc import Iterable

ELLIPSIS = "…"
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
# C0 and C1 controls except tab and newline; marks that turn the direction of text around; other invisible separators
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_MENTION = re.compile(r"<(?=[!@#])")
_TORN_ENTITY = re.compile(r"&[a-z]{0,3}\Z")


def length(text: str) -> int:
    """How long a text counts: in UTF-16 units, never less than what Slack may count."""
    return len(text.encode("utf-16-le", "replace")) // 2


def clean(text: str) -> str:
    """`text` without control and direction characters and without broken ones; line ends are newlines."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _INVISIBLE.sub("", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()


def plain(text: str, limit: int) -> str:
    """For a plain_text object: no markup is read there, and what looks like a mention is broken all the same."""
    return cut(_MENTION.sub("<\u200b", clean(text)), limit)


def escaped(text: str, limit: int) -> str:
    """For mrkdwn and the top-level text: &, < and > are escaped, then it is cut."""
    return cut(_escape(clean(text)), limit)


def fenced(lines: Iterable[str], limit: int) -> str:
    """Commands to copy, in a fence that they can't close. "" without any."""
    text = clean("\n".join(lines)).replace("```", "`\u200b`\u200b`\u200b")
    body = cut(_escape(text), limit - len("```\n\n```"))
    return f"```\n{body}\n```" if body else ""


def cut(text: str, limit: int) -> str:
    """At most `limit` units of an escaped text, an ellipsis at its end where something is left out."""
    if length(text) <= limit:
        return text
    room = limit - length(ELLIPSIS)
    head = text[:room]
    while length(head) > room:
        head = head[: len(head) - max(1, (length(head) - room) // 2)]
    return _TORN_ENTITY.sub("", head).rstrip() + ELLIPSIS


def listed(items: Iterable[str], limit: int, rest: str, item_limit: int = 300) -> str:
    """One plain line for each item, as many as fit into `limit`; then "… and 12 more in <rest>"."""
    lines = [line for line in (plain(" ".join(item.split()), item_limit) for item in items) if line]
    taken: list[str] = []
    for number, line in enumerate(lines):
        more = f"{ELLIPSIS} and {len(lines) - number} more in {rest}"
        last = number == len(lines) - 1
        if length("\n".join([*taken, line, *([] if last else [more])])) > limit:
            return "\n".join([*taken, more])
        taken.append(line)
    return "\n".join(taken)


def _escape(text: str) -> str:
    for sign, entity in _ENTITIES:
        text = text.replace(sign, entity)
    return text
