"""A held session that is ended while it is at work is closed by whoever comes last."""

import pytest

from faults import leased_session
from faults.leased_session import LeasedSession
from harness.errors import ReachFailed


class Connection:
    """A connection without a socket: it can't be cut off from the side."""

    closed = False

    def close(self):
        self.closed = True

    def fileno(self):
        raise ValueError("no socket")


@pytest.fixture
def at_work(monkeypatch):
    """What happens while a statement is under way."""
    during = []

    def query(connection, sql, params=(), *, timeout_s):
        for happens in during:
            happens()
        return [(1,)]

    monkeypatch.setattr(leased_session.postgres, "query", query)
    return during


def test_an_idle_one_is_closed_at_once():
    connection = Connection()
    LeasedSession(connection).end()
    assert connection.closed


def test_one_whose_statement_was_just_done_when_it_was_cut_off_is_closed_all_the_same(at_work):
    connection = Connection()
    session = LeasedSession(connection)
    at_work.append(session.end)
    at_work.append(lambda: seen.append(connection.closed))
    seen = []
    assert session.renew()
    assert seen == [False], "not under the statement's feet"
    assert connection.closed


def test_one_that_is_lost_at_work_is_closed(at_work):
    connection = Connection()

    def lost():
        raise ReachFailed("gone")

    at_work.append(lost)
    assert not LeasedSession(connection).renew()
    assert connection.closed
