"""Runbook and target files: the shipped ones, spoilt in every way that a hand or a template engine could.

A file is read, or refused with a file and a line for each defect. The command line says so with exit code 0, 2 or 14,
shows no traceback and none of the secrets that the files refer to.
"""

# ruff: noqa: PT017 - a call may go well or fail, and how it fails is what is looked at

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from faults.catalog import all_kinds
from faults.toxiproxy_server import ProxySpec
from harness.errors import BadInput
from runbooks.books import FOLDER, list_books
from runbooks.cli import main
from runbooks.parsing.inputs import load_inputs
from runbooks.parsing.schema import json_schema
from runbooks.runbook import Runbook
from runbooks.sandbox.target_file import Addresses, PracticeHost, write
from runbooks.target import Target

ROOT = FOLDER.parents[1]
SECRETS = {
    "DATABASE_URL": "postgresql://app:correct-horse-9@127.0.0.1:5432/shop",
    "TOKEN": "battery-staple-77",
    "GAMEDAY_DB_PASSWORD": "incorrect-pony-5",
}
Tree = Any

FULL_TARGET = """\
environment: staging
base_url: http://127.0.0.1:8000
allow: [127.0.0.0/8, "::1"]
toxiproxy: {url: "http://127.0.0.1:8474", host: app-1}
proxies:
  postgres: {listen: 127.0.0.1:15432, upstream: 127.0.0.1:5432}
  redis: {listen: 127.0.0.1:16379, upstream: 127.0.0.1:6379}
  paystack: {listen: 127.0.0.1:18000, upstream: 127.0.0.1:8001, probe: {http: /health}}
databases: {main: {dsn: "${DATABASE_URL}", through: postgres, exhaust_dsn: "${DATABASE_URL}"}}
caches: {main: {url: "redis://:${TOKEN}@127.0.0.1:6379/0", through: redis}}
hosts:
  app-1: {ssh: "deploy@127.0.0.1:2222", logs: [/var/log/app/*.log], commands: [df -h], processes: {web: "gunicorn*"}}
  db-1: {ssh: db-1}
containers: {labels: {com.docker.compose.project: shop}}
alerting: {alertmanager: "http://127.0.0.1:9093", token: "${TOKEN}"}
hours: {days: [mon, fri], from: "09:00", to: "16:00", zone: Europe/Berlin}
blast_radius: {containers: 2, faults_at_once: 1, longest: 60s}
live_keys: [{env: TOKEN, pattern: "sk_live_*"}]
"""
FULL_RUNBOOK = """\
title: Everything that a runbook can say
hypothesis: It holds.
expect: stopped
load: {locustfile: LOCUSTFILE, tags: [pay], users: 10, spawn_rate: 5, processes: 1}
phases: {warm_up: 1s, baseline: 5s, recovery: 20s}
recover_within: 10s
service_levels:
  - {name: api, requests: "* /api/*", p95: 200ms, error_rate: 1%}
  - {name: cpu, reading: app-1.cpu, max: 90%}
  - {name: money, query: {database: main, sql: "select 1", equals: 1}}
faults:
  - {name: slow, kind: latency, proxy: postgres, latency: 50ms, at: 0s, for: 10s}
  - {name: full, kind: pool-exhaustion, proxy: postgres, at: 12s, for: 10s}
  - {name: frozen, kind: container-pause, container: "web*", count: 1, at: 22s, for: 5s}
  - {name: busy, kind: host-cpu, host: app-1, cores: 1, at: 28s, for: 5s}
stop_when:
  - {condition: error_rate, above: 1%}
  - {condition: p95, of: api, above: 2s, over: 5s}
  - {condition: stall, over: 1s}
alerts: [{name: latency, alert: HighLatency, within: 30s}]
emergency: {collect: [app-1], rollback: [{host: app-1, run: "true", when: asked}]}
notify: {slack: "#game-day"}
"""


