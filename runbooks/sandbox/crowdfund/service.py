"""The application: its routes, its errors, its life."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from runbooks.sandbox.crowdfund.access_log import AccessLog
from runbooks.sandbox.crowdfund.endpoints import accounts, apps, certificates, investments, pages, payments
from runbooks.sandbox.crowdfund.platform import Platform, platform_of
from runbooks.sandbox.crowdfund.report import reporting
from runbooks.sandbox.crowdfund.settings import Settings
from runbooks.sandbox.crowdfund.strain import Strain

_log = logging.getLogger("crowdfund.service")

DATABASE_WAIT_S = 15.0

ROUTES = [
    Route("/", pages.home),
    Route("/health", pages.health),
    Route("/api/v1/auth/login/", accounts.login, methods=["POST"]),
    Route("/api/v1/apps/", apps.list_apps),
    Route("/api/v1/apps/{app_id:int}/", apps.show_app),
    Route("/api/v1/investments/", investments.invest, methods=["POST"]),
    Route("/api/v1/payments/verify/{reference}/", payments.verify),
    Route("/api/v1/payments/paystack-webhook/", payments.paystack_webhook, methods=["POST"]),
    Route("/api/v1/certificates/", certificates.list_certificates),
    Route("/api/v1/certificates/{certificate_id:int}/download/", certificates.download_certificate),
]


def build(settings: Settings, access_log: TextIO) -> Starlette:
    """The ASGI application; access lines go to `access_log`."""

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        platform = Platform.build(settings)
        await platform.database.open(DATABASE_WAIT_S)
        app.state.platform = platform
        _log.info("ready, pool of %d connections", settings.pool_size)
        async with reporting(settings):
            yield
        _log.info("stopping")
        await platform.close()

    return Starlette(
        routes=ROUTES,
        lifespan=life,
        middleware=[Middleware(AccessLog, stream=access_log), Middleware(Strain, settings=settings)],
        exception_handlers={
            HTTPException: _refused,
            PoolTimeout: _pool_exhausted,
            psycopg.OperationalError: _database_unavailable,
            psycopg.Error: _database_error,
        },
    )


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code)


def _pool_exhausted(request: Request, error: Exception) -> JSONResponse:
    stats = platform_of(request).database.pool.get_stats()
    size, waiting = stats.get("pool_size", 0), stats.get("requests_waiting", 0)
    _log.error("%s (%s; pool size %d, %d waiting)", _said(error), _what(request), size, waiting)
    return JSONResponse({"error": "all database connections are busy, try again"}, status_code=503)


def _database_unavailable(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s (%s)", _said(error), _what(request))
    return JSONResponse({"error": "the database is not available, try again"}, status_code=503)


def _database_error(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s (%s)", _said(error), _what(request))
    return JSONResponse({"error": "the database refused the request"}, status_code=500)


def _said(error: Exception) -> str:
    """Class and text, on one line."""
    kind = "psycopg_pool.PoolTimeout" if isinstance(error, PoolTimeout) else _class_name(error)
    return f"{kind}: {' '.join(str(error).split())}"


def _class_name(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _what(request: Request) -> str:
    return f"{request.method} {request.url.path}"
