"""The guard rails at the front door: each refuses with exit code 14, and only its own opt-out lets pass."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from front_door import Gameday, play

from harness.load.locust_file import LocustFileFacts

BOOK = """
title: t
hypothesis: h
load: {locustfile: locustfile.py, users: 1, spawn_rate: 1}
phases: {warm_up: 1s, baseline: 1s, recovery: 1s}
service_levels: [{name: api, requests: "*", p95: 1s}]
faults: [{name: slow, kind: down, proxy: db, at: 0s, for: 9s}]
stop_when: [{condition: error_rate, above: 1%}]
"""
TARGET = """
environment: %(environment)s
base_url: %(base_url)s
allow: [127.0.0.0/8]
toxiproxy: {url: "http://127.0.0.1:1"}
proxies: {db: {listen: 127.0.0.1:2, upstream: 127.0.0.1:3, probe: tcp}}
"""
SOUND = {"environment": "staging", "base_url": "http://127.0.0.1:1"}


@pytest.fixture
def gameday(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gameday:
    """The command in a folder of its own, with a lever of its own; nothing answers at the target's addresses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEDAY_LEVER", str(tmp_path / "lever"))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("harness.load.locust_file.inspect", lambda *_: LocustFileFacts(("U",), (), False))
    (tmp_path / "book.yaml").write_text(BOOK)
    (tmp_path / "locustfile.py").write_text("")

    return partial(play, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("rail", "changed", "more", "opt_out"),
    [
        ("production", {"environment": "production"}, "", ["--allow-production"]),
        ("hours", {}, 'hours: {from: "00:00", to: "00:01", zone: Etc/GMT+12, days: DAY}', ["--outside-hours"]),
        ("lever", {}, "", ["--ignore-lever"]),
        ("blast radius", {}, "blast_radius: {longest: 8s}", ["--beyond-blast-radius"]),
        ("live keys", {}, "live_keys: [{env: NEVER_SET_ANYWHERE, pattern: sk_live_*}]", ["--live-keys"]),
        ("10.9.8.7", {"base_url": "http://10.9.8.7:1"}, "", ["--allow", "10.9.8.7/32"]),
    ],
)
def test_each_rail_refuses_with_14_and_its_own_opt_out_alone_lets_pass(
    gameday: Gameday, tmp_path: Path, rail: str, changed: dict[str, str], more: str, opt_out: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    far = "mon" if "DAY" in more and _weekday() > 2 else "fri"
    text = TARGET % (SOUND | changed) + more.replace("DAY", far)
    (tmp_path / "target.yaml").write_text(text)
    if rail == "lever":
        assert gameday("lever", "off", "--reason", "payroll").code == 0

    refused = gameday("check", "book.yaml", "--target", "target.yaml")
    assert refused.code == 14
    assert rail in refused.text
    assert " ".join(opt_out) in refused.text
    others = ["--allow-production", "--outside-hours", "--ignore-lever", "--beyond-blast-radius", "--live-keys"]
    wrong = [flag for flag in others if flag not in opt_out]
    assert gameday("check", "book.yaml", "--target", "target.yaml", *wrong).code == 14
    if rail == "10.9.8.7":
        monkeypatch.setattr("runbooks.preflight.world.http.probe", _never_answers)
    allowed = gameday("check", "book.yaml", "--target", "target.yaml", *opt_out)
    assert allowed.code == 2  # nothing answers there, and nothing is refused any more
    assert f"waived by {' '.join(opt_out)}" in allowed.text


def test_a_run_that_is_refused_leaves_a_folder_that_says_so(gameday: Gameday, tmp_path: Path) -> None:
    (tmp_path / "target.yaml").write_text(TARGET % SOUND)
    gameday("lever", "off", "--reason", "payroll")
    said = gameday("run", "book.yaml", "--target", "target.yaml")
    assert said.code == 14
    assert "REFUSED" in said.text
    result = (tmp_path / "runs" / "latest" / "result.json").read_text()
    assert '"verdict": "refused"' in result
    assert "payroll" in result


def test_the_lever_is_switched_off_and_on_and_says_how_it_stands(gameday: Gameday, tmp_path: Path) -> None:
    assert gameday("lever").code == 0
    off = gameday("lever", "off", "--reason", "payroll runs")
    assert (off.code, (tmp_path / "lever").exists()) == (0, True)
    stands = gameday("lever")
    assert stands.code == 14
    assert "payroll runs" in stands.text
    assert "gameday lever on" in stands.text
    assert (gameday("lever", "on").code, gameday("lever").code) == (0, 0)
    assert gameday("lever", "of").code == 2


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "http://x", "2130706433", "0x7f.1", ""])
def test_what_is_allowed_on_the_command_line_must_be_a_network_or_a_name(gameday: Gameday, entry: str) -> None:
    said = gameday("check", "book.yaml", "--allow", entry)
    assert said.code == 2
    assert "is no network and no host name" in said.text


def _weekday() -> int:
    from harness.clock import utc_now  # noqa: PLC0415 - one use

    return utc_now().weekday()


def _never_answers(*_args: object, **_options: object) -> object:
    from harness.errors import ReachTimeout  # noqa: PLC0415 - one use

    raise ReachTimeout("no answer", where="10.9.8.7:1")
