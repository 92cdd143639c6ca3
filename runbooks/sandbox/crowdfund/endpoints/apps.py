"""GET /api/v1/apps/ and GET /api/v1/apps/{id}/

What changes seldom (names, descriptions, goals) is cached for some seconds. What an investor decides by, the money
raised so far, is read from the database each time.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from runbooks.sandbox.crowdfund.database import Row
from runbooks.sandbox.crowdfund.platform import Platform, platform_of

CATALOGUE_TTL_S = 3

_RAISED = "select id, raised, backers from apps order by id"
_RAISED_ONE = "select id, raised, backers from apps where id = %(id)s"
_WHOLE = "select id, name, tagline, goal, raised, backers from apps order by id"
_WHOLE_ONE = "select id, name, tagline, description, goal, raised, backers from apps where id = %(id)s"

Words = dict[str, dict[str, str]]


async def list_apps(request: Request) -> JSONResponse:
    return JSONResponse({"results": await catalogue(platform_of(request))})


async def show_app(request: Request) -> JSONResponse:
    found = await _one(platform_of(request), int(request.path_params["app_id"]))
    if found is None:
        raise HTTPException(404, "no such app")
    return JSONResponse(found)


async def catalogue(platform: Platform) -> list[dict[str, Any]]:
    """All apps with what each has raised: one round trip to the cache, one to the database."""
    words = await _cached_words(platform, "apps")
    if words is not None:
        return [_with_money(words.get(str(r["id"]), {}), r) for r in await platform.database.rows(_RAISED)]
    rows = await platform.database.rows(_WHOLE)
    words = {str(row["id"]): _words(row) for row in rows}
    await platform.cache.put("apps", json.dumps(words).encode(), CATALOGUE_TTL_S)
    return [_with_money(words[str(row["id"])], row) for row in rows]


async def _one(platform: Platform, app_id: int) -> dict[str, Any] | None:
    words = await _cached_words(platform, f"app:{app_id}")
    statement = _WHOLE_ONE if words is None else _RAISED_ONE
    row = await platform.database.row(statement, {"id": app_id})
    if row is None:
        return None
    if words is None:
        words = {str(app_id): _words(row)}
        await platform.cache.put(f"app:{app_id}", json.dumps(words).encode(), CATALOGUE_TTL_S)
    return _with_money(words.get(str(app_id), {}), row)


async def _cached_words(platform: Platform, key: str) -> Words | None:
    cached = await platform.cache.get(key)
    if cached is None:
        return None
    words: Words = json.loads(cached)
    return words


def _words(row: Row) -> dict[str, str]:
    return {key: str(row[key]) for key in ("name", "tagline", "description", "goal") if key in row}


def _with_money(words: dict[str, str], row: Row) -> dict[str, Any]:
    return {"id": row["id"], **words, "raised": str(row["raised"]), "backers": row["backers"]}
