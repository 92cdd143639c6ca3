"""The named defect of a report that locks a table against everybody while it is made."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import psycopg

from runbooks.sandbox.crowdfund.settings import Settings

_log = logging.getLogger("crowdfund.report")
_LOCK = b"lock table apps in access exclusive mode"
_SUM = b"select sum(raised), sum(backers) from apps"
_PAUSE_S = 1.0


@contextlib.asynccontextmanager
async def reporting(settings: Settings) -> AsyncIterator[None]:
    """Makes reports beside the requests, where the settings ask for it."""
    if not settings.report_lock_s:
        yield
        return
    making = asyncio.create_task(_make_reports(settings))
    try:
        yield
    finally:
        making.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await making


async def _make_reports(settings: Settings) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                settings.database_dsn, autocommit=True, application_name="crowdfund-report", connect_timeout=3
            ) as connection:
                await _make_on(connection, settings.report_lock_s)
        except psycopg.Error as error:
            _log.warning("report: %s", " ".join(str(error).split()))
            await asyncio.sleep(_PAUSE_S)


async def _make_on(connection: psycopg.AsyncConnection, lock_s: float) -> None:
    while True:
        async with connection.transaction():
            await connection.execute(_LOCK)
            await connection.execute(_SUM)
            await asyncio.sleep(lock_s)  # it writes a file and sends it somewhere, with the table still locked
        await asyncio.sleep(_PAUSE_S)
