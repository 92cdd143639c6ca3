"""Live payment keys: found where they stand, unknown is not safe, and never said."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.clock import Deadline
from runbooks.bounds import LiveKey
from runbooks.guard_rails.live_keys import MOST_BYTES, NoLiveKeys
from runbooks.guard_rails.rail import Objection, Passed

LIVE, TEST = "sk_live_0123456789abcdef", "sk_test_0123456789abcdef"


@pytest.fixture
def look(moment):
    def looked(*keys: LiveKey, environment: str = "staging", **variables: str) -> str:
        said = NoLiveKeys(variables).look(moment(live_keys=keys, environment=environment))
        text = said.what + said.mend if isinstance(said, Objection) else said.detail
        assert "0123456789abcdef" not in text
        return said.what if isinstance(said, Objection) else ""

    return looked


def env(pattern: str = "sk_live_*") -> LiveKey:
    return LiveKey("paystack", pattern, env="PAYSTACK")


def test_an_environment_variable_with_a_live_key_is_refused(look) -> None:
    assert look(env(), PAYSTACK=LIVE) == "paystack: a live key (sk_live_*) is in the environment variable PAYSTACK"
    assert look(env(), PAYSTACK=TEST) == ""
    assert look(env("sk_????_0*"), PAYSTACK=TEST) != ""
    assert look(env("sk.live*"), PAYSTACK=LIVE) == ""


def test_a_variable_that_is_not_set_tells_nothing_and_is_refused(look) -> None:
    assert "unknown: it is not set here" in look(env())
    assert "unknown" in look(env(), PAYSTACK="")


def test_in_production_live_keys_are_as_they_should_be(look) -> None:
    assert look(env(), environment="production", PAYSTACK=LIVE) == ""
    assert look(env(), environment="pre-production", PAYSTACK=LIVE) != ""


def test_a_file_is_searched_and_one_that_can_not_be_read_is_refused(look, tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    key = LiveKey("paystack", "sk_live_*", file=str(file))
    assert "unknown: No such file" in look(key)
    file.write_text(f"A=1\nPAYSTACK_SECRET_KEY='{LIVE}'\n")
    assert "a live key" in look(key)
    file.write_text(f"A=1\nPAYSTACK_SECRET_KEY='{TEST}'\n")
    assert look(key) == ""
    file.write_bytes(b"x" * (MOST_BYTES + 1))
    assert "longer than 1 MiB" in look(key)
    assert "unknown" in look(replace(key, file=str(tmp_path)))


def test_a_file_that_nobody_ever_writes_costs_the_deadline_and_no_more(moment, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    look = replace(moment(live_keys=(LiveKey("paystack", "sk_live_*", file=str(pipe)),)), deadline=Deadline.after(0.2))
    said = NoLiveKeys({}).look(look)
    assert isinstance(said, Objection)
    assert "unknown: no answer" in said.what
    with pipe.open("wb"):  # lets the reader go
        pass


def test_an_address_outside_the_allow_list_is_not_asked(look) -> None:
    said = look(LiveKey("paystack", "sk_live_*", url="http://10.0.0.1:1/config"))
    assert "unknown: the address 10.0.0.1 is outside" in said


def test_every_key_is_looked_at_and_all_objections_told(look, tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    file.write_text(LIVE)
    keys = (env(), LiveKey("flutterwave", "sk_live_*", file=str(file)), LiveKey("other", "pk_live_*", file=str(file)))
    said = look(*keys, PAYSTACK=LIVE)
    assert said.count("a live key") == 2
    assert "other" not in said


def test_without_named_places_nothing_is_asked(moment) -> None:
    assert isinstance(NoLiveKeys({}).look(moment()), Passed)
