"""Any bytes in a run's folder: reading it, and every command on it, ends in an exit code and never in a traceback.

A changed, removed or inserted byte in a sealed journal is found by tests/harness/journal/test_chain.py.
"""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faults.undo_log import pending
from harness.clock import Clock
from harness.journal import reader
from harness.journal.record import (
    FaultHealed,
    FaultInjected,
    HealFailed,
    Proof,
    Readings,
    RequestStats,
    RunStarted,
    UndoWritten,
    VerdictReached,
    Window,
)
from harness.journal.writer import Journal
from runbooks.cli import main

UNDO = {
    "door": "toxic",
    "fault_id": "f1",
    "api_url": "http://127.0.0.1:1",
    "proxy": "pg",
    "listen": "127.0.0.1:2",
    "upstream": "127.0.0.1:3",
    "enabled": True,
    "toxic": "gd-r-f1",
}


def _lines(folder: Path) -> list[bytes]:
    with Journal(folder / "journal", "conductor", Clock.start()) as journal:
        for record in (
            RunStarted(
                t=0.1,
                run="r1",
                version="0",
                started_at="2026-01-01T00:00:00+00:00",
                runbook="t",
                runbook_path="book.yaml",
                hypothesis="h",
                expect="held",
                target="t",
                target_path="target.yaml",
                environment="practice",
                base_url="http://127.0.0.1:1",
            ),
            Window(
                t=1,
                start=0,
                end=1,
                names={"GET /": RequestStats(requests=3, failures={"http": 1}, histogram={5: 3})},
                users=2,
                lag_ms=0.5,
            ),
            Readings(t=1.5, source="app-1", values={"cpu": 0.5}),
            UndoWritten(t=2, fault_id="f1", undo=UNDO),
            FaultInjected(t=2.1, fault_id="f1", name="slow", fault_kind="latency", proxy="pg"),
            Proof(t=2.2, fault_id="f1", side="wire", expected="slower", measured="slower", effective=True),
            HealFailed(t=3, fault_id="f1", by="conductor", reason="frozen", command="curl"),
            FaultHealed(t=4, fault_id="f1", by="healer", verified=True),
            VerdictReached(t=5, verdict="held", reason="it held", exit_code=0),
        ):
            journal.commit(record)
    (segment,) = (folder / "journal").glob("*.jsonl")
    return segment.read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return _lines(tmp_path_factory.mktemp("sound"))


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.just(10**400),
    st.just([]),
    st.just({}),
    st.just("\ud800"),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["value", "value", "value", "undo", "bytes", "drop", "twice", "cut"]),
        st.integers(0, 30),
        st.integers(0, 30),
        ODD,
        st.binary(max_size=4),
    ),
    max_size=4,
)


def _spoil(lines: list[bytes], edits: list[tuple[str, int, int, object, bytes]]) -> bytes:
    """A journal with values, bytes or lines of it changed; a value that is none of its kind still makes a record's
    line."""
    found = list(lines)
    for how, where, which, value, raw in edits:
        at = where % len(found)
        if how == "drop":
            found[at] = b""
        elif how == "twice":
            found[at] *= 2
        elif how == "cut":
            found[at] = found[at][: which * 5]
        elif how == "bytes":
            found[at] = found[at][: which * 3] + raw + found[at][which * 3 + len(raw) :]
        else:
            found[at] = _changed(found[at], which, value, inside=how == "undo")
    return b"".join(found)


def _changed(line: bytes, which: int, value: object, *, inside: bool) -> bytes:
    try:
        record = json.loads(line)
    except ValueError:
        return line
    part = record.get("undo", record) if inside and isinstance(record, dict) else record
    if not isinstance(part, dict) or not part:
        return line
    part[sorted(part)[which % len(part)]] = value
    return json.dumps(record).encode() + b"\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def _write(runs: Path, content: bytes) -> Path:
    folder = runs / "r1"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "journal").mkdir(parents=True)
    (folder / "journal" / "conductor-1.jsonl").write_bytes(content)
    return folder


@given(edits=EDITS)
def test_a_spoilt_journal_is_read_and_what_is_left_of_it_counts(runs: Path, lines: list[bytes], edits: list) -> None:
    folder = _write(runs, _spoil(lines, edits))
    view = reader.read(folder)
    assert len(view.records) + view.unreadable <= 2 * 2 ** len(edits) * len(lines)
    pending(folder)


@given(edits=EDITS, command=st.sampled_from(["status", "heal", "verify", "history"]))
def test_every_command_on_a_spoilt_run_ends_in_an_exit_code(
    runs: Path, lines: list[bytes], edits: list, command: str
) -> None:
    _write(runs, _spoil(lines, edits))
    _gameday(runs, command)


# charts take a second each
@settings(max_examples=max(2, settings.default.max_examples // 15))
@given(edits=EDITS)
def test_the_reports_of_a_spoilt_run_are_written_or_it_is_said_why_not(
    runs: Path, lines: list[bytes], edits: list
) -> None:
    _write(runs, _spoil(lines, edits))
    _gameday(runs, "report")


def _gameday(runs: Path, command: str) -> None:
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        run = ["r1"] if command in ("report", "verify") else []
        patch.setattr(sys, "argv", ["gameday", command, *run, "--runs", str(runs)])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    assert code in (0, 1, 2, 10, 11, 12, 13, 14)
    assert "Traceback" not in said.getvalue()
