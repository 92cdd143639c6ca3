"""Passwords and tokens of the practice platform."""

from __future__ import annotations

import time

import pytest

from runbooks.sandbox.crowdfund.credentials import TOKEN_LIFETIME_S, Tokens, bearer, password_hash, password_matches


def test_a_token_says_whose_it_is() -> None:
    tokens = Tokens("secret")
    assert tokens.investor(tokens.issue(42)) == 42


@pytest.mark.parametrize("token", ["", ".", "42", "42.9999999999.", "42.9999999999.forged", "a.b.c", "42.99é.x"])
def test_what_is_no_token_of_ours_is_nobody(token: str) -> None:
    assert Tokens("secret").investor(token) is None


def test_a_token_of_another_platform_or_another_investor_is_nobody() -> None:
    token = Tokens("secret").issue(42)
    assert Tokens("other").investor(token) is None
    assert Tokens("secret").investor(token.replace("42.", "43.", 1)) is None


def test_a_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens("secret")
    token = tokens.issue(42)
    later = time.monotonic() + TOKEN_LIFETIME_S + 2
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert tokens.investor(token) is None


def test_only_the_right_password_matches() -> None:
    stored = password_hash("practice", "salt")
    assert password_matches("practice", "salt", stored)
    assert not password_matches("practise", "salt", stored)
    assert not password_matches("practice", "pepper", stored)


def test_the_header_must_say_bearer() -> None:
    assert bearer("Bearer abc") == bearer("bearer  abc") == "abc"
    assert bearer("Basic abc") == bearer("abc") == bearer("") == ""
