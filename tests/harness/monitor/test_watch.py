"""A watch looks by itself, when it is asked and at the end; what it can't have it says at the end."""

from __future__ import annotations

import threading

import pytest

from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed
from harness.journal.record import EvidenceMissing, Note
from harness.monitor.watch import Watch


class FakeWatched:
    """Tells each look; fails or hangs when it should."""

    name = "database.main"
    beat_s = 0.02

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hang = threading.Event()
        self.hang.set()
        self.closed = threading.Event()

    def glance(self):
        return self._look("glance")

    def snapshot(self):
        return self._look("snapshot")

    def missing(self):
        return (EvidenceMissing(source=self.name, what="statements", reason="no extension"),)

    def close(self):
        self.closed.set()

    def _look(self, what):
        self.hang.wait(10)
        if self.error is not None:
            raise self.error
        return [Note(text=what)]


def until(holds):
    deadline, pause = Deadline.after(10), threading.Event()
    while not holds():
        assert not deadline.passed
        pause.wait(0.01)


@pytest.fixture
def watched():
    found = FakeWatched()
    yield found
    found.hang.set()


def texts(records):
    return [record.text for record in records]


def test_it_begins_and_ends_with_a_snapshot_and_glances_in_between(watched):
    records = []
    watch = Watch(watched, records.append)
    watch.start()
    until(lambda: len(records) > 3)
    assert watch.finish(5)
    assert texts(records)[0] == texts(records)[-1] == "snapshot"
    assert set(texts(records)[1:-1]) == {"glance"}
    assert watched.closed.is_set()
    assert watch.missing() == watched.missing()


def test_asked_it_takes_a_snapshot_soon(watched):
    records = []
    watch = Watch(watched, records.append)
    watch.start()
    until(lambda: len(records) > 1)
    watch.ask()
    until(lambda: texts(records).count("snapshot") == 2)
    watch.finish(5)


@pytest.mark.parametrize("error", [ReachFailed("refused", where="127.0.0.1:1"), ValueError("a bug")], ids=repr)
def test_a_look_that_fails_says_nothing_until_the_end(watched, error):
    records = []
    watched.error = error
    watch = Watch(watched, records.append)
    watch.start()
    assert watch.finish(5)
    assert records == []
    assert str(error) in watch.missing()[0].reason


def test_a_look_that_hangs_delays_nobody(watched):
    watched.hang.clear()
    watch = Watch(watched, lambda _: None)
    watch.start()
    begun = boot_s()
    watch.ask()
    assert not watch.finish(0.1)
    assert boot_s() - begun < 5
    assert watch.missing()[0].what == "its work"


def test_one_that_never_began_can_be_finished(watched):
    assert Watch(watched, lambda _: None).finish(0.1)