def _sandbox_target(folder: Path) -> str:
    host = PracticeHost("app-1", 2222, (folder / "a.log",), {"web": "uvicorn*"})
    proxies = tuple(
        ProxySpec(name, f"127.0.0.1:{9000 + n}", "127.0.0.1:1")
        for n, name in enumerate(("postgres", "redis", "paystack"))
    )
    path = write(
        Addresses(
            folder,
            "http://127.0.0.1:8000",
            folder,
            proxies,
            5432,
            6379,
            (host,),
            folder / "key",
            folder / "known_hosts",
        )
    )
    return path.read_text(encoding="utf-8")


def _keys(schema: object) -> Iterator[str]:
    """Every key that a file may have, wherever."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _keys(inner)


def _texts() -> tuple[list[str], list[str]]:
    examples = ROOT / "docs" / "examples" / "your-platform"
    locustfile = str(FOLDER.parent / "scenarios" / "crowdfund.py")
    books = [b.path.read_text(encoding="utf-8").replace("../scenarios/crowdfund.py", locustfile) for b in list_books()]
    books += [(examples / "slow-database.yaml").read_text(), FULL_RUNBOOK.replace("LOCUSTFILE", locustfile)]
    with tempfile.TemporaryDirectory() as folder:
        targets = [_sandbox_target(Path(folder)), FULL_TARGET]
    targets += [path.read_text() for path in sorted(examples.rglob("*target.yaml"))]
    return books, targets


BOOKS, TARGETS = _texts()
KEYS = sorted({*_keys(json_schema("runbook")), *_keys(json_schema("target"))})
# fmt: off
WORDS = [
    "50ms", "10s", "-1s", "1%", "250%", "1e999ms", "24h", "10KB", "main", "app-1", "app-1.cpu", "postgres", "redis",
    "database.main", "#game-day", "held", "mon", "${TOKEN}", "${DATABASE_URL}", "${NOT_SET}", "${file:/etc/passwd}",
    "${", "${}", "127.0.0.1:99999", "[::1]:80", "http://[::1", "http://x:y@127.0.0.1:1/", "0.0.0.0", "10.0.0.0/99",
    "09:00", "25:61", "Mars/Phobos", "\x00", "𝟙s", "²", "[", "**/../*", "~nobody-at-all/x", "%", "{}",
    "* *", "a" * 5000, *(kind.name for kind in all_kinds()),
]
# fmt: on
SCALARS = st.one_of(
    st.sampled_from(WORDS),
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.sampled_from([0, -1, 10**400, float("nan"), float("inf"), -0.0, 1e308, 5e-324]),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | SCALARS, inner, max_size=3),
    max_leaves=6,
)
FAULTS = st.builds(
    lambda kind, place, params: {"name": "f", "kind": kind, "at": "0s", "for": "5s"} | place | params,
    st.sampled_from([kind.name for kind in all_kinds()]),
    st.sampled_from(
        [
            {"proxy": "postgres"},
            {"database": "main"},
            {"cache": "main"},
            {"container": "web*"},
            {"host": "app-1"},
            {"proxy": "postgres", "host": "app-1"},
            {},
        ]
    ),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
)


def _containers(tree: Tree) -> Iterator[dict[Any, Tree] | list[Tree]]:
    if isinstance(tree, (dict, list)):
        yield tree
        for inner in list(tree.values() if isinstance(tree, dict) else tree):
            yield from _containers(inner)


@st.composite
def spoilt_trees(draw: st.DrawFn, texts: list[str]) -> bytes:
    """A shipped file with one to four values replaced, added, dropped or moved to another key."""
    tree: Tree = yaml.load(draw(st.sampled_from(texts)), Loader=yaml.CSafeLoader)
    for _ in range(draw(st.integers(1, 4))):
        around = draw(st.sampled_from([c for c in _containers(tree) if c] or [tree]))
        if not around:
            break
        at = draw(st.sampled_from(list(around) if isinstance(around, dict) else list(range(len(around)))))
        how = draw(st.sampled_from(["replace", "replace", "add", "drop", "rename", "fault"]))
        if how == "replace":
            around[at] = draw(VALUES)
        elif how == "drop":
            around.pop(at)
        elif how == "fault" and isinstance(tree.get("faults"), list):
            tree["faults"].append(draw(FAULTS))
        elif isinstance(around, list):
            around.insert(at, draw(VALUES))
        elif how == "rename":
            around[draw(st.sampled_from(KEYS) | st.sampled_from(WORDS))] = around.pop(at)
        else:
            around[draw(st.sampled_from(KEYS))] = draw(VALUES)
    return yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=draw(st.booleans()), sort_keys=False).encode(
        "utf-8", "surrogatepass"
    )


SNIPPETS = [
    "&a [*a]",
    "*b",
    "!!python/object:os.system {}",
    "!!binary x",
    "<<: {a: 1}",
    "- ",
    "? [a]\n: b\n",
    "\t",
    "---\n",
    "...\n",
    "%YAML 9.9\n",
    "{" * 40,
    "[" * 2000,
    "0x",
    "0b2",
    "1__0",
    "190:20:30",
    "2020-99-99",
    "2026-01-01",
    "'",
    '"\\u12',
    '"\\ud800"',
    '"\\0\\e[2J"',
    "|\n",
    ">9\n",
    ": ",
    "\x85",
    "\ufeff",
    "😀",
    "!!int x",
    "!!float ''",
    "!!int ''",
    "0o",
    "-",
    "+",
    "._",
    "-.inf",
    "!!bool maybe",
    "!!null x",
    "=",
    "!!timestamp 1",
    "!<> 1",
]


@st.composite
def spoilt_texts(draw: st.DrawFn, texts: list[str]) -> bytes:
    """A shipped file with pieces of text or bytes in it that belong to no file."""
    raw = draw(st.sampled_from(texts)).encode()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        if draw(st.booleans()):  # right behind a key, where a value stands
            start = raw.find(b": ", start) + 2
        end = start + draw(st.sampled_from([0, 0, 1, 4, 200]))
        piece = draw(st.sampled_from(SNIPPETS).map(str.encode) | st.binary(max_size=4))
        raw = raw[:start] + piece + raw[end:]
    return raw


def spoilt(texts: list[str]) -> st.SearchStrategy[bytes]:
    sound = st.sampled_from(texts).map(str.encode)
    return spoilt_trees(texts) | spoilt_trees(texts) | spoilt_texts(texts) | sound | st.binary(max_size=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def _write(folder: Path, book: bytes, target: bytes) -> tuple[Path, Path]:
    paths = folder / "book.yaml", folder / "target.yaml"
    for path, content in zip(paths, (book, target), strict=True):
        path.write_bytes(content)
    return paths


@example(book=FULL_RUNBOOK.replace("name: api", "name: []").encode(), target=FULL_TARGET.encode())
@given(book=spoilt(BOOKS), target=spoilt(TARGETS))
def test_files_are_read_or_every_defect_has_its_file_and_line(folder: Path, book: bytes, target: bytes) -> None:
    paths = _write(folder, book, target)
    try:
        read = load_inputs(*paths, environment=SECRETS)
    except BadInput as error:
        assert error.exit_code in (2, 14)
        assert error.defects
        for defect in error.defects:
            assert Path(defect.file) in paths
            assert 0 <= defect.line <= max(book.count(b"\n"), target.count(b"\n")) + 2
            assert defect.what
            assert "\n" not in str(defect)
            assert not any(secret in str(defect) for secret in SECRETS.values())
    else:
        assert isinstance(read[0], Runbook)
        assert isinstance(read[1], Target)


@given(book=spoilt(BOOKS), target=spoilt(TARGETS))
def test_the_command_line_says_what_is_wrong_with_files_and_never_how_it_failed(
    folder: Path, book: bytes, target: bytes
) -> None:
    paths = _write(folder, book, target)
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr(sys, "argv", ["gameday", "plan", str(paths[0]), "--target", str(paths[1])])
        for name, value in SECRETS.items():
            patch.setitem(os.environ, name, value)
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    assert code in (0, 2, 14)
    assert said.getvalue().strip()
    assert "Traceback" not in said.getvalue()
    for secret in ("correct-horse-9", "battery-staple-77", "incorrect-pony-5"):
        assert secret not in said.getvalue()
