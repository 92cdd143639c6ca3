"""Each kind on a host: what may be written, what speaks against it, and what counts as shown and as healed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faults.catalog import KINDS
from faults.hosts.action import HostAction, general_objections
from faults.hosts.cpu_pressure import CpuPressure
from faults.hosts.disk_io_pressure import DiskIoPressure
from faults.hosts.disk_pressure import DiskPressure
from faults.hosts.facts import Facts
from faults.hosts.memory_pressure import MemoryPressure
from faults.hosts.network_delay import NetworkDelay
from faults.hosts.process_pause import ProcessPause
from faults.hosts.service_stop import ServiceStop
from faults.observation import Observation

ACTIONS: dict[str, Any] = {
    "process-pause": ProcessPause,
    "service-stop": ServiceStop,
    "host-cpu": CpuPressure,
    "host-memory": MemoryPressure,
    "host-disk": DiskPressure,
    "host-disk-io": DiskIoPressure,
    "host-network": NetworkDelay,
}
DELAY = {"interface": "eth0", "towards": ["10.0.0.5"], "delay": "100ms"}


def action(kind: str, /, **params: object) -> HostAction:
    made: HostAction = ACTIONS[kind](KINDS[kind].params.model_validate(params))
    return made


def facts(*lines: str) -> Facts:
    return Facts.of(lines)


def said(found: HostAction, *lines: str) -> list[str]:
    return [o.what for o in found.against(facts(*lines))]


def settled(found: HostAction, *lines: str) -> HostAction:
    found.settle(facts(*lines))
    return found


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("process-pause", {}),
        ("process-pause", {"process": ""}),
        ("service-stop", {"unit": "-rf"}),
        ("service-stop", {"unit": "a b"}),
        ("service-stop", {"unit": "nginx;reboot"}),
        ("service-stop", {"unit": "foo.socket"}),
        ("host-cpu", {}),
        ("host-cpu", {"cores": 1, "share": "50%"}),
        ("host-cpu", {"cores": 0}),
        ("host-cpu", {"share": "0%"}),
        ("host-memory", {}),
        ("host-memory", {"amount": "512MB", "share": "10%"}),
        ("host-memory", {"share": "100%"}),
        ("host-memory", {"amount": "1TB"}),
        ("host-memory", {"amount": "1GB", "leave": "1MB"}),
        ("host-disk", {"amount": "1GB"}),
        ("host-disk", {"path": "var/lib"}),
        ("host-disk", {"path": "/var/../etc"}),
        ("host-disk", {"path": "/var/\n"}),
        ("host-disk", {"path": "/var", "amount": "1KB"}),
        ("host-disk-io", {"path": "/var", "amount": "2GB"}),
        ("host-disk-io", {"path": "/var", "rate": "1KB/s"}),
        ("host-network", {**DELAY, "towards": "db-1"}),
        ("host-network", {**DELAY, "towards": []}),
        ("host-network", {**DELAY, "towards": "10.0.0.0/8"}),
        ("host-network", {**DELAY, "towards": [f"10.0.0.{i}" for i in range(17)]}),
        ("host-network", {**DELAY, "interface": "eth0; reboot"}),
        ("host-network", {**DELAY, "interface": "-eth0"}),
        ("host-network", {**DELAY, "delay": "0ms"}),
        ("host-network", {**DELAY, "delay": "11s"}),
        ("host-network", {**DELAY, "jitter": "101ms"}),
    ],
)
def test_what_is_beyond_bounds_or_no_such_thing_is_a_defect(kind: str, params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].params.model_validate(params)


def test_values_are_read_as_people_write_them() -> None:
    assert KINDS["service-stop"].params.model_validate({"unit": "nginx"}).unit == "nginx.service"  # type: ignore[attr-defined]
    assert KINDS["service-stop"].params.model_validate({"unit": "a@1.service"}).unit == "a@1.service"  # type: ignore[attr-defined]
    read = KINDS["host-network"].params.model_validate({**DELAY, "towards": "10.0.0.5, ::1 10.0.0.5"})
    assert read.towards == "10.0.0.5, ::1"  # type: ignore[attr-defined]
    for kind, made in ACTIONS.items():
        assert KINDS[kind].factory is not None
        assert made.ends_itself == (kind.startswith("host-") and kind != "host-network")


# what speaks against it


def test_cpu_is_taken_by_whole_processors_and_never_more_than_stated() -> None:
    assert settled(action("host-cpu", share="50%"), "cpus 5").what({"loops": "2"}) == "busy loops (2)"
    assert action("host-cpu", share="50%").settle(facts("cpus 5")) == {"loops": "2"}
    assert action("host-cpu", share="100%").settle(facts("cpus 3")) == {"loops": "3"}
    assert said(action("host-cpu", share="30%"), "cpus 2") == ["30% of 2 processors is less than one"]
    assert said(action("host-cpu", cores=3), "cpus 2") == ["the host has 2 processors"]
    assert said(action("host-cpu", cores=1)) == ["how many processors the host has can't be seen"]


def test_memory_is_refused_where_too_little_would_be_left_and_a_share_is_of_what_is_available() -> None:
    take = action("host-memory", share="50%", leave="100MB")
    assert take.settle(facts("available 1000001"))["bytes"] == str(500_000 * 1024)
    assert said(take, "available 1000000") == []
    assert said(take, "available 150000") == ["154 MB are available: less than 100 MB would be left"]
    assert said(take) == ["how much memory the host has can't be seen"]


def test_a_disk_is_never_filled_beyond_what_must_stay_free() -> None:
    until = action("host-disk", path="/data/", leave="500MB")
    assert until.settle(facts("free 2000000", "size 9000000"))["bytes"] == str(
        (2_000_000 * 1024 - 500_000_000) >> 20 << 20
    )
    assert said(until, "free 100000") == ["102.4 MB are free under /data: there is nothing to fill"]
    amount = action("host-disk", path="/data", amount="1GB", leave="500MB")
    assert said(amount, "free 1000000") == ["1.024 GB are free: less than 500 MB would be left"]
    assert said(amount, "path missing") == ["there is no folder /data"]
    assert said(action("host-disk-io", path="/data"), "path closed") == ["the account may not write to /data"]


def test_processes_that_carry_us_or_stand_still_are_left_alone() -> None:
    pause = action("process-pause", process="web")
    assert said(pause) == ["no process has '' in its command line"]
    assert said(pause, "process 7 T 100") == ["web stands still already"]
    assert said(pause, "process 7 S 100", "above 7", "above 1") == ["process 7 of web carries our own SSH connection"]
    assert pause.settle(facts("process 7 S 100", "process 8 T 90", "process 9 R 80")) == {"processes": "7:100 9:80"}
    assert pause.by_hand({"processes": "7:100 9:80"}) == "kill -CONT 7 9"
    assert action("process-pause", process="web", sudo=True).by_hand({"processes": "7:1"}) == "sudo kill -CONT 7"


ACTIVE = ("LoadState loaded", "ActiveState active", "SubState running", "MainPID 99", "root yes")


@pytest.mark.parametrize("unit", ["ssh", "sshd", "sshd@1", "systemd-networkd", "dbus", "NetworkManager", "user@0"])
def test_a_service_without_which_the_host_can_t_be_reached_is_refused(unit: str) -> None:
    [objection] = action("service-stop", unit=unit).against(facts(*ACTIVE))
    assert objection.refusal


def test_a_service_must_run_be_stopped_alone_and_not_carry_us() -> None:
    stop = action("service-stop", unit="shop")
    assert said(stop, *ACTIVE) == []
    assert said(stop, *ACTIVE[:4]) == ["only root may stop a service"]
    assert said(action("service-stop", unit="shop", sudo=True), *ACTIVE[:4]) == []
    assert said(stop, *ACTIVE, "ActiveState failed") == ["shop.service does not run (failed)"]
    assert said(stop, "LoadState not-found", "root yes") == ["shop.service is no service of this host (not-found)"]
    assert said(stop, *ACTIVE, "above 99") == ["without shop.service the host could not be reached any more"]
    assert said(stop, *ACTIVE, "with worker.service")[0].startswith("systemd stops worker.service with shop.service")


ROOT = ("root yes", "netem there", "rtt 10.0.0.5 0.4")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["queue qdisc noqueue 0: root"], []),
        (["queue qdisc mq 0: root", "queue qdisc fq_codel 0: parent :1 limit 10240p"], []),
        (["queue qdisc mq 0: root", "queue qdisc clsact ffff: parent ffff:fff1"], []),
        (["queue qdisc htb 1: root r2q 10"], ["eth0 has a queue of somebody's: htb 1:"]),
        (["queue qdisc netem 8001: root delay 10ms"], ["eth0 has a queue of somebody's: netem 8001:"]),
        (["client ::ffff:10.0.0.5"], ["our own SSH connection comes from 10.0.0.5"]),
        (["rtt 10.0.0.5 none"], ["10.0.0.5 does not answer the host's ping: the delay could not be proven"]),
        (["netem missing"], ["the kernel there has no netem"]),
        (["interface missing"], ["there is no interface eth0"]),
    ],
)
def test_a_delay_is_refused_where_it_would_take_a_place_lock_us_out_or_could_not_be_shown(
    lines: list[str], expected: list[str]
) -> None:
    assert said(action("host-network", **DELAY), *ROOT, *lines) == expected


def test_tools_and_rights_that_are_lacking_are_told_together() -> None:
    lines = ("lacks setsid", "lacks timeout", "refused kill -STOP 7", "logind ends")
    told = [o.what for o in general_objections(action("process-pause", process="web"), facts(*lines))]
    assert told[0] == "the host has no setsid, timeout"
    assert told[1] == "the account may not `kill -STOP 7`"
    assert told[2].startswith("logind there ends all processes")
    told = [o.what for o in general_objections(action("process-pause", process="web", sudo=True), facts(*lines))]
    assert told[1] == "sudo -n does not allow `kill -STOP 7`"
    assert [o.what for o in general_objections(action("host-cpu", cores=1), facts("logind ends"))] == []


# what counts as shown, and as healed


def shows(found: HostAction, before: Facts, now: Facts) -> bool | None:
    return found.effect(before, now).effective


def back(found: HostAction, before: Facts, now: Facts) -> bool | None:
    return found.healed(before, now).effective


def test_a_pause_is_shown_by_every_process_and_healed_by_none() -> None:
    pause, before = action("process-pause", process="web"), facts("process 7 S 1", "process 8 S 2")
    both, one = facts("process 7 T 1", "process 8 T 2"), facts("process 7 T 1", "process 8 S 2")
    assert (shows(pause, before, both), shows(pause, before, one), shows(pause, before, facts())) == (
        True,
        False,
        False,
    )
    assert (back(pause, before, before), back(pause, before, one)) == (True, False)
    assert "gone meanwhile: 1" in pause.healed(before, facts("process 7 S 1")).measured.text


def test_a_service_is_shown_inactive_and_healed_active() -> None:
    stop, before = action("service-stop", unit="shop"), facts(*ACTIVE)
    assert shows(stop, before, facts("ActiveState inactive")) is True
    assert shows(stop, before, facts("ActiveState deactivating")) is False
    assert shows(stop, before, facts()) is False
    assert back(stop, before, facts("ActiveState activating")) is False
    assert back(stop, before, before) is True


def test_cpu_is_shown_by_what_the_loops_get_also_where_others_want_it_too() -> None:
    burn, before = settled(action("host-cpu", cores=2), "cpus 4"), facts("ticks 20 200", "loops 0 0")
    assert shows(burn, before, facts("ticks 120 200", "loops 2 98")) is True
    assert shows(burn, before, facts("ticks 100 200", "loops 1 50")) is False  # one loop is missing
    assert shows(burn, before, facts("ticks 60 200", "loops 2 20")) is False  # idle, and they hardly run
    assert shows(burn, before, facts("ticks 199 200", "loops 2 20")) is True
    assert shows(burn, before, facts()) is False
    assert (back(burn, before, facts("ticks 199 200", "loops 0 0")), back(burn, before, facts("loops 1 1"))) == (
        True,
        False,
    )


def test_memory_and_disk_are_shown_by_what_is_held() -> None:
    for kind, keys, word in (("host-memory", {}, "available"), ("host-disk", {"path": "/data"}, "free")):
        before = facts(f"{word} 4000000", "held 0", "size 9000000")
        take = settled(action(kind, amount="1GB", **keys), f"{word} 4000000", "size 9000000")
        assert shows(take, before, facts(f"{word} 3030000", "held 970000")) is True
        assert shows(take, before, facts(f"{word} 3030000", "held 500000")) is False
        assert (back(take, before, facts("held 0")), back(take, before, facts("held 4"))) == (True, False)


def test_a_delay_is_shown_on_every_path_and_healed_when_the_queues_are_as_before() -> None:
    queue = "queue qdisc fq_codel 0: root"
    delay = action("host-network", **{**DELAY, "towards": "10.0.0.5 10.0.0.6", "jitter": "10ms"})
    before = facts(queue, "rtt 10.0.0.5 0.5", "rtt 10.0.0.6 2")
    assert shows(delay, before, facts("rtt 10.0.0.5 100.4", "rtt 10.0.0.6 90")) is True
    assert shows(delay, before, facts("rtt 10.0.0.5 100.4", "rtt 10.0.0.6 3")) is False
    assert shows(delay, before, facts("rtt 10.0.0.5 100.4", "rtt 10.0.0.6 none")) is False
    assert back(delay, before, facts(queue, "rtt 10.0.0.5 1", "rtt 10.0.0.6 2")) is True
    assert back(delay, before, facts("queue qdisc prio 7: root", "rtt 10.0.0.5 1", "rtt 10.0.0.6 2")) is False
    assert back(delay, before, facts(queue, "rtt 10.0.0.5 70", "rtt 10.0.0.6 2")) is False


# at the platform


def quiet(**readings: dict[str, float]) -> Observation:
    return Observation(0.0, 10.0, readings={name.replace("_", "."): of for name, of in readings.items()})


def test_a_pressure_that_the_platform_bears_is_shown_by_the_host_s_own_readings() -> None:
    cases: list[tuple[HostAction, dict[str, float], dict[str, float]]] = [
        (settled(action("host-cpu", cores=1), "cpus 4"), {"cpu": 0.2}, {"cpu": 0.45}),
        (settled(action("host-memory", amount="1GB"), "available 1"), {"memory_available_bytes": 4e9},
         {"memory_available_bytes": 3.1e9}),
        (settled(action("host-disk", path="/data", amount="1GB"), "free 4000000", "size 10000000"), {"disk": 0.5},
         {"disk": 0.6}),
        (settled(action("host-disk-io", path="/data")), {"io_pressure": 0.01}, {"io_pressure": 0.4}),
    ]  # fmt: skip
    for pressure, was, now in cases:
        assert pressure.seen("app", quiet(app=was), quiet(app=now)).effective is True
        assert pressure.seen("app", quiet(app=was), quiet(app=was)).effective is not True
        assert pressure.seen("app", quiet(other=was), quiet(other=now)).effective is not True


def test_a_pause_that_no_request_needs_is_shown_by_the_process_s_own_cpu() -> None:
    pause = action("process-pause", process="worker")
    assert pause.seen("app", quiet(app_worker={"cpu": 0.1}), quiet(app_worker={"cpu": 0.0})).effective is True
    assert pause.seen("app", quiet(app_worker={"cpu": 0.001}), quiet(app_worker={"cpu": 0.0})).effective is not True
