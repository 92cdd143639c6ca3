from __future__ import annotations

from decimal import Decimal

import pytest

from harness.analysis.invariant import Answer, expectation, is_equal, judge_invariant, limit_of
from harness.analysis.service_level import CommandLevel, Content, ProbeLevel, QueryLevel, UrlLevel
from harness.reach.activity import Activity

MONEY = QueryLevel("money", "main", "select sum(amount) from payments", unchanged=True)
HEALTH = UrlLevel("health", "/health", content=Content(contains="ok"))
CHARGED = UrlLevel("charged", "/stats/", json="totals.0.charged", content=Content(compared=True, equals=0))
QUEUE = CommandLevel("queue", "app-1", "queue-length", content=Content(compared=True, equals=0))


def judged(level, answer, before=None):
    answers = {} if answer is None else {level.name: answer}
    return judge_invariant(level, "faults", answers, before if before is None else {level.name: before})


@pytest.mark.parametrize(
    ("answer", "expected", "equal"),
    [
        ("0", 0, True),
        ("0\n", 0, True),
        (" 0.0 ", 0, True),
        (Decimal("10.50"), 10.5, True),
        (10, "10", True),
        ("007", "7", False),
        ("10 rows", 10, False),
        ("", 0, False),
        (None, 0, False),
        (None, None, True),
        ("None", None, False),
        (True, "true", True),
        ("f", False, False),
        (9007199254740993, 9007199254740992, False),
        (float("nan"), 0, False),
        ("1_000", 1000, False),
    ],
)
def test_numbers_may_stand_as_numbers_or_as_text_and_are_compared_exactly(answer, expected, equal):
    assert is_equal(answer, expected) is equal


def test_an_unchanged_answer_is_compared_with_the_one_before_the_faults():
    assert judged(MONEY, Answer(Decimal("70.00"))).met is True
    assert judged(MONEY, Answer(Decimal("70.0")), Answer(70)).met is True
    changed = judged(MONEY, Answer(80), Answer(70))
    assert (changed.met, changed.about) == (False, "invariant")
    assert "answered 80, before the faults 70" in changed.text


@pytest.mark.parametrize(
    ("answer", "before"),
    [(None, Answer(70)), (Answer(silent="no connection"), Answer(70)), (Answer(70), Answer(silent="no connection"))],
)
def test_what_was_not_answered_before_or_after_is_unknown(answer, before):
    assert judged(MONEY, answer, before).met is None


def test_why_an_invariant_did_not_answer_is_said():
    assert "was not answered: no connection" in judged(MONEY, Answer(silent="no connection")).text


@pytest.mark.parametrize(
    ("level", "answer", "met"),
    [
        (HEALTH, Answer("all ok", 200), True),
        (HEALTH, Answer("all ok", 503), False),
        (HEALTH, Answer("all bad", 200), False),
        (CHARGED, Answer('{"totals": [{"charged": "0"}]}', 200), True),
        (CHARGED, Answer('{"totals": [{"charged": 2}]}', 200), False),
        (CHARGED, Answer('{"totals": []}', 200), False),
        (CHARGED, Answer('{"totals": [{"charged": {}}]}', 200), False),
        (CHARGED, Answer("<html>", 200), False),
        (CHARGED, Answer("[" * 100_000, 200), False),
        (QUEUE, Answer("0\n", 0), True),
        (QUEUE, Answer("3\n", 0), False),
        (QUEUE, Answer("0\n", 127), False),
    ],
)
def test_addresses_and_commands_are_judged_by_code_and_content(level, answer, met):
    record = judged(level, answer)
    assert record.met is met
    assert record.text.endswith("met" if met else "not met")


def test_a_number_that_is_expected_is_the_limit_and_anything_else_is_one_as_expected():
    assert (limit_of(CHARGED), limit_of(MONEY), limit_of(HEALTH)) == (0.0, 1.0, 1.0)
    assert judged(CHARGED, Answer('{"totals": [{"charged": 2}]}', 200)).value == 2.0
    assert (judged(MONEY, Answer(80), Answer(70)).value, judged(HEALTH, Answer("ok", 200)).value) == (0.0, 1.0)
    assert judged(QUEUE, Answer("1e999", 0)).value == 0.0


def test_expectations_read_aloud():
    assert expectation(MONEY) == "the query on main answers the same before and after"
    assert expectation(CHARGED) == "GET /stats/ answers status 200, totals.0.charged = 0"
    assert expectation(HEALTH) == 'GET /health answers status 200, with "ok" in it'


@pytest.mark.parametrize(("tolerated", "met", "word"), [(True, True, "met"), (False, False, "not met")])
def test_a_probe_is_met_within_its_own_tolerance(tolerated, met, word):
    level = ProbeLevel("mail", Activity("app.probes", "queue", tolerance=[0, 5]))

    judged = judge_invariant(level, "faults", {"mail": Answer(7, tolerated=tolerated)})

    assert (judged.met, judged.value, judged.limit) == (met, float(met), 1.0)
    assert judged.text == f"mail: the probe app.probes.queue answered 7, expected the tolerance [0, 5]: {word}"
    assert expectation(level) == "the probe app.probes.queue answers within the tolerance [0, 5]"


def test_a_probe_that_fails_is_unknown():
    level = ProbeLevel("mail", Activity("app.probes", "queue", tolerance=True))

    assert judge_invariant(level, "faults", {"mail": Answer(silent="it raised")}).met is None
