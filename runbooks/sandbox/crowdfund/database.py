"""The application's database: a pool of connections and one round trip per statement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from runbooks.sandbox.crowdfund.settings import Settings
from runbooks.sandbox.crowdfund.upstream_time import upstream

Row = dict[str, Any]
_LEAK_S = 30.0
Connection = psycopg.AsyncConnection[DictRow]

# Each of these would cost a round trip more: TLS and GSS negotiation, BEGIN and COMMIT, PREPARE.
_CONNECT: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,
    "row_factory": dict_row,
    "connect_timeout": 3,
    "sslmode": "disable",
    "gssencmode": "disable",
    "application_name": "crowdfund",
}


class Database:
    """Statements on pooled connections. psycopg's errors come through as they are, PoolTimeout among them."""

    def __init__(self, settings: Settings) -> None:
        self._dsn = settings.database_dsn
        self._round_trip_s = settings.database_round_trip_s
        self._leak_every = settings.connection_leak_every
        self._statements = 0
        self._leaking: set[asyncio.Task[None]] = set()
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            settings.database_dsn,
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs=_CONNECT,
            min_size=settings.pool_size,
            max_size=settings.pool_max_size or settings.pool_size,
            timeout=settings.pool_timeout_s,
            # The pool doubles its pause after each failed attempt. Giving up soon keeps the pause at a second,
            # since the next request that has to wait starts a new attempt, until the pool is whole again.
            reconnect_timeout=1.0,
            name="crowdfund",
            open=False,
        )

    async def open(self, timeout_s: float) -> None:
        """Waits until the database answers, then fills the pool. TimeoutError when it doesn't."""
        async with asyncio.timeout(timeout_s):
            while not await self._answers():
                await asyncio.sleep(0.05)
            await self.pool.open(wait=True, timeout=timeout_s)

    async def close(self) -> None:
        for leaking in self._leaking:
            leaking.cancel()
        await self.pool.close(timeout=0.5)

    async def rows(self, statement: str, values: Mapping[str, object] | None = None) -> list[Row]:
        """The rows of one statement; [] when it has none."""
        with upstream():
            connection = await self._connection()
            try:
                cursor = await connection.execute(statement.encode(), values)
                await asyncio.sleep(self._round_trip_s)
                return await cursor.fetchall()
            finally:
                await self._give_back(connection)

    async def row(self, statement: str, values: Mapping[str, object] | None = None) -> Row | None:
        """The first row of one statement, or None."""
        found = await self.rows(statement, values)
        return found[0] if found else None

    async def _give_back(self, connection: Connection) -> None:
        self._statements += 1
        if self._leak_every and self._statements % self._leak_every == 0:
            leaking = asyncio.create_task(self._forget(connection))
            self._leaking.add(leaking)
            leaking.add_done_callback(self._leaking.discard)
        else:
            await self.pool.putconn(connection)

    async def _forget(self, connection: Connection) -> None:
        """The named defect of a connection that is not given back: the pool has it again after half a minute."""
        await asyncio.sleep(_LEAK_S)
        await self.pool.putconn(connection)

    async def _connection(self) -> Connection:
        """A connection that the server has not hung up meanwhile; the pool replaces the others.

        The pool's own `check` would pause for a second at the second dead one.
        """
        give_up_at = time.monotonic() + self.pool.timeout
        left_s = self.pool.timeout
        while True:
            connection = await self.pool.getconn(timeout=left_s)
            if not _is_cut(connection):
                return connection
            await connection.close()
            await self.pool.putconn(connection)
            left_s = max(0.0, give_up_at - time.monotonic())

    async def _answers(self) -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(self._dsn, **_CONNECT)
        except psycopg.OperationalError:
            return False
        await connection.close()
        return True


def _is_cut(connection: Connection) -> bool:
    """Whether the server has hung up: a look at the socket, no round trip."""
    try:
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return connection.closed
