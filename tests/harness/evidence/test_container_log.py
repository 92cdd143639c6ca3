"""A container's log, put together from an engine's frames, bounded, and in the right order."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from harness.clock import Deadline
from harness.errors import ReachTimeout
from harness.evidence import container_log
from harness.evidence.container_log import ContainerLog, fetch, stamp_of

SINCE = datetime(2026, 11, 22, tzinfo=UTC)


def stamp(number: int) -> bytes:
    return b"2026-11-22T15:%02d:%02d.%09dZ " % (number // 60 % 60, number % 60, number)


def frame(payload: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


class FakeDoor:
    """An engine with a log: `pieces` are what one frame holds each."""

    def __init__(self, *pieces: bytes, tty: bool = False, chunk: int = 1 << 16, slow_head: bool = False) -> None:
        self.pieces, self.tty, self.chunk, self.slow_head = pieces, tty, chunk, slow_head
        self.asked: list[int | None] = []

    def read_log(
        self, container: str, *, since: datetime, tail: int | None, take: Callable[[bytes], bool], deadline: Deadline
    ) -> None:
        self.asked.append(tail)
        if tail is None and self.slow_head:
            raise ReachTimeout("no answer within 10 s")
        pieces = self.pieces[-tail:] if tail is not None else self.pieces
        data = b"".join(pieces if self.tty else map(frame, pieces))
        for start in range(0, len(data), self.chunk):
            if not take(data[start : start + self.chunk]):
                return

    def fetch(self, max_bytes: int = container_log.MAX_BYTES) -> ContainerLog:
        return fetch(self, "1", tty=self.tty, since=SINCE, deadline=Deadline.after(5), max_bytes=max_bytes)


@pytest.fixture
def few_last_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(container_log, "LAST_LINES", 20)
    return 20


@pytest.mark.parametrize("chunk", [1, 7, 1 << 16])
@pytest.mark.parametrize("tty", [False, True])
def test_lines_keep_the_engine_s_time_however_they_are_cut_on_the_way(chunk: int, tty: bool) -> None:
    end = b"\r\n" if tty else b"\n"
    door = FakeDoor(stamp(1) + b"one" + end, stamp(2) + b"two" + end, tty=tty, chunk=chunk)

    assert door.fetch() == ContainerLog((stamp(1) + b"one\n" + stamp(2) + b"two\n").decode(), truncated=False)


@pytest.mark.parametrize("tty", [False, True])
def test_a_long_line_is_put_together_again_or_a_secret_could_hide_across_its_parts(tty: bool) -> None:
    first, second = b"x" * (16384 - 5) + b"pass-", b"word=hunter2"
    end = b"\r\n" if tty else b"\n"
    door = FakeDoor(stamp(1) + first, stamp(2) + second + end, stamp(3) + b"next" + end, tty=tty)

    lines = door.fetch().text.splitlines()

    assert lines == [(stamp(1) + first + second).decode(), (stamp(3) + b"next").decode()]


def test_both_streams_may_be_in_the_middle_of_a_line_at_once() -> None:
    class Mixed(FakeDoor):
        def read_log(self, container: str, *, take: Callable[[bytes], bool], **_: object) -> None:  # type: ignore[override]
            take(frame(stamp(1) + b"out-", 1) + frame(stamp(2) + b"err-", 2))
            take(frame(stamp(3) + b"more\n", 1) + frame(stamp(4) + b"more\n", 2))

    assert Mixed().fetch().text == (stamp(1) + b"out-more\n" + stamp(2) + b"err-more\n").decode()


@pytest.mark.parametrize("tty", [False, True])
def test_a_last_line_without_its_end_is_kept(tty: bool) -> None:
    assert FakeDoor(stamp(1) + b"prompt>", tty=tty).fetch().text == (stamp(1) + b"prompt>\n").decode()


def test_nothing_written_is_an_empty_text() -> None:
    assert FakeDoor().fetch() == ContainerLog("", truncated=False)


def test_a_log_of_many_bytes_keeps_its_first_and_its_last_and_says_how_many_went() -> None:
    door = FakeDoor(*(stamp(n) + b"line %05d\n" % n for n in range(1000)))

    log = door.fetch(max_bytes=10_000)

    lines = log.text.splitlines()
    [mark] = [line for line in lines if line.startswith("[...")]
    assert log.truncated
    assert (lines[0][-5:], lines[-1][-5:]) == ("00000", "00999")
    left_out = int(mark.split()[1])
    assert left_out + sum(len(line) + 1 for line in lines if line != mark) == 1000 * len(stamp(1) + b"line 00000\n")
    assert door.asked == [container_log.LAST_LINES]


def test_more_lines_than_the_last_ones_get_their_first_and_none_comes_twice(few_last_lines: int) -> None:
    door = FakeDoor(*(stamp(n) + b"line %05d\n" % n for n in range(30)))

    log = door.fetch()

    assert [int(line[-5:]) for line in log.text.splitlines()] == list(range(30))
    assert not log.truncated
    assert door.asked == [few_last_lines, None]


def test_what_is_left_out_between_the_first_and_the_last_lines_is_marked(few_last_lines: int) -> None:
    line = b"line %05d\n"
    door = FakeDoor(*(stamp(n) + line % n for n in range(60)))

    log = door.fetch(max_bytes=20 * len(stamp(0) + line % 0))

    lines = log.text.splitlines()
    assert log.truncated
    assert "left out by gameday" in lines.pop(10)
    assert [int(line[-5:]) for line in lines] == [*range(10), *range(50, 60)]


def test_the_first_lines_that_take_too_long_are_said_to_be_missing(few_last_lines: int) -> None:
    door = FakeDoor(*(stamp(n) + b"line %05d\n" % n for n in range(30)), slow_head=True)

    log = door.fetch()

    lines = log.text.splitlines()
    assert log.truncated
    assert "was not read: no answer within 10 s" in lines[0]
    assert [int(line[-5:]) for line in lines[1:]] == list(range(10, 30))


def test_what_steers_a_terminal_is_shown_instead() -> None:
    assert FakeDoor(stamp(1) + b"\x1b[31mred\x1b[0m\x07\xff\n").fetch().text.endswith("red\\x07\ufffd\n")


def test_a_line_without_an_engine_s_stamp_has_none() -> None:
    assert stamp_of(b"2026-11-22 15:00:00 app: hello\n") == b""
    assert stamp_of(stamp(7) + b"hello\n") == stamp(7)
