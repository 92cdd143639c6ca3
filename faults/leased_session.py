"""A session of the exhausting role with a lease: the server itself ends it when nobody renews it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import psycopg
from psycopg.rows import TupleRow

from harness.errors import ReachFailed, ReachTimeout
from harness.reach import postgres

_RENEW_S = 1.0


def lease_settings(lease_s: float) -> dict[str, str]:
    """The lease, kept by the server: an idle session ends, in a transaction or out of one."""
    milliseconds = f"{round(lease_s * 1000)}"
    return {"idle_session_timeout": milliseconds, "idle_in_transaction_session_timeout": milliseconds}


class LeasedSession:
    """One held session; `end` may come while another thread renews it."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection = connection
        self._busy = threading.Lock()
        self._over = threading.Event()

    def renew(self) -> bool:
        """A statement, so that the lease begins anew. False when the session is gone."""
        try:
            self.ask("SELECT 1")
        except ReachFailed:
            return False
        return True

    def ask(self, sql: str, *params: object) -> list[TupleRow]:
        """The rows of `sql`. Raises ReachFailed, and the session is gone then."""
        with self._using():
            try:
                return postgres.query(self._connection, sql, params, timeout_s=_RENEW_S)
            except ReachFailed:
                self._connection.close()
                raise

    def work(self, sql: str, *params: object, timeout_s: float) -> bool:
        """Play `sql`; False where the server ended it by its statement timeout. Raises ReachFailed, and the session is
        gone then."""
        with self._using():
            try:
                postgres.query(self._connection, sql, params, timeout_s=timeout_s)
            except ReachFailed as error:
                if isinstance(error, ReachTimeout) and not self._connection.closed:
                    return False
                self._connection.close()
                raise
            return True

    def end(self) -> None:
        """Close it, without waiting for the server."""
        self._over.set()
        if self._close():
            return
        # in the middle of a statement: cut it off from the side, and that thread closes it
        with (
            contextlib.suppress(OSError, ValueError, psycopg.Error),
            socket.socket(fileno=os.dup(self._connection.fileno())) as link,
        ):
            link.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        try:
            with self._busy:
                yield
        finally:
            # it may have been ended just as its statement was done
            if self._over.is_set():
                self._close()

    def _close(self) -> bool:
        """False while a statement is under way."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            self._connection.close()
        finally:
            self._busy.release()
        return True
