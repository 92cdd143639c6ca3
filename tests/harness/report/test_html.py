from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report import html

HOSTILE = "</style></svg><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Document(HTMLParser):
    """What a browser would see: tags with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag


def render(records: list[r.Record]) -> str:
    return html.render(JournalView(tuple(records)), Path("runs/x"))


def without_windows(records: list[r.Record]) -> list[r.Record]:
    return [record for record in records if not isinstance(record, r.Window)]


def test_the_file_needs_nothing_but_itself(stopped_records: list[r.Record]) -> None:
    text = render(stopped_records)
    document = Document(text)
    names = {tag for tag, _ in document.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed"}
    assert "<svg" in text
    policy = next(a["content"] for tag, a in document.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    addresses = [a["href"] or "" for _, a in document.tags if "href" in a]
    assert addresses
    assert not [address for address in addresses if re.match(r"[a-z]+:|/", address)]
    assert "@import" not in text
    assert "url(" not in text


def test_the_verdict_and_its_reason_stand_at_the_top(stopped_records: list[r.Record]) -> None:
    text = render(without_windows(stopped_records))
    banner = text[text.index('class="banner') :]
    assert "Stopped" in banner[:400]
    assert "as the runbook expects" in banner[:400]
    assert "13 of 42 requests failed" in banner[:600]


def test_levels_are_told_by_symbol_and_word_and_not_by_colour_alone(stopped_records: list[r.Record]) -> None:
    text = render(without_windows(stopped_records))
    assert "✔ met" in text
    assert "✘ not met" in text


def test_nothing_from_outside_becomes_markup(stopped_records: list[r.Record]) -> None:
    start, *rest = stopped_records
    hostile_fault = {"id": "slow-database", "name": HOSTILE, "fault_kind": HOSTILE, "proxy": HOSTILE}
    hostile = [
        start.model_copy(
            update={
                "runbook": HOSTILE,
                "hypothesis": HOSTILE,
                "inputs": {HOSTILE: HOSTILE},
                "faults": (r.PlannedFault.model_validate(hostile_fault),),
                "service_levels": (
                    r.PlannedLevel(name=HOSTILE, text=f"{HOSTILE} p95", unit="ms", limit=200, of=HOSTILE),
                    r.PlannedLevel(name="b", text="b p95", unit="ms", limit=300, of="*"),
                ),
            }
        ),
        *(
            record.model_copy(update={"name": HOSTILE}) if isinstance(record, r.FaultInjected) else record
            for record in rest
        ),
        r.Window(t=30, start=29.75, end=30, names={HOSTILE: r.RequestStats(requests=1, histogram={900: 1})}),
        r.Note(t=31, text=HOSTILE, level="error"),
        r.FindingNamed(
            t=60,
            cause=HOSTILE,
            summary=HOSTILE,
            confidence=0.5,
            evidence=(r.EvidencePiece(text=HOSTILE, path=f"javascript:{HOSTILE}"),),
            recommendation=HOSTILE,
        ),
        r.EvidenceCollected(
            t=61, complete=False, missing=(r.EvidenceMissing(source=HOSTILE, what=HOSTILE, reason=HOSTILE),)
        ),
    ]
    document = Document(render(hostile))
    assert not {tag for tag, _ in document.tags} & {"script", "img"}
    assert not [name for _, attributes in document.tags for name in attributes if name.startswith("on")]
    assert not [a for _, a in document.tags if (a.get("href") or "").startswith("javascript:")]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 1.0])
def test_a_run_killed_at_any_point_has_a_page(stopped_records: list[r.Record], share: float) -> None:
    ordered = sorted(without_windows(stopped_records), key=lambda record: record.t)
    text = render(ordered[: int(len(ordered) * share)])
    assert "No load was seen" in text
    assert text.rstrip().endswith("</html>")


def test_a_killed_run_says_that_it_has_no_verdict(killed_records: list[r.Record]) -> None:
    text = render(without_windows(killed_records))
    assert "? No verdict" in text
    assert "gameday status" in text
    assert "healed by the healer" in text.lower()


def test_an_unhealed_fault_says_what_to_type(killed_records: list[r.Record]) -> None:
    left = [record for record in without_windows(killed_records) if not isinstance(record, r.FaultHealed)]
    text = render(left)
    assert "NOT healed" in text
    assert "<pre>gameday heal</pre>" in text
