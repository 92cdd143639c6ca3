"""How numbers and moments are written for a person, in one place. `UNKNOWN` stands for what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

UNKNOWN = "unknown"
_KIB = 1024
_LONGEST_LINE = 400
_DURATIONS = frozenset({"latency", "jitter", "timeout", "hold"})  # a runbook's words for what is kept in seconds


def milliseconds(value_ms: float | None) -> str:
    """0.42 -> "0.42 ms", 187.3 -> "187 ms", 2350 -> "2.35 s"."""
    if value_ms is None:
        return UNKNOWN
    if abs(value_ms) >= 1000:
        return seconds(value_ms / 1000)
    return f"{_figures(value_ms)} ms"


def seconds(value_s: float | None) -> str:
    """0.31 -> "310 ms", 12.34 -> "12.3 s", 135 -> "2 min 15 s"."""
    if value_s is None:
        return UNKNOWN
    if 0 < abs(value_s) < 1:
        return f"{_figures(value_s * 1000)} ms"
    whole = round(value_s)
    if abs(whole) < 60:
        return f"{_figures(value_s)} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def percent(fraction: float | None) -> str:
    """0.0123 -> "1.2%", 0.0004 -> "0.04%"."""
    if fraction is None:
        return UNKNOWN
    share = fraction * 100
    if share in (0, 100):
        return f"{share:.0f}%"
    if 99.9 <= share < 100:
        return "99.9%"
    return f"{_figures(share)}%" if share >= 1 else f"{share:.2g}%"


def per_second(rate: float | None) -> str:
    """44.87 -> "44.9 req/s"."""
    return UNKNOWN if rate is None else f"{_figures(rate)} req/s"


def count(number: float | None) -> str:
    """12345 -> "12 345", with a thin unbreakable space."""
    return UNKNOWN if number is None else f"{number:,.0f}".replace(",", "\u202f")


def size(number_of_bytes: int) -> str:
    """1536 -> "1.5 KiB"."""
    if number_of_bytes < _KIB:
        return f"{number_of_bytes} B"
    value = number_of_bytes / _KIB
    for unit in ("KiB", "MiB"):
        if value < _KIB:
            return f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.1f} GiB"


def quantity(value: float | None, unit: str) -> str:
    """A value in a unit of the journal: "ms", "s", "fraction", "count" or "value"."""
    if value is None:
        return UNKNOWN
    if unit == "ms":
        return milliseconds(value)
    if unit == "fraction":
        return percent(value)
    if unit == "s":
        return seconds(value)
    return count(value) if unit == "count" and value == int(value) else f"{value:.4g}"


def offset(t_s: float | None) -> str:
    """A moment since the start of the run: 52.53 -> "+52.5 s"; the same everywhere, so that rows can be compared."""
    return UNKNOWN if t_s is None else f"{t_s:+.1f} s"


def clock(moment: datetime | None) -> str:
    """The time of day in UTC, "14:03:07"."""
    return "--:--:--" if moment is None else f"{moment:%H:%M:%S}"


def date_and_clock(moment: datetime | None) -> str:
    """ "2026-11-22 14:03:07 UTC"."""
    return UNKNOWN if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def parameters(params: Mapping[str, float | str | bool]) -> str:
    """A fault's parameters: {"latency_ms": 50, "stream": "up"} -> "latency 50 ms, stream up"."""
    return ", ".join(_parameter(key, value) for key, value in params.items())


def one_line(text: str, longest: int = _LONGEST_LINE) -> str:
    """`text` on one line, cut in the middle of a word if it must be, with an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


def sentence(text: str) -> str:
    """`text` on one line, begun with a capital and ended with a full stop."""
    flat = one_line(text)
    if not flat:
        return ""
    first = flat.split()[0]
    begin = flat[0].upper() if first.strip(",:;.?!").isalpha() else flat[0]  # "error_rate" is a name and stays
    return begin + flat[1:] + ("" if flat[-1] in ".!?…" else ".")


def plural(number: float, one: str, many: str = "") -> str:
    """ "1 request", "3 requests"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def _parameter(key: str, value: object) -> str:
    if not isinstance(value, float | int) or isinstance(value, bool):
        return f"{_words(key)} {str(value).lower() if isinstance(value, bool) else value}"
    if key.endswith("_ms"):
        return f"{_words(key[:-3])} {milliseconds(value)}"
    if key.endswith("_bytes_per_s"):
        return f"{_words(key.removesuffix('_bytes_per_s'))} {_decimal_size(value)}/s"
    if key.endswith("_s") or key in _DURATIONS:
        return f"{_words(key.removesuffix('_s'))} {seconds(value)}"
    if key.endswith("bytes"):
        return f"{_words(key.removesuffix('_bytes'))} {_decimal_size(value)}"
    return f"{_words(key)} {value:.6g}"


def _decimal_size(number_of_bytes: float) -> str:
    """64000 -> "64 KB": what a runbook asks for is counted in thousands, as Toxiproxy does."""
    for unit, worth in (("MB", 1000**2), ("KB", 1000)):
        if number_of_bytes >= worth:
            return f"{number_of_bytes / worth:.6g} {unit}"
    return f"{number_of_bytes:.6g} B"


def _words(key: str) -> str:
    return key.replace("_", " ")


def _figures(value: float) -> str:
    """Three figures, and no more than a person reads."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 10 else f"{value:.3g}"
