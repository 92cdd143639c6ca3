"""What a person does on Locust's own web page is told once, and what Locust does by itself is not taken for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.load.steering import Steering


@pytest.fixture
def locust():
    server = SimpleNamespace(started=True, address=("127.0.0.1", 4711))
    runner = SimpleNamespace(state="ready", target_user_count=0)
    options = SimpleNamespace(run_time=None, web_base_path="")
    page = SimpleNamespace(server=server)
    return SimpleNamespace(web_ui=page, runner=runner, parsed_options=options, shape_class=None)


@pytest.fixture
def sent():
    return []


def test_the_page_is_told_once_it_is_up(locust, sent):
    locust.web_ui.server.started = False
    steering = Steering(locust, sent.append)
    steering.look()
    assert sent == []
    locust.web_ui.server.started = True
    steering.look()
    steering.look()
    assert sent == [{"type": "page", "url": "http://127.0.0.1:4711"}]


def test_the_first_number_of_users_is_the_runbooks_and_a_later_one_a_persons(locust, sent):
    steering = Steering(locust, sent.append)
    for state, users in (("spawning", 20), ("running", 20), ("running", 5), ("running", 5)):
        locust.runner.state, locust.runner.target_user_count = state, users
        steering.look()
    assert sent[1:] == [{"type": "steered", "users": 5}]


def test_a_load_shape_changes_the_users_by_itself(locust, sent):
    locust.shape_class = object()
    steering = Steering(locust, sent.append)
    for users in (1, 2, 3):
        locust.runner.state, locust.runner.target_user_count = "running", users
        steering.look()
    assert sent[1:] == []


@pytest.mark.parametrize(("run_time", "by_person"), [(None, True), (60, False)])
def test_a_stop_is_told_once_and_by_whom(locust, sent, run_time, by_person):
    locust.parsed_options.run_time = run_time
    steering = Steering(locust, sent.append)
    steering.look()
    for state in ("running", "cleanup", "stopped"):
        locust.runner.state = state
        steering.look()
    assert sent[1:] == [{"type": "halted", "by_person": by_person}]


def test_without_a_page_nothing_is_looked_at(locust, sent):
    locust.web_ui = None
    Steering(locust, sent.append).look()
    assert sent == []
