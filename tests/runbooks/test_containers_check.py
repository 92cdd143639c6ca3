"""What preflight says of containers, with an engine made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.analysis.service_level import ReadingLevel
from harness.clock import Clock
from harness.errors import GamedayError, NotAllowed, ReachFailed
from harness.guard.reading import ReadingLimit
from harness.reach.container_facts import ContainerState, ListedContainer
from harness.reach.container_roster import ContainerChoice, Member
from harness.reach.docker import EngineFacts
from runbooks.preflight import Check, Options
from runbooks.preflight.containers_check import check_containers
from runbooks.preflight.doors import ContainersFacts
from runbooks.preflight.scene import Scene
from runbooks.runbook import LoadPlan, Phases, Runbook
from runbooks.target import Target

ENGINE = EngineFacts("unix:///var/run/docker.sock", "27.1", "1.46", Clock.start().utc(0) - Clock.start().utc(0))
RUNBOOK = Runbook(
    path=Path("b.yaml"), text="", title="t", hypothesis="h", expect="held", load=LoadPlan(Path("l.py")),
    phases=Phases(1, 1, 1), recover_within_s=1, service_levels=(), faults=(), stop_when=(), collect=("containers",),
    rollback=(), slack_channel="",
)  # fmt: skip
TARGET = Target(
    path=Path("t.yaml"), text="", name="t", environment="practice", base_url="http://127.0.0.1", allow=("127.0.0.1",),
    toxiproxy=None, proxies={}, databases={}, caches={}, hosts={}, containers=ContainerChoice(labels={"a": "b"}),
)  # fmt: skip


def found(short: str, status: str = "running", **changes: object) -> tuple[Member, ContainerState]:
    state = ContainerState(
        id=short, name=f"shop-{short}-1", image="", image_id="", status=status, running=status == "running",
        exit_code=0, oom_killed=False, restart_count=0, error="", started_at=None, finished_at=None, health="",
        health_runs=(), failing_streak=0, cpus=None, memory_limit_bytes=None, tty=False, log_driver="json-file",
        restart_policy="",
    )  # fmt: skip
    listed = ListedContainer(short, f"shop-{short}-1", short, one_off=False, status=status)
    return Member(short, listed), replace(state, **changes)  # type: ignore[arg-type]


class FakeWorld:
    """An engine with some containers, or an error."""

    def __init__(self, *members: tuple[Member, ContainerState], error: GamedayError | None = None) -> None:
        self.members, self.error = members, error

    def containers(self, choice: ContainerChoice) -> ContainersFacts:
        if self.error is not None:
            raise self.error
        return ContainersFacts(ENGINE, self.members, ("api", "db", "shop-api-1"))


def look(world: FakeWorld, choice: ContainerChoice | None = None, **runbook: object) -> list[Check]:
    target = replace(TARGET, containers=choice or TARGET.containers)
    scene = Scene(replace(RUNBOOK, **runbook), target, Options(), world)  # type: ignore[arg-type]
    return check_containers(scene)


def bad(checks: list[Check]) -> list[str]:
    return [f"{check.name}: {check.detail} ({check.mend})" for check in checks if check.ok is False]


def test_containers_that_run_are_one_line() -> None:
    [check] = look(FakeWorld(found("api"), found("db")))

    assert (check.ok, check.detail) == (True, "Docker 27.1 at unix:///var/run/docker.sock: api, db")


def test_a_target_without_containers_is_not_asked() -> None:
    world = FakeWorld(error=ReachFailed("no engine"))

    assert check_containers(Scene(RUNBOOK, replace(TARGET, containers=None), Options(), world)) == []  # type: ignore[arg-type]


def test_a_name_that_matches_nothing_is_a_failure_with_what_was_meant() -> None:
    checks = look(FakeWorld(found("api")), ContainerChoice(names=("api", "shop-apl-1"), labels={"a": "b"}))

    assert bad(checks) == ["shop-apl-1: no such container among those with a=b (did you mean 'shop-api-1'?)"]


def test_labels_that_match_nothing_are_a_failure() -> None:
    [said] = bad(look(FakeWorld()))

    assert said.startswith("a=b: no container carries them at unix:///var/run/docker.sock (are they made yet?")


def test_a_named_container_must_run_and_a_job_that_has_ended_well_need_not() -> None:
    named = ContainerChoice(names=("api", "job"))
    members = found("api"), found("job", "exited")

    assert bad(look(FakeWorld(*members), named)) == ["job: does not run: exited with code 0 (docker logs shop-job-1 "
                                                     "says why)"]  # fmt: skip
    assert [c.ok for c in look(FakeWorld(*members))] == [True]


def test_a_labelled_container_that_failed_is_a_warning_and_none_that_runs_is_a_failure() -> None:
    failed = found("job", "exited", exit_code=1)

    assert [c.ok for c in look(FakeWorld(found("api"), failed))] == [True, None]
    assert bad(look(FakeWorld(failed))) == ["running: none of them runs (start the platform: docker compose up -d)"]


def test_bad_health_and_a_log_that_is_not_kept_are_warnings() -> None:
    checks = look(FakeWorld(found("api", health="unhealthy", log_driver="none")))

    assert [(c.ok, c.detail) for c in checks[1:]] == [
        (None, "its health check fails"),
        (None, "its log is not kept: it will be missing"),
    ]


def test_readings_and_collections_of_unknown_containers_are_failures() -> None:
    level, glob = ReadingLevel("m", "container.apl.memory", max=0.9), ReadingLevel("g", "container.*.cpu", max=0.9)
    limit = ReadingLimit(reading="container.dbs.running", below=1, above=None, over_s=1)

    checks = look(
        FakeWorld(found("api"), found("db")),
        service_levels=(level, glob),
        stop_when=(limit,),
        collect=("container.shop-db-1", "container.dc", "app-1"),
    )

    assert bad(checks) == [
        "container.apl.memory: there is no container 'apl' (did you mean 'api'?)",
        "container.dbs.running: there is no container 'dbs' (did you mean 'db'?)",
        "container.dc: there is no such container to collect from (there are: api, db)",
    ]


def test_an_engine_that_may_not_be_touched_is_a_refusal_and_one_that_is_down_a_failure() -> None:
    [refused] = look(FakeWorld(error=NotAllowed("outside", where="10.0.0.1:2375", mend="add it")))
    [down] = look(FakeWorld(error=ReachFailed("no engine", where="unix:///x", mend="start it")))

    assert (refused.refusal, down.refusal) == (True, False)
    assert (down.detail, down.mend) == ("unix:///x: no engine", "start it")
