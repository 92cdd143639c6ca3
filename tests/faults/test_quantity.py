"""Sizes and rates as people write them: exact, or a sentence that says how to write them."""

from __future__ import annotations

import pytest

from faults.quantity import bytes_per_s, say_rate, say_size, seconds, size_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (500, 500),
        ("500", 500),
        ("500B", 500),
        ("64KB", 64_000),
        ("64 kB", 64_000),
        ("64KiB", 65_536),
        ("1.5MB", 1_500_000),
    ],
)
def test_a_size_is_exact(text: object, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "64K", "64kb", "-5", "0.5B", "1e3", True, "KB", "64KB/s"])
def test_what_is_no_size_says_how_to_write_one(text: object) -> None:
    with pytest.raises(ValueError, match=r"write 500, 64KB|no whole number of bytes"):
        size_bytes(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("64KB/s", 64_000), ("64 kB / s", 64_000), ("1MB/s", 1_000_000), ("512kbit/s", 64_000), ("8Mbit/s", 1_000_000),
     ("64KBps", 64_000), ("1KiB/s", 1024)],
)  # fmt: skip
def test_a_rate_is_exact(text: str, rate: int) -> None:
    assert bytes_per_s(text) == rate


@pytest.mark.parametrize("text", [64, "64", "64KB", "64kb/s", "fast", "-1KB/s", "1.5B/s", ""])
def test_what_is_no_rate_says_how_to_write_one(text: object) -> None:
    with pytest.raises(ValueError, match=r"write 64KB/s|no whole number of bytes a second"):
        bytes_per_s(text)


def test_they_are_said_as_they_are_written() -> None:
    assert [say_size(n) for n in (1, 500, 64_000, 1_500_000)] == ["1 byte", "500 bytes", "64 KB", "1.5 MB"]
    assert say_rate(64_000) == "64 KB/s"


def test_a_hundred_microseconds_are_not_a_hair_less() -> None:
    assert seconds("100us") == 0.0001
