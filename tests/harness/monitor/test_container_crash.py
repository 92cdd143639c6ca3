"""Which ends of a container are crashes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from harness.monitor.container_crash import GOES_ON_S, Coroner, Death, crash_of, deaths_between, survived
from harness.reach.container_facts import ContainerEvent, ContainerState

BEGUN = datetime(2026, 11, 22, 15, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def event(action: str, seconds: float = 1.0, exit_code: int | None = None, signal: str = "") -> ContainerEvent:
    return ContainerEvent("1", "api", action, at(seconds), exit_code, signal)


def state(
    status: str = "running",
    *,
    exit_code: int = 0,
    count: int = 0,
    started_s: float = 0.0,
    oom: bool = False,
    container: str = "1",
) -> ContainerState:
    return ContainerState(
        id=container, name="api", image="", image_id="", status=status, running=status == "running",
        exit_code=exit_code, oom_killed=oom, restart_count=count, error="", started_at=at(started_s),
        finished_at=at(1), health="", health_runs=(), failing_streak=0, cpus=None, memory_limit_bytes=64 << 20,
        tty=False, log_driver="json-file", restart_policy="",
    )  # fmt: skip


def test_an_end_that_nobody_asked_for_is_a_death_and_one_by_signal_was_asked_for() -> None:
    asked = [event("kill", signal="15"), event("kill", signal="9"), event("die", exit_code=137), event("stop")]

    assert Coroner().deaths([event("die", exit_code=3)]) == [Death(at(1), 3, oom=False, asked=False)]
    assert Coroner().deaths(asked) == [Death(at(1), 137, oom=False, asked=True)]


def test_a_signal_to_read_the_configuration_anew_asks_for_no_end() -> None:
    [death] = Coroner().deaths([event("kill", signal="1"), event("die", exit_code=1)])

    assert not death.asked


def test_a_stop_that_takes_long_is_still_asked_for_and_the_next_end_is_not() -> None:
    coroner = Coroner()
    assert coroner.deaths([event("kill", signal="15")]) == []
    [first] = coroner.deaths([event("die", exit_code=0), event("start")])
    [second] = coroner.deaths([event("die", exit_code=0)])

    assert (first.asked, second.asked) == (True, False)


def test_a_process_killed_for_lack_of_memory_is_told_once_where_the_container_goes_on() -> None:
    coroner = Coroner()
    coroner.deaths([event("oom"), event("oom")], 100.0)

    assert coroner.survived_oom(100.0, runs=True) is None  # its death may be on the way
    assert coroner.survived_oom(100.0 + 2 * GOES_ON_S, runs=False) is None
    assert coroner.survived_oom(100.0 + GOES_ON_S, runs=True) == at(1)
    assert coroner.survived_oom(100.0 + GOES_ON_S, runs=True) is None


OOM, DIE, START = event("oom", 1.0), event("die", 1.1, exit_code=137), event("start", 1.3)


@pytest.mark.parametrize(
    "looks",
    [
        [[OOM, DIE]],
        [[DIE, OOM]],
        [[OOM], [DIE]],
        [[DIE], [OOM]],
        [[OOM], [], [DIE]],
        [[OOM], [], [], [], [DIE]],
        [[OOM, OOM], [DIE, OOM]],
        [[OOM], [DIE], [OOM], []],
        [[OOM, DIE, START]],
        [[DIE, START, OOM]],
        [[DIE, START], [OOM]],
        [[DIE], [START, OOM], []],
    ],
)
def test_one_death_for_lack_of_memory_is_told_once_in_any_order_and_over_any_looks(
    looks: list[list[ContainerEvent]],
) -> None:
    coroner, deaths, survived_at = Coroner(), [], []
    for second, events in enumerate([*looks, [], [], [], [], [], [], [], []]):
        deaths += coroner.deaths(events, float(second))
        survived_at.append(coroner.survived_oom(float(second), runs=True))

    assert deaths == [Death(DIE.at, 137, oom=True, asked=False)]
    assert set(survived_at) == {None}


@pytest.mark.parametrize(
    "looks",
    [
        [[OOM], *[[]] * 6, [event("die", 8.0, exit_code=137)]],  # a slow engine: its end comes late
        [[DIE], [], [], [OOM]],  # its reason comes late
        [[DIE, START], [], [OOM], []],
    ],
)
def test_what_came_too_late_to_be_told_with_its_other_half_is_not_told_a_second_time(
    looks: list[list[ContainerEvent]],
) -> None:
    coroner, told = Coroner(), 0
    for second, events in enumerate([*looks, *[[]] * 8]):
        told += len(coroner.deaths(events, float(second)))
        told += coroner.survived_oom(float(second), runs=True) is not None

    assert told == 1


def test_each_turn_of_a_loop_of_crashes_for_lack_of_memory_is_told() -> None:
    turns = [
        [event("oom", 2.0 * n), event("die", 2.0 * n + 0.1, exit_code=137), event("start", 2.0 * n + 0.3)]
        for n in range(4)
    ]
    coroner = Coroner()

    told = [death for second, events in enumerate(turns) for death in coroner.deaths(events, 2.0 * second)]

    assert [death.at for death in told] == [at(2.0 * n + 0.1) for n in range(4)]
    assert all(death.oom for death in told)


def test_an_end_by_sigkill_without_lack_of_memory_is_told_a_look_later() -> None:
    coroner = Coroner()

    assert coroner.deaths([event("die", exit_code=137)]) == []
    assert coroner.holds
    assert coroner.deaths([]) == [Death(at(1), 137, oom=False, asked=False)]
    assert coroner.deaths([]) == []


def test_a_death_told_by_a_look_is_not_told_by_its_event_that_comes_after_all() -> None:
    coroner = Coroner()
    coroner.was_seen(Death(at(1.05), 137, oom=True, asked=False))

    assert coroner.deaths([OOM, DIE]) == []
    assert coroner.survived_oom(100.0, runs=True) is None
    assert coroner.deaths([event("die", 4.0, exit_code=3)]) == [Death(at(4), 3, oom=False, asked=False)]


@pytest.mark.parametrize(
    ("death", "now", "what", "said"),
    [
        (Death(at(1), 3, oom=False, asked=False), state("exited"), "exited", "ended by itself with exit code 3"),
        (Death(at(1), 139, oom=False, asked=False), state("exited"), "exited", "ended by SIGSEGV (exit code 139)"),
        (Death(at(1), 143, oom=False, asked=False), state("exited"), "exited", "ended by SIGTERM"),
        (Death(at(1), 3, oom=False, asked=False), state(count=1, started_s=2), "restarted", "restart policy"),
        (Death(at(1), 3, oom=False, asked=False), state("restarting"), "restarted", "restart policy"),
        (Death(at(1), 0, oom=False, asked=False), state(count=1, started_s=2), "restarted", "restart policy"),
        (Death(at(1), 137, oom=True, asked=False), state("exited"), "oom-killed", "its limit is 64 MiB"),
        (Death(at(1), 137, oom=True, asked=False), state(count=1, started_s=2), "oom-killed", "restart policy"),
        (Death(at(1), 3, oom=False, asked=False), None, "exited", "exit code 3"),
    ],
)
def test_a_crash_says_what_happened(death: Death, now: ContainerState | None, what: str, said: str) -> None:
    crash = crash_of("api", death, state(), now)

    assert crash is not None
    assert (crash.source, crash.what, crash.exit_code) == ("container.api", what, death.exit_code)
    assert said in crash.text


@pytest.mark.parametrize(
    ("death", "now"),
    [
        (Death(at(1), 0, oom=False, asked=False), state("exited")),  # its work is done
        (Death(at(1), 143, oom=False, asked=True), state("exited")),
        (Death(at(1), 137, oom=False, asked=True), state(count=0, started_s=2)),  # docker restart
        (Death(at(1), 1, oom=False, asked=True), None),  # docker rm --force
    ],
)
def test_what_was_asked_for_or_is_done_is_no_crash(death: Death, now: ContainerState | None) -> None:
    assert crash_of("api", death, state(), now) is None


def test_the_last_death_of_a_container_that_gave_up_is_no_restart() -> None:
    final = Death(at(3), 4, oom=False, asked=False)

    crash = crash_of("api", final, state(), state("exited", count=2, started_s=2))

    assert crash is not None
    assert crash.what == "exited"


def test_without_events_two_looks_tell_what_they_can() -> None:
    assert deaths_between(None, state()) == []
    assert deaths_between(state(), state()) == []
    assert deaths_between(state(), state(container="2")) == []
    assert deaths_between(state(), state("exited", exit_code=3)) == [Death(at(1), 3, oom=False, asked=False)]
    assert deaths_between(state(), state("exited", exit_code=143)) == [Death(at(1), 143, oom=False, asked=True)]
    assert deaths_between(state(), state(count=1)) == [Death(at(1), 0, oom=False, asked=False)]
    assert deaths_between(state("exited"), state("exited", exit_code=3)) == []


def test_the_crash_of_a_process_says_that_the_container_goes_on() -> None:
    crash = survived("api", state())

    assert (crash.what, crash.exit_code) == ("oom-killed", None)
    assert "goes on" in crash.text
