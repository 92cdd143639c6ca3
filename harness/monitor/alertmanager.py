"""Prometheus' Alertmanager, asked once a second over its API (v2) which alerts fire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import Record
from harness.monitor.alert import SOURCE, Alert, AlertBook, State, read_labels, read_moment
from harness.reach import http
from harness.reach.allow_list import AllowList

MAX_BYTES: Final = 8 << 20
_STATES: Final[dict[object, State]] = {"active": "firing", "suppressed": "suppressed"}
# "unprocessed" lasts for an instant, before silences are looked at: the next answer says what it is


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """Where it is, and how to log in: with a bearer token, with user and password, or not at all."""

    url: str
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}


def ask(server: Alertmanager, *, allow: AllowList, timeout_s: float) -> tuple[Alert, ...]:
    """The alerts that fire now, silenced ones as "suppressed". Raises ReachFailed, NotAllowed, ReachTimeout."""
    url = f"{server.url.rstrip('/')}/api/v2/alerts"
    page = http.fetch(url, allow=allow, timeout_s=timeout_s, headers=server.headers, max_bytes=MAX_BYTES)
    if page.status in (401, 403):
        raise ReachFailed(
            f"Alertmanager refused the login ({page.status})", where=url, mend="check token, or user and password"
        )
    if page.status != 200:
        raise ReachFailed(
            f"Alertmanager answered {page.status}", where=url, mend="is this the address of Alertmanager?"
        )
    if page.truncated:
        raise ReachFailed(f"more alerts than {MAX_BYTES >> 20} MiB", where=url)
    try:
        listed = json.loads(page.body)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise ReachFailed("the answer is no list of alerts", where=url, mend="is this the address of Alertmanager?")
    return tuple(alert for entry in listed if (alert := _alert(entry)) is not None)


class AlertmanagerSource:
    """A source of readings (`firing`: how many alerts fire) that hands over every change it sees on the way."""

    name = SOURCE

    def __init__(
        self,
        server: Alertmanager,
        allow: AllowList,
        emit: Callable[[Record], None],
        clock: Clock,
        wanted: frozenset[str],
        *,
        timeout_s: float = 3.0,
    ) -> None:
        self._server = server
        self._allow = allow
        self._timeout_s = timeout_s
        self._book = AlertBook("Alertmanager", emit, clock, wanted)
        self._begun = False

    def read(self) -> dict[str, float]:
        """Raises ReachFailed, within `timeout_s`."""
        alerts = ask(self._server, allow=self._allow, timeout_s=self._timeout_s)
        if self._begun:
            self._book.all(alerts)
        else:
            self._begun = True
            self._book.first(alerts)
        return {"firing": float(self._book.firing)}

    def close(self) -> None:
        """Nothing is held between two questions."""


def _alert(entry: object) -> Alert | None:
    if not isinstance(entry, dict):
        return None
    labels = read_labels(entry.get("labels"))
    status = entry.get("status")
    word = status.get("state") if isinstance(status, dict) else None
    state = _STATES.get(word) if isinstance(word, str) else None
    name = labels.pop("alertname", "")
    return Alert(name, state, labels, read_moment(entry.get("startsAt"))) if name and state else None
