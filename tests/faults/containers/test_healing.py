"""Healing from the undo record alone: exactly, again and again, and never over somebody else's work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from faults.catalog import build
from faults.containers.fault import ContainerFault
from faults.containers.group import ContainerGroup
from faults.containers.undo import ContainersUndo
from faults.fault import FaultGone, FaultPlan, Healed
from faults.healing import command_of, heal, read_undo, what_is
from harness.clock import Deadline, boot_s, utc_now
from harness.errors import NotHealed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList

Plan = Callable[..., FaultPlan]
MIB = 1 << 20
KINDS: list[tuple[str, dict[str, Any], str]] = [
    ("container-pause", {}, "unpause"),
    ("container-stop", {}, "start"),
    ("container-kill", {}, "start"),
    ("container-restart", {}, "start"),
    ("container-network", {}, "connect"),
    ("container-cpu", {"limit": "25%"}, "update"),
    ("container-memory", {"limit": "64MiB"}, "update"),
]


def of_journal(undo: ContainersUndo, seconds: float = 2.0) -> Healed:
    """As another process heals it."""
    read = read_undo(undo.model_dump(mode="json"))
    assert read == undo
    return heal(read, deadline=Deadline.after(seconds), allow=AllowList(["127.0.0.0/8"]))


@pytest.fixture
def begun(engine: Any, group: ContainerGroup, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`begun(kind)`: the fault on a container `web`, injected, and its undo record."""
    monkeypatch.setattr("faults.containers.fault.measure", lambda *_: None)

    def begin(kind: str, place: str = "web", **params: Any) -> tuple[ContainerFault, ContainersUndo]:
        if not engine.containers:
            engine.add("web", NanoCpus=800_000_000, Memory=256 * MIB, MemorySwap=512 * MIB)
        fault = build(plan(kind, place, **params), group, "run")
        assert isinstance(fault, ContainerFault)
        undo = fault.prepare()
        fault.inject()
        return fault, undo

    return begin


@pytest.mark.parametrize(("kind", "params", "rung"), KINDS)
def test_each_kind_is_healed_to_what_was_found_once_and_again(
    engine: Any, begun: Any, kind: str, params: Any, rung: str
) -> None:
    fault, undo = begun(kind, **params)
    assert fault.present()
    calls = len(engine.calls)

    assert of_journal(undo).rung == rung
    changed = len(engine.calls)
    assert fault.measure_healed(Deadline.after(0.5)).effective is True
    assert of_journal(undo).rung == rung

    assert len(engine.calls) == changed
    assert changed - calls == {"container-network": 2, "container-restart": 0}.get(kind, 1)


@pytest.mark.parametrize(("kind", "params", "rung"), KINDS)
def test_an_undo_record_of_a_fault_that_never_got_in_heals_nothing_and_touches_nothing(
    engine: Any, group: ContainerGroup, plan: Plan, monkeypatch: pytest.MonkeyPatch, kind: str, params: Any, rung: str
) -> None:
    monkeypatch.setattr("faults.containers.fault.measure", lambda *_: None)
    engine.add("web", NanoCpus=800_000_000, Memory=256 * MIB, MemorySwap=512 * MIB)

    undo = build(plan(kind, "web", **params), group, "run").prepare()

    assert isinstance(undo, ContainersUndo)
    assert of_journal(undo) == Healed(rung, "", command_of(undo))
    assert engine.calls == []


@pytest.mark.parametrize(("kind", "params", "rung"), KINDS)
def test_a_container_that_was_removed_or_made_anew_is_said_and_left_alone(
    engine: Any, begun: Any, kind: str, params: Any, rung: str
) -> None:
    fault, undo = begun(kind, **params)
    calls = len(engine.calls)
    engine.remake("web")

    assert "web was made anew meanwhile (ffffffffffff)" in of_journal(undo).note
    engine.containers.clear()
    assert of_journal(undo) == Healed(rung, "web was removed meanwhile: nothing of ours is left", command_of(undo))
    assert fault.measure_healed(Deadline.after(0.5)).effective is None
    assert len(engine.calls) == calls


def test_a_restart_policy_that_somebody_changed_meanwhile_is_said_with_what_puts_it_back(
    engine: Any, begun: Any
) -> None:
    fault, undo = begun("container-stop")
    policy = engine.named("web")["HostConfig"]["RestartPolicy"]
    was = dict(policy)
    policy.update(Name="no", MaximumRetryCount=0)

    of_journal(undo)
    effect = fault.measure_healed(Deadline.after(0.5))
    assert (effect.effective, effect.measured.text) == (False, f"web's restart policy is no, it was {was['Name']}")
    assert effect.mend.endswith(f"update --restart {was['Name']} {undo.containers[0].ref}")
    assert " start " not in effect.mend, "it runs"


