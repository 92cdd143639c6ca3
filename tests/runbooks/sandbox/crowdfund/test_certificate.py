"""Certificates are real PDFs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from runbooks.sandbox.crowdfund.certificate import render


def test_it_is_a_pdf_of_one_page_with_its_number() -> None:
    pdf = render("CF-000001", "Investor 1", "Venture 2", Decimal("10000.00"), date(2026, 1, 5))
    assert pdf.startswith(b"%PDF-1.")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert pdf.count(b"/Type /Page\n") == 1
    assert "CF-000001" in pdf.decode("latin-1") or "CF-000001".encode("utf-16-be") in pdf
