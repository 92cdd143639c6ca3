"""One connection to Redis (or Valkey) that is held open: named, one command at a time, each in bounded time."""

from __future__ import annotations

import contextlib
import re
import select
import threading
from collections.abc import Callable
from typing import cast

import redis
from redis.connection import Connection

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.in_time import in_time
from harness.reach.redis import address_of, mapped, pool_of

Answer = str | int | list[object] | None
_WATCHED = re.compile(r"\d+\.\d+ \[")
"""What a server tells a connection in MONITOR of other clients' commands."""
_NO_RIGHT = "NOPERM"


class NoRight(ReachFailed):
    """The user may not send this command (its ACL)."""


class Rejected(ReachFailed):
    """The server answered the command with an error."""


class RedisSession:
    """A connection of its own, from any thread."""

    def __init__(self, connection: Connection, where: str) -> None:
        self._connection = connection
        self._where = where
        self._busy = threading.Lock()
        self._closed = False

    def ask(self, *words: str | int, timeout_s: float) -> Answer:
        """The answer to one command. Raises NoRight or Rejected for an error of the server, and ReachFailed or
        ReachTimeout otherwise: the session is closed then."""
        with self._busy:
            if self._closed:
                raise ReachFailed("the connection is closed", where=self._where)
            try:
                with mapped(self._where):
                    return self._answer(words, Deadline.after(timeout_s))
            except ReachFailed as error:
                said = error.__cause__
                if not isinstance(said, redis.ResponseError):
                    self.close()
                    raise
                kind = NoRight if isinstance(said, redis.exceptions.NoPermissionError) else Rejected
                raise kind(error.what, where=self._where, mend=error.mend) from error

    @property
    def lost(self) -> bool:
        """Whether it is closed, or the server has closed it; asks nothing."""
        if self._closed:
            return True
        sock = self._connection._sock  # noqa: SLF001 - redis-py has no word for a look without waiting
        if sock is None:
            return True
        poller = select.poll()
        poller.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poller.poll(0))  # nobody sends anything unasked: what comes is the end

    def close(self) -> None:
        """Never waits: a command under way in another thread fails then."""
        self._closed = True
        with contextlib.suppress(redis.RedisError, OSError):
            self._connection.disconnect()  # type: ignore[no-untyped-call]

    def _answer(self, words: tuple[str | int, ...], deadline: Deadline) -> Answer:
        self._connection.send_command(*words, check_health=False)  # type: ignore[no-untyped-call]
        while True:
            answer: Answer = self._connection.read_response(timeout=max(deadline.left_s(), 0.001))
            if not (isinstance(answer, str) and _WATCHED.match(answer)):
                return answer


def open_session(
    url: str, *, allow: AllowList, via: tuple[str, int] | None = None, timeout_s: float, name: str = ""
) -> RedisSession:
    """A connection that has logged in, within `timeout_s`; `name` is how CLIENT LIST shows it.

    Raises NoRight when the user may not name it, Rejected when the server refuses it ("max number of clients
    reached"), else ReachFailed, ReachTimeout or NotAllowed.
    """
    host, port = via or address_of(url)

    def opened() -> RedisSession:
        # the look-up too: no library bounds it
        return session_maker(url, allow=allow, via=via, timeout_s=timeout_s, name=name)()

    return in_time(opened, timeout_s=timeout_s, where=f"{host}:{port}", late=RedisSession.close)


def session_maker(
    url: str, *, allow: AllowList, via: tuple[str, int] | None = None, timeout_s: float, name: str = ""
) -> Callable[[], RedisSession]:
    """Opens a session with each call, as `open_session` does, for who needs many: the name is looked up once, and
    `timeout_s` bounds each socket operation, not the whole."""
    host, port = via or address_of(url)
    where = f"{host}:{port}"
    pool = pool_of(url, allow=allow, via=via, timeout_s=timeout_s, client_name=name)

    def opened() -> RedisSession:
        # a pool gives out so many and no more: ours is there for what it knows of the server
        connection = cast("Connection", pool.connection_class(**pool.connection_kwargs))
        session = RedisSession(connection, where)
        try:
            with mapped(where):
                connection.connect()  # type: ignore[no-untyped-call]
            if not name:
                # a server that is full takes the connection, and says so in its first answer
                session.ask("PING", timeout_s=timeout_s)
        except NoRight:
            return session
        except ReachFailed as error:
            session.close()
            raise _refused(error) from error
        return session

    return opened


def _refused(error: ReachFailed) -> ReachFailed:
    if _NO_RIGHT in error.what or isinstance(error.__cause__, redis.exceptions.NoPermissionError):
        return NoRight(error.what, where=error.where)
    if "max number of clients" in error.what:
        return Rejected(error.what, where=error.where, mend="the server is at maxclients: free a connection")
    return error
