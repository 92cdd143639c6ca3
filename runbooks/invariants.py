"""Asks the invariants of a runbook, all at once, each with its deadline: reads only, but for a user's own command."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from harness.analysis.invariant import Answer
from harness.analysis.service_level import CommandLevel, Invariant, ProbeLevel, QueryLevel
from harness.clock import Deadline
from harness.errors import BadInput, ReachFailed
from harness.reach import http, postgres
from harness.reach.activity import perform
from harness.reach.allow_list import AllowList
from harness.reach.remote_command import CommandResult
from runbooks.target import Target

ASK_S = 5.0
QUERY_S = 3.0
MAX_BYTES = 1 << 20
_SLACK_S = 0.5


class HostDoor(Protocol):
    """What a command needs of the door to its host."""

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = ...) -> CommandResult: ...


class Invariants:
    """The invariants of one run. `hosts` are the doors to the hosts, by name."""

    def __init__(
        self, levels: Sequence[object], target: Target, allow: AllowList, hosts: Mapping[str, HostDoor]
    ) -> None:
        self.levels: tuple[Invariant, ...] = tuple(level for level in levels if isinstance(level, Invariant))
        self._target = target
        self._allow = allow
        self._hosts = hosts

    def ask(self) -> dict[str, Answer]:
        """The answers by the level's name, within 5 s; each that could not be had says why."""
        answers = {level.name: Answer(silent=f"no answer within {ASK_S:g} s") for level in self.levels}
        lock = threading.Lock()

        def ask(level: Invariant) -> None:
            answer = self._answer(level)
            with lock:
                answers[level.name] = answer

        threads = [threading.Thread(target=ask, args=(level,), daemon=True) for level in self.levels]
        for thread in threads:
            thread.start()
        deadline = Deadline.after(ASK_S + _SLACK_S)
        for thread in threads:
            thread.join(deadline.left_s())
        with lock:
            return dict(answers)

    def _answer(self, level: Invariant) -> Answer:
        try:
            return self.ask_one(level)
        except (ReachFailed, BadInput) as error:
            return Answer(silent=str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one question must not silence the others
            return Answer(silent=f"{type(error).__name__}: {error}")

    def ask_one(self, level: Invariant) -> Answer:
        """Raises ReachFailed, within `ASK_S`."""
        if isinstance(level, QueryLevel):
            return Answer(self._query(level))
        if isinstance(level, ProbeLevel):
            performed = perform(level.probe, timeout_s=ASK_S)
            return Answer(performed.output, tolerated=performed.tolerated)
        if isinstance(level, CommandLevel):
            result = self._hosts[level.host].run(level.run, Deadline.after(ASK_S), max_bytes=MAX_BYTES)
            return Answer(_text(result.stdout), result.exit_code)
        url = level.get if "://" in level.get else f"{self._target.base_url}{level.get}"
        page = http.fetch(url, allow=self._allow, timeout_s=ASK_S, max_bytes=MAX_BYTES)
        return Answer(_text(page.body), page.status)

    def _query(self, level: QueryLevel) -> object:
        dsn = self._target.databases[level.database].dsn.value
        connection = postgres.connect(dsn, allow=self._allow, timeout_s=QUERY_S, application_name="gameday")
        try:
            # it is never committed: closing takes back even what a function in the query may have asked for
            postgres.query(connection, "begin read only", timeout_s=QUERY_S)
            rows = postgres.query(connection, level.sql, timeout_s=QUERY_S)
        finally:
            connection.close()
        if len(rows) != 1 or len(rows[0]) != 1:
            what = f"the query answered {len(rows)} rows, not one value"
            raise ReachFailed(what, where=f"database {level.database}", mend=level.sql)
        value: object = rows[0][0]
        return value


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
