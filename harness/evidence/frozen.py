"""The last readings and windows before a breach, as tables: after the healing the platform looks idle."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from harness.evidence.bundle import Bundle
from harness.journal.histogram import percentile_ms
from harness.journal.record import FAILURE_KINDS, Readings, Record, RequestStats, Window

READINGS_HEADER = ("time_s", "source", "name", "value")
WINDOWS_HEADER = ("time_s", "name", "requests", *FAILURE_KINDS, "p50_ms", "p95_ms", "in_flight", "users")


def freeze(bundle: Bundle, records: Sequence[Record], until_s: float, seconds: float = 30) -> None:
    """Write `readings.csv` and `windows.csv`: what `records` have of the `seconds` up to `until_s`.

    Times are seconds since the start of the run; a window has the time of its end, and a row per request name.
    Raises JournalFailed when the disk refuses it.
    """
    since_s = until_s - seconds
    span = f"from {since_s:.1f} s to {until_s:.1f} s"
    readings = [r for r in records if isinstance(r, Readings) and since_s <= r.t <= until_s]
    windows = [w for w in records if isinstance(w, Window) and since_s <= w.end <= until_s]
    readings.sort(key=lambda r: r.t)
    windows.sort(key=lambda w: w.end)
    bundle.add_own_text(f"readings {span}", "readings.csv", _table(READINGS_HEADER, _reading_rows(readings)))
    bundle.add_own_text(f"windows {span}", "windows.csv", _table(WINDOWS_HEADER, _window_rows(windows)))


def _reading_rows(readings: Iterable[Readings]) -> Iterator[tuple[str, ...]]:
    for record in readings:
        for name, value in sorted(record.values.items()):
            yield f"{record.t:.3f}", record.source, name, f"{value:g}"


def _window_rows(windows: Iterable[Window]) -> Iterator[tuple[str, ...]]:
    for window in windows:
        # a window in which nothing ended still says that requests were in flight: a stall looks like that
        for name, stats in sorted(window.names.items()) or [("", RequestStats())]:
            yield (
                f"{window.end:.3f}",
                name,
                str(stats.requests),
                *(str(stats.failures.get(kind, 0)) for kind in FAILURE_KINDS),
                _milliseconds(percentile_ms(stats.histogram, 0.5)),
                _milliseconds(percentile_ms(stats.histogram, 0.95)),
                str(window.in_flight),
                str(window.users),
            )


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
