"""GET /api/v1/apps/ and GET /api/v1/apps/{id}/

What changes seldom (names, descriptions, goals) is cached for some seconds. What an investor decides by, the money
raised so far, is read from the database each time.
"""

from __future__ import annotations

import asyncio
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
# The listing's numbers from every investment ever made: no column of `apps` has to be kept, and all of them are read.
_RAISED_FROM_HISTORY = """
select a.id, coalesce(sum(i.amount), 0) as raised, count(distinct i.investor_id) as backers
from apps a left join investments i on i.app_id = a.id group by a.id order by a.id
"""
_RAISED_ONE_FROM_HISTORY = """
select a.id, coalesce(sum(i.amount), 0) as raised, count(distinct i.investor_id) as backers
from apps a left join investments i on i.app_id = a.id where a.id = %(id)s group by a.id
"""
_BACKERS = "select investor_id from certificates where app_id = %(id)s order by id desc limit %(most)s"
_BACKER = "select name from investors where id = %(id)s"

Words = dict[str, dict[str, str]]


async def list_apps(request: Request) -> JSONResponse:
    platform = platform_of(request)
    listed = await catalogue(platform)
    if platform.sums_history:
        summed = await platform.database.rows(_RAISED_FROM_HISTORY)
        listed = [app | _with_money({}, row) for app, row in zip(listed, summed, strict=True)]
    if platform.backers_of_each:
        listed = [{**app, "latest": await _backers(platform, app["id"])} for app in listed]
    if platform.picture_bytes:
        listed = [{**app, "picture": "picture " * (platform.picture_bytes // 8)} for app in listed]
    return JSONResponse({"results": listed})


async def show_app(request: Request) -> JSONResponse:
    found = await _one(platform_of(request), int(request.path_params["app_id"]))
    if found is None:
        raise HTTPException(404, "no such app")
    return JSONResponse(found)


async def catalogue(platform: Platform) -> list[dict[str, Any]]:
    """All apps with what each has raised: one round trip to the cache, one to the database."""
    words = await _cached_words(platform, "apps")
    rows = await platform.database.rows(_WHOLE if words is None else _RAISED)
    if words is None:
        words = {str(row["id"]): _words(row) for row in rows}
        await asyncio.sleep(platform.assembly_s)
        await platform.cache.put("apps", json.dumps(words).encode(), CATALOGUE_TTL_S)
    return [_with_money(words.get(str(row["id"]), {}), row) for row in rows]


async def _backers(platform: Platform, app_id: int) -> list[str]:
    """The latest backers by name: one statement for their numbers, and one more for each."""
    found = await platform.database.rows(_BACKERS, {"id": app_id, "most": platform.backers_of_each})
    named = [await platform.database.row(_BACKER, {"id": row["investor_id"]}) for row in found]
    return [row["name"] for row in named if row is not None]


async def _one(platform: Platform, app_id: int) -> dict[str, Any] | None:
    words = await _cached_words(platform, f"app:{app_id}")
    statement = _WHOLE_ONE if words is None else _RAISED_ONE
    row = await platform.database.row(statement, {"id": app_id})
    if row is None:
        return None
    if words is None:
        words = {str(app_id): _words(row)}
        await asyncio.sleep(platform.assembly_s)
        await platform.cache.put(f"app:{app_id}", json.dumps(words).encode(), CATALOGUE_TTL_S)
    if platform.sums_history:
        row = await platform.database.row(_RAISED_ONE_FROM_HISTORY, {"id": app_id}) or row
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
