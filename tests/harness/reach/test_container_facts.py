"""What an engine answers, read: the parts that decide, and what is never kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.reach.container_facts import ContainerEvent, ContainerState, ListedContainer, moment


def inspected(**changes: object) -> dict[str, object]:
    attrs: dict[str, object] = {
        "Id": "a" * 64,
        "Name": "/shop-api-1",
        "Image": "sha256:1",
        "RestartCount": 0,
        "State": {"Status": "running", "Running": True, "ExitCode": 0, "StartedAt": "2026-11-22T15:02:46.999565489Z",
                  "FinishedAt": "0001-01-01T00:00:00Z"},
        "Config": {"Image": "api:1", "Tty": False, "Env": ["API_SECRET=s3cret-value", "EMPTY="], "Cmd": ["--password"]},
        "HostConfig": {"LogConfig": {"Type": "json-file"}, "RestartPolicy": {"Name": "always"}, "Memory": 0},
    }  # fmt: skip
    return attrs | changes


def test_a_running_container_is_read_and_its_environment_is_not_shown() -> None:
    state = ContainerState.of(inspected())

    assert (state.name, state.running, state.restart_policy, state.log_driver) == (
        "shop-api-1",
        True,
        "always",
        "json-file",
    )
    assert (state.cpus, state.memory_limit_bytes, state.health, state.finished_at) == (None, None, "", None)
    assert "s3cret" not in repr(state)
    assert "password" not in repr(state)


@pytest.mark.parametrize("status", ["paused", "restarting", "exited", "created", "dead"])
def test_only_a_container_that_can_answer_runs(status: str) -> None:
    assert not ContainerState.of(inspected(State={"Status": status, "Running": status != "exited"})).running


@pytest.mark.parametrize(
    ("host", "cpus"),
    [
        ({}, None),
        ({"NanoCpus": 500_000_000}, 0.5),
        ({"CpuQuota": 150_000, "CpuPeriod": 100_000}, 1.5),
        ({"CpuQuota": 50_000}, 0.5),
        ({"CpuQuota": -1}, None),
        ({"CpusetCpus": "0-1,3"}, 3.0),
        ({"CpusetCpus": "0-3", "NanoCpus": 2_000_000_000}, 2.0),
    ],
)
def test_the_tightest_limit_says_how_many_cpus_it_may_use(host: dict[str, object], cpus: float | None) -> None:
    assert ContainerState.of(inspected(HostConfig=host)).cpus == cpus


def test_the_year_1_means_never_and_nanoseconds_can_be_read() -> None:
    assert moment("0001-01-01T00:00:00Z") is None
    assert moment("nonsense") is None
    assert moment(None) is None
    assert moment("2026-11-22T15:02:46.999565489Z") == datetime(2026, 11, 22, 15, 2, 46, 999565, tzinfo=UTC)


def test_a_listed_container_has_its_own_name_and_not_a_link_s() -> None:
    entry = {"Id": "b" * 64, "Names": ["/web/db", "/shop-db-1"], "State": "running", "Labels": {}}

    assert ListedContainer.of(entry).name == "shop-db-1"
    assert ListedContainer.of(entry | {"Names": []}).name == "b" * 12


@pytest.mark.parametrize("service", ["../../etc/passwd", "a b", "", "x\ny", "${SECRET}"])
def test_a_label_that_anybody_may_write_gives_no_strange_name(service: str) -> None:
    entry = {"Id": "b" * 64, "Names": ["/db"], "State": "", "Labels": {"com.docker.compose.service": service}}

    assert ListedContainer.of(entry).service == ""


def test_an_event_has_its_exit_code_and_its_signal() -> None:
    event = ContainerEvent.of(
        {
            "Action": "die",
            "timeNano": 1795359772262802502,
            "Actor": {"ID": "c" * 64, "Attributes": {"name": "api", "exitCode": "137", "secret": "x"}},
        }
    )

    assert (event.name, event.action, event.exit_code, event.at.year) == ("api", "die", 137, 2026)
