"""The bundle: files named by us, a manifest of what is there and what is missing."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest

from harness.errors import JournalFailed
from harness.evidence.bundle import Bundle, Span
from harness.redaction import Redactor


def manifest(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "evidence/manifest.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_the_manifest_maps_each_file_to_where_it_is_from(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, Redactor())
    file = bundle.add_text("app-1", "/var/log/app.log", "app.log", "password=x\n", truncated=True, span=Span(5, 20))
    record = bundle.finish()
    data = (tmp_path / file.path).read_bytes()
    assert data == b"password=[redacted]\n"
    assert manifest(tmp_path)["files"] == [
        {
            "source": "app-1",
            "what": "/var/log/app.log",
            "path": file.path,
            "bytes": len(data),
            "truncated": True,
            "sha256": hashlib.sha256(data).hexdigest(),
            "start": 5,
            "end": 20,
        }
    ]
    assert record.files == (file,)
    assert record.complete


@pytest.mark.parametrize("source", ["../../etc", "/", "..", "", "a/b", "Host One", "x" * 300])
@pytest.mark.parametrize("name", ["../../x.log", "", "/etc/passwd", "..", "a\x00b", "y" * 300, "CON.log"])
def test_no_name_leads_out_of_the_evidence_folder(tmp_path: Path, source: str, name: str) -> None:
    file = Bundle(tmp_path, Redactor()).add_text(source, "what", name, "text")
    place = (tmp_path / file.path).resolve()
    assert place.is_file()
    assert place.parent.parent == (tmp_path / "evidence").resolve()


def test_hosts_and_files_that_look_alike_stay_apart(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, Redactor())
    files = [bundle.add_text(s, w, "app.log", s + w) for s in ("a/b", "a_b") for w in ("/x/app.log", "/y/app.log")]
    files.append(bundle.add_text("a_b", "/y/app.log", "app.log", "again"))
    assert len({f.path for f in files}) == 5
    assert [(tmp_path / f.path).read_text() for f in files[:2]] == ["a/b/x/app.log", "a/b/y/app.log"]


def test_what_is_missing_makes_it_incomplete_and_the_first_reason_is_kept(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, Redactor(["known-s3cret"]))
    bundle.add_missing("app-1", "mysql -pknown-s3cret", "first\nline")
    bundle.add_missing("app-1", "mysql -pknown-s3cret", "second")
    record = bundle.finish()
    assert not record.complete
    assert [(m.what, m.reason) for m in record.missing] == [("mysql -p[redacted]", "first\\nline")]
    assert manifest(tmp_path)["complete"] is False


def test_the_manifest_can_be_written_again_after_more_came(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, Redactor())
    bundle.add_own_text("readings", "readings.csv", "a,b\n")
    assert len(bundle.finish().files) == 1
    bundle.add_text("app-1", "df -h", "df -h", "x")
    assert len(bundle.finish().files) == 2
    assert (tmp_path / "evidence/readings.csv").read_text() == "a,b\n"
    assert not list(tmp_path.rglob("*.unfinished"))


def test_our_own_names_are_plain(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plain"):
        Bundle(tmp_path, Redactor()).add_own_text("x", "../x.csv", "")


def test_many_threads_may_add_at_once(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, Redactor())
    threads = [
        threading.Thread(target=lambda n=n: [bundle.add_text(f"h{n}", f"/l/{k}", "a.log", "x") for k in range(20)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(bundle.finish().files) == 160


def test_a_disk_that_refuses_says_so(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    with pytest.raises(JournalFailed, match="could not be written"):
        Bundle(tmp_path, Redactor()).finish()
