"""An investment certificate as a PDF: the resource-intensive operation of the platform."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

from fpdf import FPDF

from runbooks.sandbox.crowdfund.strain import burn


def render(number: str, investor: str, venture: str, amount: Decimal, issued: date) -> bytes:
    """The PDF. It takes some 10 ms of CPU: never on the event loop."""
    page = FPDF(orientation="landscape", format="A4")
    page.set_title(f"Certificate {number}")
    page.set_author("Crowdfund (practice)")
    page.add_page()
    page.set_line_width(1.2)
    page.rect(8, 8, 281, 194)
    page.set_font("Times", "B", 34)
    page.set_y(45)
    page.cell(0, 18, "Certificate of Investment", align="C", new_x="LMARGIN", new_y="NEXT")
    page.set_font("Times", "", 18)
    for line in (
        "This certifies that",
        investor,
        f"has invested NGN {amount:,.2f} in",
        venture,
        f"on {issued:%d %B %Y}.",
    ):
        page.cell(0, 14, line, align="C", new_x="LMARGIN", new_y="NEXT")
    page.set_font("Courier", "", 11)
    page.set_y(180)
    page.cell(0, 8, f"No. {number} - practice only, without value", align="C")
    return bytes(page.output())


class CertificatePress:
    """Renders off the event loop, two at a time, so that a rush of downloads can't starve the other requests."""

    def __init__(self, cpu_s: float = 0.0) -> None:
        """`cpu_s`: the named defect of a certificate that costs so much CPU time."""
        self.is_heavy = cpu_s > 0
        self._cpu_s = cpu_s
        self._two = asyncio.Semaphore(2)

    async def press(self, number: str, investor: str, venture: str, amount: Decimal, issued: date) -> bytes:
        async with self._two:
            await asyncio.to_thread(burn, self._cpu_s)
            return await asyncio.to_thread(render, number, investor, venture, amount, issued)
