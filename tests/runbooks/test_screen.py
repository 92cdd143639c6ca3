"""The view never blocks the run, and away from a terminal it prints one plain line for each event."""

from __future__ import annotations

import io

from rich.console import Console

from harness.guard.condition import Distance
from runbooks.screen import Status, TerminalScreen, panel


def test_away_from_a_terminal_each_event_is_one_plain_line():
    out = io.StringIO()
    with TerminalScreen(Console(file=out, width=80)) as screen:
        screen.event(1.25, "Phase baseline began")
        screen.event(52.6, "BREACH of error_rate [all]: " + "x" * 100, "error")
    lines = out.getvalue().splitlines()
    assert lines[0] == "+   1.2s  Phase baseline began"
    assert lines[1].endswith("x" * 100)
    assert len(lines) == 2


def test_a_terminal_that_stands_still_does_not_delay_the_run():
    class Stuck(io.StringIO):
        def write(self, _text: str) -> int:
            raise BlockingIOError

    screen = TerminalScreen(Console(file=Stuck()))
    for n in range(1000):
        screen.event(float(n), "an event")
        screen.status(Status())


def test_the_panel_shows_phase_traffic_faults_and_the_distance_to_each_limit():
    console = Console(width=100, file=io.StringIO())
    status = Status(
        phase="faults", phase_left_s=12, users=100, in_flight=7, rps=48.2, p95_ms=131.0,
        error_rates={"http": 0.02, "timeout": 0.0}, faults=("slow database (active)",),
        conditions=(("error rate above 1%", Distance("ln 9.8 of 14", 0.7)),),
    )  # fmt: skip
    console.print(panel(status))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for word in ("faults", "12 s left", "100 users", "48.2 req/s", "131 ms", "7 in flight", "http 2.0%",
                 "slow database (active)", "error rate above 1%", "ln 9.8 of 14"):  # fmt: skip
        assert word in text
    assert "timeout" not in text


def test_the_panel_counts_nothing_down_once_the_run_has_ended():
    console = Console(width=100, file=io.StringIO())
    console.print(panel(Status(phase="evidence and reports")))
    assert isinstance(console.file, io.StringIO)
    assert "evidence and reports" in console.file.getvalue()
    assert "left" not in console.file.getvalue()
