"""The conductor's view: a live one on a terminal, plain lines anywhere else.

It draws in a thread of its own: a terminal that stands still (Ctrl-S, a full pipe) delays nobody.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.guard.condition import Distance

LEVEL_STYLES = {"info": "", "good": "green", "warning": "yellow", "error": "bold red"}
_REFRESH_S = 0.25


@dataclass(frozen=True, slots=True)
class Status:
    """What the live view shows at one moment. Rates are fractions, times seconds."""

    now_s: float = 0.0
    phase: str = "starting"
    phase_left_s: float | None = None  # where an end is planned
    users: int = 0
    in_flight: int = 0
    rps: float = 0.0
    p95_ms: float | None = None
    error_rates: dict[str, float] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    conditions: tuple[tuple[str, Distance], ...] = ()


class Screen(Protocol):
    """Where a run is watched. Neither method ever blocks."""

    def event(self, now_s: float, text: str, level: str = "info") -> None: ...

    def status(self, status: Status) -> None: ...


class TerminalScreen:
    """Events as lines; on a terminal a live panel below them. A context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._events: SimpleQueue[Text] = SimpleQueue()
        self._status = Status()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="screen", daemon=True)

    def event(self, now_s: float, text: str, level: str = "info") -> None:
        line = Text(f"+{now_s:6.1f}s  ", style="dim")
        line.append(text, style=LEVEL_STYLES.get(level, ""))
        self._events.put(line)

    def status(self, status: Status) -> None:
        self._status = status

    def __enter__(self) -> TerminalScreen:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(2.0)

    def _draw(self) -> None:
        with suppress(OSError):  # the terminal was closed: nobody watches any more
            self._draw_all()

    def _draw_all(self) -> None:
        if not self._console.is_terminal:
            self._draw_lines()
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while not self._ended.is_set():
                self._print_events()
                live.update(panel(self._status), refresh=True)
                self._ended.wait(_REFRESH_S)
            self._print_events()

    def _draw_lines(self) -> None:
        while not self._ended.wait(_REFRESH_S / 2):
            self._print_events()
        self._print_events()

    def _print_events(self) -> None:
        while True:
            try:
                line = self._events.get_nowait()
            except Empty:
                return
            self._console.print(line, soft_wrap=True, highlight=False)


def panel(status: Status) -> RenderableType:
    """The live panel: phase, traffic, faults and the distance of every stop condition to its limit."""
    head = Table.grid(padding=(0, 3))
    left = "" if status.phase_left_s is None else f" {status.phase_left_s:.0f} s left"
    p95 = "-" if status.p95_ms is None else f"{status.p95_ms:.0f} ms"
    head.add_row(
        f"[bold]{escape(status.phase)}[/]{left}",
        f"{status.users} users",
        f"{status.rps:.1f} req/s",
        f"p95 {p95}",
        f"{status.in_flight} in flight",
    )
    kinds = ", ".join(f"{kind} {rate:.1%}" for kind, rate in status.error_rates.items() if rate > 0)
    faults = ", ".join(escape(f) for f in status.faults) or "none"
    lines: list[RenderableType] = [
        Text("─" * 60, style="dim"),
        head,
        Text.from_markup(f"errors: {kinds or 'none'}   active faults: [magenta]{faults}[/]"),
    ]
    for text, distance in status.conditions:
        lines.append(_bar(text, distance))
    return Group(*lines)


def _bar(text: str, distance: Distance) -> Text:
    share = min(max(distance.share or 0.0, 0.0), 1.0)
    filled = round(share * 20)
    style = "red" if share > 0.8 else "yellow" if share > 0.5 else "green"
    line = Text("stop when ", style="dim")
    line.append(f"{text}: ")
    line.append("█" * filled, style=style)
    line.append("░" * (20 - filled), style="dim")
    line.append(f" {distance.text}")
    return line
