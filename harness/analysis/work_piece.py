"""Rows of the evidence's tables of work, as pieces that a person can open; else the line of the journal."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping

from harness.analysis.case import Case
from harness.journal.record import EvidenceCollected, EvidencePiece, Record


def row_piece(
    case: Case, record: Record, where: tuple[str, str], wanted: Callable[[Mapping[str, str]], bool], text: str
) -> EvidencePiece | None:
    """The row of the record's interval that is `wanted`. `where`: its source and which table of it."""
    collected = case.view.last(EvidenceCollected)
    files = collected.files if collected is not None else ()
    path = next((f.path for f in files if (f.source, f.what) == where), None)
    place = case.run_folder / path if path is not None else None
    start = f"{getattr(record, 'start', -1.0):.3f}"
    if path is not None and place is not None and place.is_file():
        with place.open(encoding="utf-8", errors="replace", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                if row.get("start_s") == start and wanted(row):
                    return EvidencePiece(text=text, path=path, line=reader.line_num)
    return case.record_piece(record, text)
