"""GET /api/v1/payments/verify/{reference}/ and POST /api/v1/payments/paystack-webhook/"""

from __future__ import annotations

import json
import logging
import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from runbooks.sandbox.crowdfund.payment_provider import PaymentProviderDown, PaymentProviderSlow
from runbooks.sandbox.crowdfund.platform import investor_of, platform_of

_log = logging.getLogger("crowdfund.payments")
_REFERENCE = re.compile(r"[A-Za-z0-9-]{4,64}")

# Told twice, paid once: a second word about the same payment changes nothing.
_SETTLE = """
with settled as (
    update payments set status = 'PAID', paid_at = now()
    where reference = %(reference)s and status = 'PENDING' returning reference
)
select status, (select count(*) from settled) as settled from payments where reference = %(reference)s
"""


async def verify(request: Request) -> JSONResponse:
    """Asks Paystack (one round trip), then settles the payment (one round trip)."""
    investor_of(request)
    reference = request.path_params["reference"]
    if not _REFERENCE.fullmatch(reference):
        raise HTTPException(400, "that is no payment reference")
    platform = platform_of(request)
    try:
        transaction = await platform.payments.verify(reference)
    except PaymentProviderSlow as error:
        _log.error("paystack: %s", error)
        raise HTTPException(504, "the payment provider does not answer") from error
    except PaymentProviderDown as error:
        _log.error("paystack: %s", error)
        raise HTTPException(502, "the payment provider is down") from error
    if transaction.status != "success":
        return JSONResponse({"reference": reference, "status": "PENDING"})
    found = await platform.database.row(_SETTLE, {"reference": reference})
    if found is None:
        raise HTTPException(404, "no such payment")
    return JSONResponse({"reference": reference, "status": "PAID"})


async def paystack_webhook(request: Request) -> JSONResponse:
    """Settles the payment of a signed charge.success. An unsigned one is refused before it is read."""
    platform = platform_of(request)
    body = await request.body()
    if not platform.payments.signed_by_it(body, request.headers.get("x-paystack-signature", "")):
        raise HTTPException(401, "the signature does not match")
    reference = _charged_reference(body)
    if reference is None:
        return JSONResponse({"status": "ignored"})
    found = await platform.database.row(_SETTLE, {"reference": reference})
    return JSONResponse({"status": "ok" if found else "unknown reference"})


def _charged_reference(body: bytes) -> str | None:
    """The reference of a charge.success event; None for any other event, 400 for no event at all."""
    try:
        event = json.loads(body)
        return str(event["data"]["reference"]) if event["event"] == "charge.success" else None
    except (ValueError, KeyError, TypeError):
        raise HTTPException(400, "that is no event") from None
