from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from served import served

from harness.analysis.service_level import CommandLevel, ProbeLevel, UrlLevel
from harness.clock import Deadline, boot_s
from harness.errors import ReachTimeout
from harness.reach.activity import Activity
from harness.reach.allow_list import AllowList
from harness.reach.remote_command import CommandResult
from runbooks import invariants as module
from runbooks.invariants import Invariants
from runbooks.target import Target


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"sum": 7}')

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    with served(ThreadingHTTPServer(("127.0.0.1", 0), _Page)) as server:
        server.asked = []
        yield server


class FakeHost:
    """A host whose commands answer at once, or not before their deadline."""

    def __init__(self, output: bytes = b"", *, hangs: threading.Event | None = None) -> None:
        self.output, self.hangs = output, hangs
        self.ran: list[str] = []

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = 0) -> CommandResult:
        self.ran.append(command)
        if self.hangs is not None:
            self.hangs.wait(deadline.left_s())
            raise ReachTimeout("the command did not end in time", where="app-1")
        return CommandResult(self.output, b"", 0)


def invariants(levels, site=None, **hosts):
    base_url = f"http://127.0.0.1:{site.server_address[1]}/app" if site is not None else "http://127.0.0.1:9"
    target = Target(path=Path("t.yaml"), text="", name="t", environment="practice", base_url=base_url,
                    allow=("127.0.0.0/8",), toxiproxy=None, proxies={}, databases={}, caches={}, hosts={})  # fmt: skip
    return Invariants(levels, target, AllowList(target.allow), {name.replace("_", "-"): h for name, h in hosts.items()})


def test_a_path_is_asked_below_the_base_url_and_an_address_as_it_is(site):
    whole = f"http://127.0.0.1:{site.server_address[1]}/other?x=1"
    answers = invariants([UrlLevel("a", "/stats/"), UrlLevel("b", whole)], site).ask()
    assert {name: (a.value, a.code) for name, a in answers.items()} == {
        "a": ('{"sum": 7}', 200),
        "b": ('{"sum": 7}', 200),
    }
    assert sorted(site.asked) == ["GET /app/stats/", "GET /other?x=1"]


def test_an_address_outside_the_allow_list_is_not_asked_and_says_so():
    [answer] = invariants([UrlLevel("a", "http://10.1.2.3/")]).ask().values()
    assert "outside the target's allow list" in answer.silent


def test_a_command_answers_what_it_wrote():
    host = FakeHost(b"0\n")
    [answer] = invariants([CommandLevel("queue", "app-1", "queue-length")], app_1=host).ask().values()
    assert (answer.value, answer.code, answer.silent) == ("0\n", 0, "")
    assert host.ran == ["queue-length"]


def test_one_that_hangs_or_breaks_costs_the_others_nothing(site, monkeypatch):
    monkeypatch.setattr(module, "ASK_S", 0.5)
    over = threading.Event()
    levels = [CommandLevel("slow", "app-1", "sleep 60"), CommandLevel("bug", "app-9", "true"), UrlLevel("page", "/")]
    begun = boot_s()
    answers = invariants(levels, site, app_1=FakeHost(hangs=over)).ask()
    assert boot_s() - begun < 5
    assert answers["page"].code == 200
    assert "did not end in time" in answers["slow"].silent
    assert "KeyError" in answers["bug"].silent


def test_a_probe_answers_with_its_tolerance_and_one_that_fails_is_silent(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "doubles"))
    right = ProbeLevel("right", Activity("toolkit_extension", "answers", {"value": 3}, tolerance=[1, 5]))
    wrong = ProbeLevel("wrong", Activity("toolkit_extension", "no_such_probe", tolerance=True))
    answers = invariants([right, wrong]).ask()
    assert (answers["right"].value, answers["right"].tolerated) == (3, True)
    assert "does not expose a function" in answers["wrong"].silent
