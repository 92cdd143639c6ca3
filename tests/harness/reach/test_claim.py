from __future__ import annotations

import pytest

from harness.reach.claim import Claim, read_claim


def test_a_claim_reads_back_what_it_says() -> None:
    claim = Claim("20250101-000000-drill-ab12", "ada@laptop.example.org", "2025-01-01T00:00:00Z", "0f0f0f0f")
    assert read_claim(claim.text) == claim
    assert read_claim(f"{claim.text} beat:17") == claim
    assert read_claim(f"select 1 /* {claim.text} */") == claim
    assert str(claim) == "run 20250101-000000-drill-ab12 of ada@laptop.example.org, since 2025-01-01T00:00:00Z"


@pytest.mark.parametrize("hostile", ["*/ drop table x; --", 'a" b', "a\nb", "x y=z token=1", "'"])
def test_nothing_in_a_claim_ends_a_comment_a_string_or_a_field(hostile: str) -> None:
    text = Claim(hostile, hostile, hostile, "t").text
    assert not set(text) & set("*/;\"'\n")
    assert read_claim(text).token == "t"


def test_a_line_that_is_no_claim_is_somebodys() -> None:
    assert str(read_claim("held by hand, ask Bob")) == "somebody of held by hand, ask Bob"
    assert str(read_claim("")) == "somebody"
    assert len(read_claim("x" * 5000).by) <= 80
