"""How sessions become readings; a real server's are read in tests/integration/test_databases.py."""

from __future__ import annotations

import socket

import pytest

from harness.errors import ReachFailed
from harness.monitor.postgres import PostgresSource, counts
from harness.monitor.session_log import Session
from harness.reach.allow_list import AllowList


def _session(state: str, waits_for: str = "", *, blocked_by: tuple[int, ...] = (), since_s: float = 1.0) -> Session:
    return Session(
        pid=1,
        application_name="api",
        role="crowdfund",
        state=state,
        state_age_s=since_s,
        wait_event_type=waits_for,
        wait_event="",
        transaction_age_s=None if state == "idle" else since_s,
        query_age_s=since_s,
        blocked_by=blocked_by,
        query="",
    )


def test_no_sessions_are_zeroes_and_not_absent() -> None:
    values = counts([])
    assert set(values.values()) == {0.0}
    assert {"connections", "active", "blocked", "longest_transaction_s", "wait_lock", "wait_none"} <= set(values)


def test_a_session_is_counted_by_its_state_and_by_what_it_waits_for() -> None:
    values = counts(
        [
            _session("idle", "Client", since_s=900),
            _session("idle in transaction", "Client", since_s=30),
            _session("idle in transaction (aborted)", "Client", since_s=3),
            _session("active", "Client"),
            _session("active", since_s=4),
            _session("active", "Lock", blocked_by=(7,)),
            _session("active", "LWLock"),
            _session("active", "InjectionPoint"),
        ]
    )
    assert (values["connections"], values["active"], values["idle"], values["idle_in_transaction"]) == (8, 5, 1, 2)
    assert (values["waiting"], values["blocked"]) == (3, 1), "waiting for the client is no wait of the database's"
    waits = {key: value for key, value in values.items() if key.startswith("wait_")}
    assert waits == {
        "wait_client": 1,
        "wait_none": 1,
        "wait_lock": 1,
        "wait_lwlock": 1,
        "wait_injectionpoint": 1,
        "wait_io": 0,
        "wait_ipc": 0,
    }
    assert values["longest_transaction_s"] == 30
    assert values["longest_query_s"] == 4, "an idle session's last query is over"


def test_a_database_that_is_not_there_is_a_failed_read_and_closing_is_safe() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    source = PostgresSource("database.main", f"postgresql://me@127.0.0.1:{port}/x", AllowList(["127.0.0.0/8"]))
    with pytest.raises(ReachFailed, match="refused"):
        source.read()
    assert source.detail() == ""
    source.close()
    source.close()


class Session0:
    """A connection that is there until it is closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_server_that_was_started_anew_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = [1000.0, 1000.2, 1060.0, 1060.0]
    monkeypatch.setattr("harness.monitor.postgres.connect", lambda *_, **__: Session0())
    monkeypatch.setattr("harness.monitor.postgres.query", lambda *_, **__: [(100, 3, starts.pop(0))])
    monkeypatch.setattr("harness.monitor.postgres.read_sessions", lambda *_: [])
    source = PostgresSource("database.main", "postgresql://x@127.0.0.1/x", AllowList(["127.0.0.0/8"]))
    told = []
    for _ in range(4):
        source.read()
        source.close()
        told.append([(c.source, c.what) for c in source.new_crashes()])
    assert told == [[], [], [("database.main", "restarted")], []]
