"""GET /api/v1/certificates/ and GET /api/v1/certificates/{id}/download/"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runbooks.sandbox.crowdfund.platform import investor_of, platform_of

# A certificate never changes; the cached copy spares the rendering, not the question whose it is.
CERTIFICATE_TTL_S = 300

_LIST = """
select c.id, c.number, a.name as app, c.amount, c.issued_on
from certificates c join apps a on a.id = c.app_id where c.investor_id = %(investor)s order by c.id
"""
_ONE = """
select c.number, c.amount, c.issued_on, i.name as investor, a.name as app
from certificates c join investors i on i.id = c.investor_id join apps a on a.id = c.app_id
where c.id = %(id)s and c.investor_id = %(investor)s
"""


async def list_certificates(request: Request) -> JSONResponse:
    investor = investor_of(request)
    rows = await platform_of(request).database.rows(_LIST, {"investor": investor})
    results = [{**row, "amount": str(row["amount"]), "issued_on": row["issued_on"].isoformat()} for row in rows]
    return JSONResponse({"results": results})


async def download_certificate(request: Request) -> Response:
    investor = investor_of(request)
    platform = platform_of(request)
    certificate_id = int(request.path_params["certificate_id"])
    row = await platform.database.row(_ONE, {"id": certificate_id, "investor": investor})
    if row is None:
        raise HTTPException(404, "no such certificate, or not yours")
    key = f"certificate:{certificate_id}"
    pdf = None if platform.press.is_heavy else await platform.cache.get(key)
    if pdf is None:
        pdf = await platform.press.press(row["number"], row["investor"], row["app"], row["amount"], row["issued_on"])
        await platform.cache.put(key, pdf, CERTIFICATE_TTL_S)
    headers = {"Content-Disposition": f'attachment; filename="{row["number"]}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)
