"""`gameday faults`: every kind says what people must know, and its example is read as a runbook's line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from faults import extensions
from faults.catalog import KINDS
from harness.errors import BadInput
from runbooks.cli import gameday
from runbooks.fault_manual import manual_of
from runbooks.parsing.runbook_file import read_runbook


def said(*arguments: str) -> str:
    result = CliRunner().invoke(gameday, ["faults", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_what_people_must_know(name: str) -> None:
    kind = KINDS[name]

    assert [word for word in ("summary", "needs", "proven", "healed") if not getattr(kind, word)] == []


@pytest.mark.parametrize("name", KINDS)
def test_every_example_is_read_as_a_line_of_a_runbook(name: str, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text("from locust import HttpUser\n")
    path = tmp_path / "runbook.yaml"
    path.write_text(
        f"""\
title: A kind
hypothesis: It is read.
load: {{locustfile: locustfile.py, users: 1, spawn_rate: 1}}
service_levels: [{{name: api, requests: "* /*", p95: 1s}}]
faults:
  {manual_of(KINDS[name]).example}
"""
    )

    read = read_runbook(path, None, {})

    assert [str(defect) for defect in read.defects.found] == []
    assert read.runbook is not None
    assert [fault.kind for fault in read.runbook.faults] == [name]


def test_the_list_has_every_kind_by_its_place() -> None:
    text = said()

    assert [name for name in KINDS if name not in text] == []
    assert text.index("on a proxy") < text.index("latency") < text.index("on a database's server")


def test_the_page_of_a_kind_has_units_defaults_and_ranges() -> None:
    text = said("latency")

    assert "latency a duration: 250ms, 20s, must be there at least 1 ms, at most" in text
    assert "toxicity a share: 50% or 0.5 (of 100% more than 0 the connections)" in text
    assert "stream upstream or downstream upstream" in text
    assert "kind: latency, proxy: postgres, latency: 50ms, jitter: 10ms, at: 0s, for: 30s}" in text


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("flap", ("down", "a share: 50% or 0.5", "left out", "more than 0", "of each period; left out: 50%")),
        (
            "slot-exhaustion",
            ("allow_superuser", "true or false", "false", "", "though the exhausting role is a superuser"),
        ),
        ("container-pause", ("labels", "a mapping", "left out", "", "{role: web}, which they all must carry")),
        ("container-cpu", ("limit", "a number or a text", "", "", "0.5 (CPUs), or 25% of what it may use now")),
        ("container-memory", ("limit", "bytes: 500, 64KB, 64KiB", "", "at least 6 MiB", "")),
        (
            "host-memory",
            ("share", "a share: 50% or 0.5", "left out", "more than 0, at most 95%", "of what is available"),
        ),
        ("host-network", ("towards", "a text or a list", "", "", "IP addresses")),
    ],
)
def test_a_parameter_is_said_as_a_runbook_has_it(kind: str, row: tuple[str, ...]) -> None:
    told = json.loads(CliRunner().invoke(gameday, ["faults", kind, "--json"]).output)["kinds"][0]["parameters"]
    wanted = dict(zip(("name", "written", "default", "range", "meaning"), row, strict=True))

    assert wanted in told


def test_scripts_read_it_as_json() -> None:
    [kind] = json.loads(CliRunner().invoke(gameday, ["faults", "flap", "--json"]).output)["kinds"]

    assert (kind["name"], kind["on"], kind["plugin"]) == ("flap", "proxy", "")
    assert kind["parameters"][0] == {
        "name": "period",
        "written": "a duration: 250ms, 20s, 1m30s",
        "default": "",
        "range": "at least 500 ms, at most 120 s",
        "meaning": "",
    }
    assert json.loads(CliRunner().invoke(gameday, ["faults", "--json"]).output)["broken_plugins"] == []


def test_a_slip_of_the_pen_is_told() -> None:
    with pytest.raises(BadInput) as caught:
        CliRunner().invoke(gameday, ["faults", "latncy"], catch_exceptions=False)

    assert caught.value.mend == "did you mean 'latency'?"


def test_a_broken_plugin_is_told_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = extensions.Extension("own", "own-plugin 2.1", problem="it can't be loaded: no such thing")
    monkeypatch.setattr("faults.catalog.loaded", lambda _: (broken,))
    sentence = "the plugin own of own-plugin 2.1 can't be used: it can't be loaded: no such thing"

    assert sentence in said()
    assert json.loads(CliRunner().invoke(gameday, ["faults", "--json"]).output)["broken_plugins"] != []
    with pytest.raises(BadInput, match=r"own-plugin 2\.1 can't be used"):
        CliRunner().invoke(gameday, ["faults", "own-kind"], catch_exceptions=False)
