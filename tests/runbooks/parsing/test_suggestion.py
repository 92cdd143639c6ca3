"""What is suggested for an unknown word."""

from __future__ import annotations

from runbooks.parsing.suggestion import suggest


def test_a_near_word_is_suggested() -> None:
    assert suggest("latncy", ["latency", "timeout"]) == "did you mean 'latency'?"
    assert suggest("Investment", ["investment"]) == "did you mean 'investment'?"


def test_else_there_is_the_list_of_what_there_is() -> None:
    assert suggest("x", ["b", "a"], what="the kinds are") == "the kinds are: a, b"
    assert suggest("x", []) == "there is: none"
    assert suggest("x", [f"name{n:02}" for n in range(20)]).endswith("name11 and 8 more")
