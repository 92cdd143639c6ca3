"""The tables of what databases and caches did."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from harness.evidence.bundle import Bundle
from harness.evidence.work import add_work
from harness.journal.reader import JournalView
from harness.journal.record import CacheWork, DatabaseDescribed, DatabaseWork, LockWaits, Record
from harness.journal.work import Blocker, Setting, StatementWork, TableWork
from harness.redaction import Redactor

SAID = "select id from apps where name = 'x, y'"


def write(folder: Path, *records: Record) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Rows by source and what the manifest calls the file."""
    bundle = Bundle(folder, Redactor(("hunter2",)))
    add_work(bundle, JournalView(records))
    bundle.finish()
    files = json.loads((folder / "evidence/manifest.json").read_text())["files"]
    return {
        (f["source"], f["what"]): list(csv.DictReader((folder / f["path"]).read_text().splitlines())) for f in files
    }


def work(start: float, query: str = "") -> DatabaseWork:
    done = StatementWork(id="1", query=query, calls=4, total_ms=10.0, rows=4, blocks=80)
    return DatabaseWork(
        t=start + 5, source="database.main", start=start, end=start + 5, statements=(done,),
        tables=(TableWork(name="public.apps", sequential_rows=48, live=12, modified=3),),
    )  # fmt: skip


def test_a_row_for_each_interval_and_statement_with_its_words(tmp_path: Path) -> None:
    rows = write(tmp_path, work(0.0, SAID), work(5.0))[("database.main", "statements")]
    assert [(r["start_s"], r["end_s"], r["calls"], r["mean_ms"], r["statement"]) for r in rows] == [
        ("0.000", "5.000", "4", "2.500", SAID),
        ("5.000", "10.000", "4", "2.500", SAID),
    ]


def test_tables_settings_and_lock_waits_have_a_file_each(tmp_path: Path) -> None:
    root = Blocker(
        pid=7, application_name="job", state="idle in transaction", statement="set x = 'hunter2'", holds=("a",)
    )
    waits = LockWaits(t=3, source="database.main", start=2, end=3, samples=5, blocked_samples=2, blocked=1.5,
                      roots=(root,), relations=("public.apps",), waits={"Lock:relation": 1.5})  # fmt: skip
    quiet = LockWaits(t=4, source="database.main", start=3, end=4, samples=5)
    described = DatabaseDescribed(
        source="database.main", version="16.4", settings=(Setting(name="work_mem", value="4MB"),)
    )
    files = write(tmp_path, work(0.0), waits, quiet, described)
    assert files[("database.main", "tables")][0]["modified_since_analyze"] == "3"
    assert [r["name"] for r in files[("database.main", "settings")]] == ["server_version", "work_mem"]
    [locked] = files[("database.main", "lock waits")]
    assert (locked["root_pid"], locked["root_state"], locked["waits_for"]) == (
        "7",
        "idle in transaction",
        "public.apps",
    )
    assert "hunter2" not in locked["root_statement"]


def test_a_cache_has_a_row_for_each_interval(tmp_path: Path) -> None:
    done = CacheWork(t=5, source="cache.main", start=0, end=5, hits=3, misses=1, policy="allkeys-lru")
    [row] = write(tmp_path, done)[("cache.main", "work of the cache")]
    assert (row["hits"], row["misses"], row["policy"], row["slow_commands"]) == ("3", "1", "allkeys-lru", "")


def test_where_nothing_was_watched_there_is_no_file(tmp_path: Path) -> None:
    assert write(tmp_path) == {}
