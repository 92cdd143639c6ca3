"""GET / for people and GET /health for machines"""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from runbooks.sandbox.crowdfund.endpoints.apps import catalogue
from runbooks.sandbox.crowdfund.platform import platform_of

PAGE_TTL_S = 2

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Crowdfund (practice)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
td,th{{padding:.3rem .8rem;text-align:left}}td+td+td{{text-align:right}}</style></head>
<body><h1>Invest in what comes next</h1>
<table><tr><th>Venture</th><th></th><th>Raised (NGN)</th><th>Goal (NGN)</th></tr>
{rows}
</table><p>A practice platform: no money moves.</p></body></html>
"""


async def home(request: Request) -> HTMLResponse:
    """The page for visitors without a login; it may be some seconds old."""
    platform = platform_of(request)
    page = await platform.cache.get("home")
    if page is None:
        page = _PAGE.format(rows="\n".join(map(_row, await catalogue(platform)))).encode()
        await platform.cache.put("home", page, PAGE_TTL_S)
    return HTMLResponse(page)


async def health(request: Request) -> JSONResponse:
    """Whether the application lives, and how its pool does. It asks no other server."""
    stats = platform_of(request).database.pool.get_stats()
    pool = {name: stats.get(name, 0) for name in ("pool_size", "pool_available", "requests_waiting")}
    return JSONResponse({"status": "ok", **pool})


def _row(app: dict[str, Any]) -> str:
    cells = (app["name"], app["tagline"], app["raised"], app["goal"])
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
