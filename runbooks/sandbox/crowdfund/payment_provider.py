"""Paystack, as the application asks it: verify a transaction, trust a signed webhook."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import httpx

from runbooks.sandbox.crowdfund.settings import Settings
from runbooks.sandbox.crowdfund.upstream_time import upstream


class PaymentProviderSlow(Exception):
    """No answer in time."""


class PaymentProviderDown(Exception):
    """Unreachable, or an answer that makes no sense."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as Paystack has it; the amount is in kobo, a hundredth of a naira."""

    reference: str
    status: str
    amount_kobo: int


class PaymentProvider:
    def __init__(self, settings: Settings) -> None:
        self._secret = settings.paystack_secret.encode()
        self._client = httpx.AsyncClient(
            base_url=settings.paystack_url,
            timeout=httpx.Timeout(settings.paystack_timeout_s, connect=1.0),
            headers={"Authorization": f"Bearer {settings.paystack_secret}"},
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP on loopback; no certificate store is loaded for it
        )

    async def verify(self, reference: str) -> Transaction:
        """The transaction; PaymentProviderSlow or PaymentProviderDown when it can't be had."""
        try:
            with upstream():
                answer = await self._client.get(f"/transaction/verify/{reference}")
            answer.raise_for_status()
            data = answer.json()["data"]
            return Transaction(str(data["reference"]), str(data["status"]), int(data["amount"]))
        except httpx.TimeoutException as error:
            raise PaymentProviderSlow(f"{type(error).__name__}: no answer to verify {reference}") from error
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise PaymentProviderDown(f"{type(error).__name__}: {error}") from error

    def signed_by_it(self, body: bytes, signature: str) -> bool:
        """Whether `signature` is Paystack's HMAC-SHA512 of the raw body."""
        expected = hmac.new(self._secret, body, hashlib.sha512).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.encode())

    async def close(self) -> None:
        await self._client.aclose()
