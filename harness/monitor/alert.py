"""An alert as the platform's alerting tells it, and what is new of it since we heard of it last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from harness.clock import Clock
from harness.journal.record import AlertSeen, Note, Record

SOURCE = "alerting"
"""The source of the readings that prove that the alerting is heard: `alerting.firing`."""

State = Literal["firing", "suppressed", "resolved"]
MOST_TOLD = 300
MOST_WANTED_TOLD = 3000
MOST_KNOWN = 4000
_MOST_LABELS = 40
_LONGEST_WORD = 200
_Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """`starts_at` (UTC) is when it began, as the alerting says; None: it doesn't say."""

    name: str
    state: State
    labels: Mapping[str, str]
    starts_at: datetime | None = None

    @property
    def key(self) -> _Key:
        """What makes it the same alert: its name and its labels."""
        return (("", self.name), *sorted(self.labels.items()))


class AlertBook:
    """Which alerts fire now. `tell` hands over what changed, within bounds: a platform on fire must not fill the
    journal, nor whoever posts to a webhook the memory. `wanted`: the names that have bounds of their own, and of which
    what fires already is told one by one."""

    def __init__(self, source: str, emit: Callable[[Record], None], clock: Clock, wanted: frozenset[str]) -> None:
        self._source = source
        self._emit = emit
        self._clock = clock
        self._wanted = wanted
        self._known: dict[_Key, Alert] = {}
        self._told = 0
        self._wanted_told = 0

    @property
    def firing(self) -> int:
        return sum(alert.state == "firing" for alert in self._known.values())

    def first(self, alerts: Iterable[Alert]) -> None:
        """What fires already when we begin to listen: only the wanted ones are told one by one."""
        others = 0
        for alert in alerts:
            if not self._has_room(alert):
                continue
            self._known[alert.key] = alert
            if alert.name in self._wanted:
                self._tell(alert)
            else:
                others += 1
        if others:
            self._emit(Note(t=self._clock.now_s(), text=f"Alerts that were firing already: {others}"))

    def tell(self, alert: Alert) -> None:
        """One alert's state now; nothing where it is the known one."""
        known = self._known.get(alert.key)
        if (known.state if known else "resolved") == alert.state or (known is None and not self._has_room(alert)):
            return
        if alert.state == "resolved":
            del self._known[alert.key]
        else:
            self._known[alert.key] = alert
        self._tell(alert)

    def all(self, alerts: Iterable[Alert]) -> None:
        """Every alert there is now: what is gone is resolved."""
        now = {alert.key: alert for alert in alerts}
        for key in self._known.keys() - now.keys():
            gone = self._known[key]
            self.tell(Alert(gone.name, "resolved", gone.labels, gone.starts_at))
        for alert in now.values():
            self.tell(alert)

    def _has_room(self, alert: Alert) -> bool:
        """A quarter of the room is kept for the wanted."""
        return len(self._known) < (MOST_KNOWN if alert.name in self._wanted else MOST_KNOWN * 3 // 4)

    def _tell(self, alert: Alert) -> None:
        if alert.name in self._wanted:
            self._wanted_told += 1
        else:
            self._told += 1
        if self._told > MOST_TOLD if alert.name not in self._wanted else self._wanted_told > MOST_WANTED_TOLD:
            return
        self._emit(
            AlertSeen(
                t=self._clock.now_s(),
                name=alert.name,
                labels=dict(alert.labels),
                state=alert.state,
                since=self._since_s(alert.starts_at),
                source=self._source,
            )
        )

    def _since_s(self, starts_at: datetime | None) -> float | None:
        return None if starts_at is None else round((starts_at - self._clock.started_at).total_seconds(), 3)


def read_labels(value: object) -> dict[str, str]:
    """The labels of a JSON object, within bounds; {} where it is none."""
    if not isinstance(value, dict):
        return {}
    items = list(value.items())[:_MOST_LABELS]
    return {str(key)[:_LONGEST_WORD]: str(text)[:_LONGEST_WORD] for key, text in items}


def read_moment(value: object) -> datetime | None:
    """An RFC 3339 time with its zone; None for what is none, and for Go's zero time."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and moment.year > 1 else None
