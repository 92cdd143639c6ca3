"""The messages are accepted by a Slack that refuses what Slack refuses, whatever stands in the incident."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.journal.record import EvidenceFile, EvidenceMissing, EvidencePiece, Verdict
from harness.notify.blocks import Message, halt, summary
from harness.notify.slack import SlackDoor
from harness.notify.slack_text import length
from harness.redaction import Redactor
from harness.report.impact import Impact
from harness.report.incident import Cause, FaultLine, Incident, LevelLine
from harness.report.procedure import Step
from harness.report.timeline import Event

AT = datetime(2026, 11, 22, 14, 3, 7, tzinfo=UTC)


def _cause(text: str = "Every connection of the pool is taken.") -> Cause:
    return Cause(
        cause="pool-exhaustion",
        summary=text,
        confidence=0.87,
        explained_by="no connections",
        evidence=(EvidencePiece(text="212 x PoolTimeout", path="evidence/app-1/application.log", line=77),),
        recommendation="A larger pool, and a timeout on waiting for it.",
    )


def _incident() -> Incident:
    return Incident(
        run="20261122-140215-a1b2",
        headline="Stopped: Investors keep investing while the database slows down",
        verdict="stopped",
        reason="Error rate 34% of all requests, limit 1%.",
        expected=True,
        runbook="Investors keep investing while the database slows down",
        target="crowdfund",
        environment="practice",
        started_at=AT,
        opened_at_s=52.6,
        opened_at=AT,
        impact=Impact(50.2, 53.1, 1412, 480, 0.34, {"http": 470, "timeout": 10}, 100, 12, 0.41),
        levels=(
            LevelLine("api p95 in faults: 812 ms, limit 200 ms", met=False),
            LevelLine("cpu in faults: 40%", met=True),
        ),
        faults=(
            FaultLine(
                "no connections",
                "pool-exhaustion",
                "pool-exhaustion on proxy postgres",
                50.2,
                53.0,
                on_at_breach=True,
                healed=True,
                healed_text="healed by the conductor, verified",
            ),
        ),
        timeline=(Event(50.2, AT, "no connections injected", "info"), Event(52.6, AT, "breach", "error")),
        likely_cause=_cause(),
        other_causes=(),
        steps=(
            Step("Stop the test", done=True, detail="Load stopped and all faults healed 0.41 s after the breach."),
            Step(
                "Implement fixes", done=False, detail="Larger pool.", commands=("app-1: systemctl restart crowdfund",)
            ),
        ),
        rerun="gameday rerun runs/20261122-140215-a1b2",
        run_folder="runs/20261122-140215-a1b2",
        report="runs/20261122-140215-a1b2/report.html",
        evidence_complete=True,
        evidence_files=(
            EvidenceFile(path="evidence/app-1/application.log", source="app-1", what="/var/log/application.log"),
        ),
        evidence_missing=(),
    )


@pytest.fixture
def door(slack: Any, good_token: str, tmp_path: Path) -> SlackDoor:
    outbox = tmp_path / "slack.jsonl"
    return SlackDoor(good_token, "#game-day", base_url=slack.url, outbox=outbox, redactor=Redactor(), deadline_s=5)


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for part in value.values() for text in _texts(part)]
    return [text for part in value for text in _texts(part)] if isinstance(value, list) else []


def _taken_whole(slack: Any, door: SlackDoor, message: Message) -> None:
    """Accepted as it is, calls nobody, and keeps a margin to the limits."""
    notified = door.post("summary", message.text, message.blocks)
    assert (notified.delivered, notified.error) == (True, "")
    assert slack.mentions == []
    assert slack.truncated == 0
    assert sum(map(length, _texts(message.blocks))) <= 12_000
    assert len(message.blocks) <= 50
    assert 0 < length(message.text) <= 4000


def test_the_summary_has_what_a_person_on_call_needs(slack: Any, door: SlackDoor) -> None:
    message = summary(_incident())
    _taken_whole(slack, door, message)
    shown = "\n".join(_texts(message.blocks))
    for needed in (
        "Stopped: Investors keep investing",
        "2026-11-22 14:03:07 UTC, +52.6 s",
        "480 of 1",
        "34%",
        "http 470, timeout 10",
        "✗ api p95 in faults: 812 ms, limit 200 ms",
        "no connections (pool-exhaustion on proxy postgres)",
        "healed by the conductor",
        "pool-exhaustion (87%, explained by an injected fault): Every connection",
        "212 x PoolTimeout (evidence/app-1/application.log:77)",
        "✓ Stop the test",
        "☐ Implement fixes: Larger pool.",
        "```\napp-1: systemctl restart crowdfund\n```",
        "report.html",
        "a drill: the runbook asked for this",
        "✓ 1 met",
        "+52.6 s breach",
    ):
        assert needed in shown
    places = [shown.index(title) for title in ("*Failed requests*", "*Likely cause*", "*Emergency procedure", "✗ api")]
    assert places == sorted(places)
    for needed in ("Stopped:", "480 of", "pool-exhaustion", "To do: Implement fixes", "gameday rerun", "incident.md"):
        assert needed in message.text


def test_a_fault_that_is_still_on_comes_first_with_its_command(slack: Any, door: SlackDoor) -> None:
    left = FaultLine(
        "slow",
        "latency",
        "latency on proxy postgres",
        1.0,
        None,
        on_at_breach=False,
        healed=False,
        healed_text="the server is gone.",
        command="gameday heal runs/x",
    )
    message = summary(replace(_incident(), faults=(*_incident().faults, left)))
    _taken_whole(slack, door, message)
    shown = "\n".join(_texts(message.blocks))
    assert "NOT HEALED: the server is gone. Type: gameday heal runs/x" in shown
    assert shown.index("NOT HEALED") < shown.index("healed by the conductor")
    assert "STILL INJECTED: slow. Type: gameday heal runs/x" in message.text


def test_a_fault_without_effect_is_marked(slack: Any, door: SlackDoor) -> None:
    message = summary(replace(_incident(), faults=(replace(_incident().faults[0], without_effect=True),)))
    _taken_whole(slack, door, message)
    assert "WITHOUT EFFECT: healed by the conductor" in "\n".join(_texts(message.blocks))


def test_what_does_not_fit_is_counted_and_never_silently_lost(slack: Any, door: SlackDoor) -> None:
    many = tuple(
        LevelLine(f"level {number} of the api in faults: 812 ms, limit 200 ms", met=False) for number in range(500)
    )
    events = tuple(Event(float(number), AT, f"event {number}", "info") for number in range(5000))
    missing = tuple(
        EvidenceMissing(source=f"app-{n}", what="/var/log/x.log", reason="no such file") for n in range(300)
    )
    steps = tuple(
        Step(f"step {n}", done=False, detail="do it " * 100, commands=("make it so " * 90,)) for n in range(40)
    )
    crowded = replace(
        _incident(),
        levels=many,
        timeline=events,
        evidence_missing=missing,
        steps=steps,
        other_causes=(_cause("x" * 5000),) * 90,
    )
    message = summary(crowded)
    _taken_whole(slack, door, message)
    shown = "\n".join(_texts(message.blocks))
    assert shown.count("more in incident.md") == 5
    assert "event 49\n" not in shown, "the timeline begins with the fault that was on"
    assert "event 51" in shown
    assert "… and 34 more in incident.md" in shown


def test_nothing_known_is_still_a_message(slack: Any, door: SlackDoor) -> None:
    empty = Incident(
        run="",
        headline="",
        verdict=None,
        reason="",
        expected=False,
        runbook="",
        target="",
        environment="",
        started_at=None,
        opened_at_s=0.0,
        opened_at=None,
        impact=Impact(0, 0, 0, 0, None),
        levels=(),
        faults=(),
        timeline=(),
        likely_cause=None,
        other_causes=(),
        steps=(),
        rerun="",
        run_folder="",
        report="",
        evidence_complete=None,
        evidence_files=(),
        evidence_missing=(),
    )
    _taken_whole(slack, door, summary(empty))


NASTY = [
    "",
    " ",
    "\x00\x1b[31m",
    "<!channel> <!here> <!everyone>",
    "<@U123> <!subteam^S1> <#C1|x>",
    "<https://evil.example|click>",
    "&amp;&lt;!channel&gt;",
    "&" * 4000,
    "<" * 4000,
    "```\n*bold*\n```",
    "🙂" * 3000,
    "\u202egnirts",
    "\ud800 torn",
    "\n" * 3000,
    "a\nb\r\nc",
    "x" * 40_000,
    ":tada:",
    "p95 < 200 ms & rising",
    "mot " * 2000,
    "\u200b",
    "\u00a0\u3000",
    "{}",
    "null",
]


class _Dice:
    """Random values of the shapes that an incident is made of."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def text(self) -> str:
        return "".join(self.dice.choice(NASTY) for _ in range(self.dice.randrange(4)))

    def some(self, make: Any) -> tuple[Any, ...]:
        return tuple(make() for _ in range(self.dice.choice([0, 1, 3, 60])))

    def maybe(self) -> bool:
        return self.dice.random() < 0.5

    def number(self) -> float:
        return self.dice.choice([0.0, -1.0, 0.001, 52.6, 1e9])

    def cause(self) -> Cause:
        pieces = self.some(lambda: EvidencePiece(text=self.text(), path=self.text(), line=self.dice.choice([None, 1])))
        return Cause(self.text(), self.text(), self.dice.random(), self.text(), pieces, self.text())

    def fault(self) -> FaultLine:
        return FaultLine(
            self.text(),
            self.text(),
            self.text(),
            self.dice.choice([None, 1.0]),
            self.dice.choice([None, 2.0]),
            on_at_breach=self.maybe(),
            healed=self.maybe(),
            healed_text=self.text(),
            command=self.text(),
        )

    def incident(self) -> Incident:
        dice, text = self.dice, self.text
        return Incident(
            run=text(),
            headline=text(),
            verdict=dice.choice([None, *get_args(Verdict)]),
            reason=text(),
            expected=self.maybe(),
            runbook=text(),
            target=text(),
            environment=text(),
            started_at=AT,
            opened_at_s=self.number(),
            opened_at=dice.choice([None, AT]),
            impact=Impact(
                0,
                1,
                dice.randrange(10**9),
                7,
                dice.choice([None, 0.5]),
                {"http": 3, "timeout": 0},
                100,
                9,
                dice.choice([None, 0.4]),
            ),
            levels=self.some(lambda: LevelLine(text(), dice.choice([None, True, False]))),
            faults=self.some(self.fault),
            timeline=self.some(lambda: Event(self.number(), AT, text(), "info")),
            likely_cause=self.cause() if self.maybe() else None,
            other_causes=self.some(self.cause),
            steps=self.some(lambda: Step(text(), done=self.maybe(), detail=text(), commands=self.some(text))),
            rerun=text(),
            run_folder=text(),
            report=text(),
            evidence_complete=dice.choice([None, True, False]),
            evidence_files=self.some(lambda: EvidenceFile(path=text(), source=text(), what=text())),
            evidence_missing=self.some(lambda: EvidenceMissing(source=text(), what=text(), reason=text())),
        )


