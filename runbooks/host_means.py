"""The readings of hosts and of the processes watched on them, over a stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.journal.record import Readings

_OTHERS = ("database.", "cache.", "container.")


def host_means(readings: Iterable[Readings]) -> Mapping[str, Mapping[str, float]]:
    """By source, the mean of each reading that it has."""
    values: dict[str, dict[str, list[float]]] = {}
    for record in readings:
        if not record.source.startswith(_OTHERS):
            of = values.setdefault(record.source, {})
            for name, value in record.values.items():
                of.setdefault(name, []).append(value)
    return {source: {name: sum(v) / len(v) for name, v in of.items()} for source, of in values.items()}
