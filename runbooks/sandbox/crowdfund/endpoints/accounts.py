"""POST /api/v1/auth/login/"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from runbooks.sandbox.crowdfund.credentials import password_matches
from runbooks.sandbox.crowdfund.platform import json_object, platform_of

_FIND = "select id, name, password_salt, password_hash from investors where email = %(email)s"


async def login(request: Request) -> JSONResponse:
    body = await json_object(request)
    platform = platform_of(request)
    found = await platform.database.row(_FIND, {"email": str(body.get("email", ""))})
    password = str(body.get("password", ""))
    if found is None or not await asyncio.to_thread(
        password_matches, password, found["password_salt"], found["password_hash"]
    ):
        raise HTTPException(401, "unknown e-mail or wrong password")
    return JSONResponse({"token": platform.tokens.issue(found["id"]), "id": found["id"], "name": found["name"]})