@pytest.mark.parametrize("seed", range(40))
def test_any_incident_at_all_is_accepted_as_it_is(slack: Any, door: SlackDoor, seed: int) -> None:
    _taken_whole(slack, door, summary(_Dice(seed).incident()))


@pytest.mark.parametrize("seed", range(20))
def test_any_halt_at_all_is_accepted_as_it_is(slack: Any, door: SlackDoor, seed: int) -> None:
    _taken_whole(slack, door, halt(_Dice(seed).incident()))


def test_the_halt_says_when_why_and_that_the_faults_are_off() -> None:
    text, blocks = halt(replace(_incident(), evidence_complete=None))
    assert text == (
        "Stopped by itself at +52.6 s: Error rate 34% of all requests, limit 1%. 1 fault healed. Collecting logs. "
        "(Investors keep investing while the database slows down · target crowdfund · run 20261122-140215-a1b2)"
    )
    assert "🛑 Stopped by itself at +52.6 s: Error rate" in json.dumps(blocks, ensure_ascii=False)


def test_a_halt_that_left_a_fault_on_says_what_to_type() -> None:
    left = replace(_incident().faults[0], healed=False, command="gameday heal runs/r1")
    text, blocks = halt(replace(_incident(), verdict="not-healed", faults=(left,)))
    assert text.startswith("Ended at +52.6 s: ")
    assert "STILL INJECTED. Type: gameday heal runs/r1. It is: no connections." in text
    assert "🚨" in json.dumps(blocks, ensure_ascii=False)


def test_an_incident_without_a_stop_is_not_called_one() -> None:
    assert halt(replace(_incident(), verdict="deviated", faults=())).text.startswith("Deviated at +52.6 s: ")