@pytest.mark.parametrize("kind", ["container-pause", "container-stop"])
def test_a_container_that_its_orchestrator_started_again_is_noticed_and_not_fought_over(
    engine: Any, begun: Any, kind: str
) -> None:
    fault, undo = begun(kind)
    calls = len(engine.calls)
    engine.restart_by_hand("web")

    with pytest.raises(FaultGone, match=r"web was started anew at .* by its orchestrator, or by somebody else"):
        fault.present()
    assert of_journal(undo).note
    assert fault.measure_healed(Deadline.after(0.5)).effective is True
    assert len(engine.calls) == calls


def test_a_limit_that_somebody_took_off_is_gone_and_what_became_of_it_is_said(engine: Any, begun: Any) -> None:
    fault, _ = begun("container-cpu", limit="25%")
    engine.named("web")["HostConfig"]["NanoCpus"] = 800_000_000

    with pytest.raises(FaultGone, match=r"web is running and has 0\.8 CPUs, .*: somebody took the fault off it"):
        fault.present()


def test_a_limit_outlives_a_restart_and_is_healed_after_it_too(engine: Any, begun: Any) -> None:
    _, undo = begun("container-memory", limit="64MiB")
    engine.restart_by_hand("web")

    assert of_journal(undo).note == "web was started anew meanwhile, not by us: see its log"
    assert engine.named("web")["HostConfig"]["Memory"] == 256 * MIB


def test_a_container_that_the_limit_had_killed_is_started_again(engine: Any, begun: Any) -> None:
    fault, undo = begun("container-memory", limit="64MiB")
    engine.named("web")["State"] |= {"Status": "exited", "OOMKilled": True}

    assert "killed for lack of memory, and was started again" in of_journal(undo).note
    assert fault.measure_healed(Deadline.after(0.5)).effective is True


def test_a_network_is_connected_with_its_aliases_and_fixed_address_the_lower_address_first(
    engine: Any, begun: Any
) -> None:
    for name in ("b", "a"):  # so that a has the higher address
        engine.add(name)
    _, undo = begun("container-network", "*", share="100%", network="shop")
    engine.calls.clear()

    note = of_journal(undo).note

    assert engine.calls == ["connect net1 {'Aliases': ['b']}", "connect net1 {'Aliases': ['a']}"]
    assert "a's address in shop is 172.18.0.99 now, it was 172.18.0.2" in note


def test_a_stop_that_is_still_under_way_is_given_2_s_and_then_ended(engine: Any, begun: Any) -> None:
    engine.add("web")
    engine.deaf = {"stop"}
    _, undo = begun("container-stop", grace="20s")
    engine.tell("web", "kill", 0.2, signal="15")
    start = boot_s()

    assert of_journal(undo, 5.0).rung == "start"

    assert engine.calls[1:] == ["kill SIGKILL", "start"]
    assert 1.9 < boot_s() - start < 4.5
    assert engine.status("web") == "running"


def test_a_container_that_survived_its_signal_is_left_as_it_is(engine: Any, begun: Any) -> None:
    engine.add("web")
    engine.deaf = {"kill"}
    _, undo = begun("container-kill", signal="SIGTERM")
    engine.tell("web", "kill", 20.0, signal="15")
    engine.deaf = set()

    assert (
        of_journal(undo.model_copy(update={"since": (utc_now() - timedelta(seconds=30)).isoformat()})).rung == "start"
    )
    assert engine.calls == ["kill SIGTERM"]


