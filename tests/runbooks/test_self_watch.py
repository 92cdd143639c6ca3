"""A run ends when nobody could guard it for a while or its journal can't be written; the wall clock changes nothing."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta

import pytest

from harness import clock as clock_module
from harness.clock import boot_s, utc_now
from harness.journal import segment
from harness.journal.record import Note, Proof, StopDecided
from runbooks.inbox import Inbox
from runbooks.self_watch import SelfWatch
from runbooks.signals import stop_signals


class Times:
    """The machine's clocks, pushed on by a test: asleep, or stopped, or set by somebody."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.boot_ahead_s = self.wall_ahead_s = 0.0
        monkeypatch.setattr(clock_module, "boot_s", lambda: boot_s() + self.boot_ahead_s)
        monkeypatch.setattr(clock_module, "utc_now", lambda: utc_now() + timedelta(seconds=self.wall_ahead_s))

    def sleep_s(self, seconds: float) -> None:
        """The machine sleeps: its wall clock goes on meanwhile, too."""
        self.boot_ahead_s += seconds
        self.wall_ahead_s += seconds


@pytest.fixture
def times(monkeypatch):
    return Times(monkeypatch)


def stop_of(fakes):
    return fakes.stage.recorder.view().first(StopDecided)


def test_a_machine_that_was_suspended_for_a_minute_halts_when_it_wakes(theatre, times):
    fakes = theatre.build([theatre.fault("f1", 0.0, 500.0)])
    fakes.once_injected(lambda: times.sleep_s(60.0))
    fakes.conductor.play()
    assert stop_of(fakes).source == "error"
    assert stop_of(fakes).reason == "the machine was suspended for 60 s: nobody guarded the platform"
    assert fakes.log == ["inject f1", "heal f1"]
    assert fakes.load.stopped_at is not None
    assert not [n for n in fakes.stage.recorder.view().of(Note) if "clock was set" in n.text]


def test_a_process_that_was_stopped_and_goes_on_halts_too(theatre):
    fakes = theatre.build()
    now_s = [0.0]
    clock = type("Jumping", (), {"now_s": lambda _: now_s[0], "wall_drift_s": lambda _: 0.0})()
    watch = SelfWatch(clock, fakes.stage.recorder, awake=lambda: now_s[0])
    for now_s[0] in (0.25, 0.5, 9.0):  # a busy machine
        assert watch.look() == ""
    now_s[0] = 30.0
    assert watch.look() == "gameday was stopped or starved for 21 s: nobody guarded the platform"


@pytest.mark.parametrize(("seconds", "said"), [(-3600.0, "back by 3600 s"), (3600.0, "forward by 3600 s")])
def test_a_wall_clock_that_is_set_in_mid_run_is_told_once_and_changes_nothing(theatre, times, seconds, said):
    fakes = theatre.build([theatre.fault("f1", 0.0, 0.4)])

    def set_the_clock() -> None:
        times.wall_ahead_s = seconds

    fakes.once_injected(set_the_clock)
    fakes.conductor.play()
    view = fakes.stage.recorder.view()
    assert stop_of(fakes) is None
    assert [said in note.text for note in view.of(Note) if "clock was set" in note.text] == [True]
    assert fakes.log == ["inject f1", "heal f1"]
    moments = [record.t for record in view.records if not isinstance(record, Proof)]
    assert max(moments) < 60


def test_a_breach_halts_while_the_disk_does_not_answer_at_all(theatre, monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(segment.os, "fsync", lambda _fd: hanging.wait(30))
    fakes = theatre.build([theatre.fault("f1", 0.0, 60.0)], break_on_inject="f1")
    begun = boot_s()
    try:
        fakes.conductor.play()
        took_s = boot_s() - begun
    finally:
        hanging.set()
    assert stop_of(fakes).source == "condition"
    assert took_s < 10
    assert fakes.log == ["inject f1", "heal f1"]
    assert fakes.load.stopped_at is not None


def test_a_disk_that_hangs_ends_the_run(theatre, monkeypatch):
    hanging = threading.Event()
    fakes = theatre.build([theatre.fault("f1", 0.0, 60.0)])
    monkeypatch.setattr("runbooks.self_watch.STUCK_S", 0.5)

    def hang() -> None:
        monkeypatch.setattr(segment.os, "fsync", lambda _fd: hanging.wait(30))
        fakes.stage.recorder.journal.write(StopDecided(source="error", reason="anything durable", decided_at=0.0))

    fakes.once_injected(hang)
    try:
        fakes.conductor.play()
    finally:
        hanging.set()
    assert "the disk has not answered" in stop_of(fakes).reason
    assert fakes.log == ["inject f1", "heal f1"]


def test_ctrl_z_in_a_run_stops_nothing_and_says_so():
    inbox = Inbox()
    with stop_signals(inbox):
        os.kill(os.getpid(), signal.SIGTSTP)
        message = inbox.get(5)
    assert isinstance(message, Note)
    assert "press Ctrl-C" in message.text
