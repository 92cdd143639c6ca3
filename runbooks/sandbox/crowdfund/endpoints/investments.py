"""POST /api/v1/investments/"""

from __future__ import annotations

import secrets
from decimal import Decimal, InvalidOperation

from psycopg import errors
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from runbooks.sandbox.crowdfund.platform import investor_of, json_object, platform_of

_SMALLEST = Decimal(100)
_LARGEST = Decimal(10_000_000)

# One statement, so one round trip and one transaction.
_INVEST = """
with invested as (
    insert into investments (investor_id, app_id, amount) values (%(investor)s, %(app)s, %(amount)s) returning id
), owed as (
    insert into payments (reference, investment_id, investor_id, amount, method)
    select %(reference)s, id, %(investor)s, %(amount)s, %(method)s from invested
), counted as (
    update apps set raised = raised + %(amount)s, backers = backers + 1 where id = %(app)s
)
select id from invested
"""


async def invest(request: Request) -> JSONResponse:
    investor = investor_of(request)
    body = await json_object(request)
    values = {
        "investor": investor,
        "app": _app_id(body.get("app_id")),
        "amount": _amount(body.get("amount")),
        "method": _method(body.get("payment_method")),
        "reference": f"INV-{secrets.token_hex(10)}",
    }
    try:
        created = await platform_of(request).database.row(_INVEST, values)
    except errors.ForeignKeyViolation:
        raise HTTPException(404, "no such app, or no such investor") from None
    assert created is not None
    answer = {
        "id": created["id"],
        "reference": values["reference"],
        "amount": str(values["amount"]),
        "status": "PENDING",
    }
    return JSONResponse(answer, status_code=201)


def _app_id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise HTTPException(400, "app_id must be a number")
    return value


def _amount(value: object) -> Decimal:
    try:
        amount = Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise HTTPException(400, 'amount must be an amount like "10000.00"') from None
    if amount.is_nan() or not _SMALLEST <= amount <= _LARGEST:
        raise HTTPException(400, f"amount must be between {_SMALLEST} and {_LARGEST}")
    return amount


def _method(value: object) -> str:
    if value != "PAYSTACK":
        raise HTTPException(400, "payment_method must be PAYSTACK")
    return "PAYSTACK"
