"""Text as Slack takes it."""

from __future__ import annotations

import random
import re

import pytest

from harness.notify.slack_text import clean, cut, escaped, fenced, length, listed, plain

NASTY = [
    "<!channel>",
    "<@U123>",
    "&",
    "<",
    ">",
    "&amp;",
    "```",
    "*",
    "🙂",
    "\x00",
    "\u202e",
    "\ud800",
    "\n",
    "é",
    "x" * 50,
]


def _random_text(dice: random.Random, parts: int) -> str:
    return "".join(dice.choice(NASTY) for _ in range(dice.randrange(parts)))


@pytest.mark.parametrize("seed", range(60))
def test_a_cut_text_fits_and_never_ends_inside_an_entity(seed: int) -> None:
    dice = random.Random(seed)
    text, limit = _random_text(dice, 80), dice.randrange(1, 200)
    for shown in (escaped(text, limit), plain(text, limit)):
        assert length(shown) <= limit
        shown.encode("utf-8")
    assert re.sub(r"&(?:amp|lt|gt);", "", escaped(text, limit)).count("&") == 0
    assert "<" not in escaped(text, limit)


def test_what_calls_people_is_broken() -> None:
    assert escaped("a <!channel> & <@U1>", 100) == "a &lt;!channel&gt; &amp; &lt;@U1&gt;"
    assert "<!channel>" not in plain("a <!channel>", 100)
    assert plain("p95 < 200 ms", 100) == "p95 < 200 ms"


def test_control_and_direction_characters_are_gone_and_line_ends_are_newlines() -> None:
    assert clean(" a\x00b\x1b[31m\u202egnp.exe\r\nc\td\ud800 ") == "ab[31mgnp.exe\nc\td?"


def test_a_fence_cannot_be_closed_from_inside() -> None:
    shown = fenced(["echo ``````` <!here>", "gameday heal"], 100)
    assert shown.startswith("```\n")
    assert shown.endswith("gameday heal\n```")
    assert shown.count("```") == 2
    assert fenced([], 100) == ""
    assert length(fenced(["x" * 500], 100)) <= 100


def test_a_cut_says_so() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 5) == "abcd…"
    assert cut("ab&amp;cd", 6) == "ab…"


def test_a_long_list_says_how_much_is_left_out() -> None:
    shown = listed([f"line {number}" for number in range(20)], 60, "incident.md")
    lines = shown.splitlines()
    assert length(shown) <= 60
    assert lines[-1] == f"… and {20 - len(lines) + 1} more in incident.md"
    assert listed(["a", " ", "b\nc"], 60, "incident.md") == "a\nb c"
    assert listed([], 60, "incident.md") == ""
    assert listed(["x" * 500, "y"], 60, "incident.md", item_limit=300) == "… and 2 more in incident.md"
