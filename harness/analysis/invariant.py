"""Judges invariants: what a query, a web address or a command answered against what it must answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from harness.analysis.service_level import CommandLevel, Content, Invariant, ProbeLevel, QueryLevel, Scalar, UrlLevel
from harness.journal.record import LevelJudged, PhaseName

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_LONGEST_SAID = 80
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an invariant answered: a query's single value, or a text with its HTTP status or exit code. `tolerated`, of
    a probe: whether it is within its tolerance. `silent`: why there is no answer."""

    value: object = None
    code: int | None = None
    silent: str = ""
    tolerated: bool | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`met` None: unknown. `said` goes on from the invariant's name; `number`: what was answered, if a number."""

    met: bool | None
    said: str
    number: float | None = None


Answers = Mapping[str, Answer]
"""By the level's name; an absent one did not answer."""


def judge_invariant(
    level: Invariant, phase: PhaseName, answers: Answers, before: Answers | None = None, when: str = ""
) -> LevelJudged:
    """The invariant in one phase. `before`: what was answered at the end of the baseline, where the answer must be
    unchanged; None while that is being asked. `when` is said with it, such as " after the halt"."""
    outcome = _judged(level, answers, before)
    limit = limit_of(level)
    number = outcome.number
    if number is None or not _expects_number(level):
        number = None if outcome.met is None else float(outcome.met)
    met = "unknown" if outcome.met is None else "met" if outcome.met else "not met"
    return LevelJudged(
        name=level.name,
        phase=phase,
        value=number,
        limit=limit,
        unit="value",
        met=outcome.met,
        about="invariant",
        text=f"{level.name}: {of(level)} {outcome.said}{when}: {met}",
    )


def limit_of(level: Invariant) -> float:
    """The number that is expected; 1, for "as expected", where it is no number."""
    number = _decimal(_equals(level)) if _expects_number(level) else None
    return 1.0 if number is None else float(number)


def of(level: Invariant) -> str:
    """What is asked: "main", "GET /health" or "command on app-1"."""
    if isinstance(level, QueryLevel):
        return level.database
    if isinstance(level, ProbeLevel):
        return f"the probe {level.probe.name}"
    return f"GET {level.get}" if isinstance(level, UrlLevel) else f"command on {level.host}"


def expectation(level: Invariant) -> str:
    """What must be answered, such as "the query answers 0"."""
    if isinstance(level, QueryLevel):
        return f"the query on {level.database} " + (
            "answers the same before and after" if level.unchanged else f"answers {_said(level.equals)}"
        )
    if isinstance(level, ProbeLevel):
        return f"{of(level)} answers within {_tolerance(level)}"
    code = f"status {level.status}" if isinstance(level, UrlLevel) else f"exit code {level.exit_code}"
    return f"{of(level)} answers {', '.join([code, *_wishes(level)])}"


def unchanged(level: Invariant) -> bool:
    """Whether the answer before the faults is what counts."""
    if isinstance(level, ProbeLevel):
        return False
    return level.unchanged if isinstance(level, QueryLevel) else level.content.unchanged


def _wishes(level: UrlLevel | CommandLevel) -> list[str]:
    content, path = level.content, level.json if isinstance(level, UrlLevel) else None
    wishes = [f"with {_said(content.contains)} in it"] if content.contains is not None else []
    if content.compared:
        what = f"{path} " if path else ""
        wishes.append(f"{what}unchanged" if content.unchanged else f"{what}= {_said(content.equals)}")
    return wishes


def _judged(level: Invariant, answers: Answers, before: Answers | None) -> _Outcome:
    answer = answers.get(level.name)
    if answer is None or answer.silent:
        why = f": {answer.silent}" if answer else ""
        return _Outcome(None, f"was not answered{why}")
    if isinstance(level, QueryLevel):
        content = Content(compared=True, equals=level.equals, unchanged=level.unchanged)
        return _compare(level, content, answer.value, before)
    if isinstance(level, ProbeLevel):
        return _Outcome(answer.tolerated, f"answered {_said(answer.value)}, expected {_tolerance(level)}")
    return _judge_text(level, answer, before)


