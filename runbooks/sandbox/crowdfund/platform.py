"""What every endpoint may use, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from runbooks.sandbox.crowdfund.cache import Cache
from runbooks.sandbox.crowdfund.certificate import CertificatePress
from runbooks.sandbox.crowdfund.credentials import Tokens, bearer
from runbooks.sandbox.crowdfund.database import Database
from runbooks.sandbox.crowdfund.payment_provider import PaymentProvider
from runbooks.sandbox.crowdfund.settings import Settings


@dataclass(frozen=True, slots=True)
class Platform:
    database: Database
    cache: Cache
    payments: PaymentProvider
    tokens: Tokens
    press: CertificatePress
    picture_bytes: int = 0  # the named defect of a listing that carries pictures
    sums_history: bool = False  # the named defects of the settings' names
    backers_of_each: int = 0
    assembly_s: float = 0.0

    @classmethod
    def build(cls, settings: Settings) -> Platform:
        return cls(
            database=Database(settings),
            cache=Cache(settings),
            payments=PaymentProvider(settings),
            tokens=Tokens(settings.token_secret),
            press=CertificatePress(settings.certificate_cpu_s),
            picture_bytes=settings.listing_picture_bytes,
            sums_history=settings.sums_history,
            backers_of_each=settings.backers_of_each,
            assembly_s=settings.assembly_s,
        )

    async def close(self) -> None:
        await self.payments.close()
        await self.cache.close()
        await self.database.close()


def platform_of(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


def investor_of(request: Request) -> int:
    """The investor's id; 401 without a valid token. No round trip: the token is signed."""
    token = bearer(request.headers.get("authorization", ""))
    investor_id = platform_of(request).tokens.investor(token)
    if investor_id is None:
        raise HTTPException(401, "log in first")
    return investor_id


async def json_object(request: Request) -> dict[str, object]:
    """The body as a JSON object; 400 when it is none."""
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "the body is no JSON object")
    return body