@pytest.mark.parametrize(
    ("kind", "params", "call", "typed"),
    [
        ("container-pause", {}, "unpause", "docker unpause 111111111111"),
        ("container-stop", {}, "start", "docker start 111111111111"),
        (
            "container-network",
            {},
            "connect",
            "docker network connect --ip 172.19.0.1 back 111111111111 && "
            "docker network connect --alias web shop 111111111111",
        ),
        ("container-cpu", {"limit": "25%"}, "update", "docker update --cpus 0.8 111111111111"),
        (
            "container-memory",
            {"limit": "64MiB"},
            "update",
            "docker update --memory 268435456 --memory-swap 536870912 111111111111",
        ),
    ],
)
@pytest.mark.parametrize("deaf", [True, False])
def test_an_engine_that_does_not_do_it_is_not_believed_and_what_to_type_is_said(
    engine: Any, begun: Any, kind: str, params: Any, call: str, typed: str, deaf: bool
) -> None:
    _, undo = begun(kind, **params)
    if deaf:
        engine.deaf = {call}
    else:
        engine.broken = {call: ReachFailed("the engine refused: no")}

    with pytest.raises(NotHealed, match="Docker has no lease that ends it") as raised:
        of_journal(undo, 0.4)

    assert raised.value.mend == command_of(undo) == typed
    assert ("shows it unchanged" if deaf else "the engine refused: no") in raised.value.what


def test_an_engine_that_fails_for_a_moment_is_asked_again(engine: Any, begun: Any) -> None:
    _, undo = begun("container-pause")
    engine.broken = {"unpause": ReachFailed("the engine refused: busy")}
    engine.deaf = {"unpause"}
    asked = engine.unpause

    def second_time(container: str, deadline: Deadline) -> None:
        if engine.calls.count("unpause") == 1:
            engine.broken, engine.deaf = {}, set()
        asked(container, deadline)

    engine.unpause = second_time

    assert of_journal(undo, 3.0).rung == "unpause"
    assert engine.status("web") == "running"


def test_one_that_can_not_be_healed_does_not_keep_the_others_from_it(engine: Any, begun: Any) -> None:
    for name in ("a", "b", "c"):
        engine.add(name)
    _, undo = begun("container-pause", "*", count=3)
    asked = engine.unpause

    def all_but_b(container: str, deadline: Deadline) -> None:
        if container == engine.named("b")["Id"]:
            raise ReachTimeout("no answer within 1 s", where="unix:///var/run/docker.sock")
        asked(container, deadline)

    engine.unpause = all_but_b

    with pytest.raises(NotHealed) as raised:
        of_journal(undo, 0.4)

    assert raised.value.mend == "docker unpause 222222222222"
    assert [engine.status(name) for name in ("a", "b", "c")] == ["running", "paused", "running"]
    assert what_is(undo) == "container-pause on a, b, c"


def test_a_container_that_is_not_back_is_said_part_by_part(engine: Any, begun: Any) -> None:
    fault, undo = begun("container-network")
    of_journal(undo)
    engine.named("web")["HostConfig"]["RestartPolicy"] = {"Name": "no"}

    effect = fault.measure_healed(Deadline.after(0.3))

    assert (effect.effective, effect.measured.text) == (False, "web's restart policy is no, it was always")


def test_another_engine_s_address_stands_in_what_to_type(engine: Any, begun: Any) -> None:
    _, undo = begun("container-pause")
    far = undo.model_copy(update={"engine": "tcp://10.0.0.5:2375"})

    assert command_of(far) == "docker -H tcp://10.0.0.5:2375 unpause 111111111111"


GARBAGE: list[Any] = [
    {}, [], "no", 7, {"State": None}, {"State": {}}, {"State": [], "Id": 1, "Name": 2}, {"State": {}, "Id": "1"},
    {"Id": "1", "Name": "/web", "State": {"Status": "running"}, "HostConfig": {"Memory": "much"}},
    {"Id": "1", "Name": "/web", "State": {"Status": "running"}, "HostConfig": {"RestartPolicy": "always"}},
    {"Id": "1", "Name": "/web", "State": {"Status": "running"}, "NetworkSettings": {"Networks": {"a": None}}},
    {"Id": "1", "Name": "/web", "State": {"Status": "running"}, "NetworkSettings": {"Ports": ["80/tcp"]}},
    {"Id": "1", "Name": "/web", "State": {"Status": "running"}, "Config": "SECRET=hunter2"},
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE)
def test_an_engine_that_talks_nonsense_is_no_traceback_and_its_words_are_not_repeated(
    engine: Any, group: ContainerGroup, plan: Plan, begun: Any, garbage: Any
) -> None:
    _, undo = begun("container-pause")
    engine.attributes = lambda *_: garbage

    said = ""
    try:
        of_journal(undo, 0.3)
    except NotHealed as error:
        said = str(error)
    with pytest.raises(ReachFailed) as raised:
        build(plan("container-pause", "web"), group, "run").prepare()

    assert "hunter2" not in said + str(raised.value)
    assert not said or "the engine's answer can't be read" in said