def _judge_text(level: UrlLevel | CommandLevel, answer: Answer, before: Answers | None) -> _Outcome:
    expected = level.status if isinstance(level, UrlLevel) else level.exit_code
    word = "status" if isinstance(level, UrlLevel) else "exit code"
    if answer.code != expected:
        return _Outcome(met=False, said=f"answered {word} {answer.code}, expected {expected}")
    wanted = level.content.contains
    if wanted is not None and wanted not in str(answer.value):
        return _Outcome(met=False, said=f"answered without {_said(wanted)}")
    if not level.content.compared:
        return _Outcome(met=True, said=f"answered {word} {answer.code}")
    value = _value(level, answer)
    if value is _ABSENT:
        assert isinstance(level, UrlLevel)
        return _Outcome(met=False, said=f"answered no JSON with a single value at {level.json}")
    return _compare(level, level.content, value, before)


def _compare(level: Invariant, content: Content, value: object, before: Answers | None) -> _Outcome:
    number = _decimal(value)
    shown = None if number is None or not math.isfinite(float(number)) else float(number)
    if not content.unchanged:
        said = f"answered {_said(value)}, expected {_said(content.equals)}"
        return _Outcome(is_equal(value, content.equals), said, shown)
    if before is None:
        return _Outcome(met=True, said=f"answered {_said(value)}, to be compared after the faults")
    earlier = before.get(level.name)
    old = _ABSENT if earlier is None or earlier.silent else _value(level, earlier)
    if old is _ABSENT:
        return _Outcome(None, f"answered {_said(value)}, and before the faults nothing that can be compared")
    said = f"answered {_said(value)}, before the faults {_said(old)}"
    return _Outcome(is_equal(value, old), said)


def is_equal(answer: object, expected: object) -> bool:
    """Whether they are the same; a number may stand as a number or as a text, "0" for 0."""
    if isinstance(answer, str) and isinstance(expected, str):
        return answer.strip() == expected.strip()
    numbers = (_decimal(answer), _decimal(expected))
    if None not in numbers:
        return numbers[0] == numbers[1]
    if answer is None or expected is None:
        return answer is expected
    if isinstance(answer, bool) or isinstance(expected, bool):
        return str(answer).strip().lower() == str(expected).strip().lower()
    return answer == expected or str(answer).strip() == str(expected).strip()


def _value(level: Invariant, answer: Answer) -> object:
    """What is compared; _ABSENT where the answer has no such value."""
    if isinstance(level, QueryLevel | ProbeLevel):
        return answer.value
    if isinstance(level, CommandLevel) or level.json is None:
        return str(answer.value).strip()
    try:
        value = json.loads(str(answer.value), parse_float=Decimal)
    except (ValueError, RecursionError):
        return _ABSENT
    for part in level.json.split("."):
        if isinstance(value, dict):
            value = value.get(part, _ABSENT)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _ABSENT
    return _ABSENT if isinstance(value, dict | list) else value


def _decimal(value: object) -> Decimal | None:
    """The number that a value is, exactly; None where it is none."""
    if isinstance(value, str):
        return Decimal(value.strip()) if _NUMBER.fullmatch(value.strip()) else None
    if not isinstance(value, int | float | Decimal):
        return None
    try:
        number = Decimal(str(int(value) if isinstance(value, bool) else value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _equals(level: Invariant) -> Scalar:
    if isinstance(level, ProbeLevel):
        return None
    return level.equals if isinstance(level, QueryLevel) else level.content.equals


def _expects_number(level: Invariant) -> bool:
    expected = _equals(level)
    return not unchanged(level) and isinstance(expected, int | float) and not isinstance(expected, bool)


def _tolerance(level: ProbeLevel) -> str:
    return f"the tolerance {json.dumps(level.probe.tolerance)}"


def _said(value: object) -> str:
    text = " ".join(str(value).split()) or "nothing"
    shown = text if len(text) <= _LONGEST_SAID else f"{text[: _LONGEST_SAID - 1]}…"
    return f'"{shown}"' if isinstance(value, str) and not _NUMBER.fullmatch(text) and text != "nothing" else shown
