"""Faults on a host that take a whole machine's programs, with others that stand in for these."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from eventually import until
from host_fault_scene import (
    SYSTEM_PATH,
    Start,
    fault_of,
    gone,
    host_of,
    on,
    who,
)

from faults import healing
from harness.clock import Deadline
from harness.errors import ReachFailed, Refused

pytestmark = pytest.mark.integration


def test_a_service_is_stopped_by_sudo_alone_and_started_again(start_sshd: Start, tools: Path) -> None:
    (tools / "shop.service.state").write_text("active\n")
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    fault = fault_of("service-stop", host, unit="shop", sudo=True)
    with on(fault) as undo:
        until(lambda: fault.prove_wire().effective)
        assert fault.prove_wire().measured.text == "shop.service is inactive (dead), it was active (running) before"
        assert fault.present()
        os.kill(who(undo, "guard"), signal.SIGKILL)
        until(lambda: (tools / "shop.service.state").read_text() == "active\n")
        until(lambda: gone(undo))
    assert fault.measure_healed(Deadline.after(10)).effective
    calls = (tools / "calls").read_text().splitlines()
    assert calls == ["stop --no-block shop.service", "start --no-block shop.service"]
    assert [f"systemctl {call}" in (tools / "sudo.calls").read_text() for call in calls] == [True, True]
    assert healing.command_of(undo).endswith("'sudo systemctl start shop.service'")


def test_a_service_that_can_t_be_stopped_or_takes_others_with_it_is_refused(start_sshd: Start, tools: Path) -> None:
    for unit in ("shop.service", "worker.service"):
        (tools / f"{unit}.state").write_text("active\n")
    (tools / "shop.service.needed").write_text("worker.service\n")
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    with pytest.raises(Refused, match=r"systemd stops worker.service with shop.service"):
        fault_of("service-stop", host, unit="shop", sudo=True).prepare()
    (tools / "forbidden").write_text("systemctl stop\n")
    with pytest.raises(ReachFailed, match=r"sudo -n does not allow `systemctl stop --no-block worker\.service`"):
        fault_of("service-stop", host, unit="worker", sudo=True).prepare()
    (tools / "forbidden").unlink()
    fault = fault_of("service-stop", host, unit="worker", sudo=True)
    undo = fault.prepare()
    (tools / "stuck").touch()
    with pytest.raises(ReachFailed, match="Job failed"):
        fault.inject()
    assert fault.heal(Deadline.after(10)).rung == "checked"
    until(lambda: gone(undo))
    fault.close()


def test_a_delay_takes_a_queue_of_our_own_at_the_interface_and_leaves_none(start_sshd: Start, tools: Path) -> None:
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    asked = {"interface": "lo", "towards": ["127.0.0.9"], "delay": "100ms", "jitter": "5ms", "sudo": True}
    fault = fault_of("host-network", host, **asked)
    with on(fault) as undo:
        until(lambda: fault.prove_wire().effective)
        assert fault.prove_wire().measured.text == "127.0.0.9: 0.4 ms before, 100.6 ms now"
    assert fault.measure_healed(Deadline.after(10)).effective
    handle = undo.values["handle"]
    assert (tools / "calls").read_text().splitlines() == [
        f"qdisc add dev lo root handle {handle}: prio bands 4",
        f"qdisc add dev lo parent {handle}:4 netem delay 100000us 5000us",
        f"filter add dev lo parent {handle}: protocol ip prio 1 u32 match ip dst 127.0.0.9/32 flowid {handle}:4",
        f"qdisc del dev lo root handle {handle}:",
    ]
    assert healing.command_of(undo).endswith(f"'sudo tc qdisc del dev lo root handle {handle}:'")


def test_a_delay_is_refused_where_it_would_take_a_queue_s_place_or_our_own_way_in(
    start_sshd: Start, tools: Path
) -> None:
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    keys: dict[str, object] = {"interface": "lo", "towards": "127.0.0.9", "delay": "100ms", "sudo": True}
    with pytest.raises(Refused, match=r"our own SSH connection comes from 127\.0\.0\.1"):
        fault_of("host-network", host, **{**keys, "towards": "127.0.0.1, 127.0.0.9"}).prepare()
    with pytest.raises(ReachFailed, match="outside the target's allow list"):
        fault_of("host-network", host, **{**keys, "towards": "10.1.2.3"}).prepare()
    (tools / "modules.missing").write_text("sch_netem\n")
    if not Path("/sys/module/sch_netem").exists():
        fault = fault_of("host-network", host, **keys)
        look = fault.look(Deadline.after(10))
        fault.close()
        assert [o.what for o in look.objections] in ([], ["the kernel there has no netem"])
    (tools / "modules.missing").unlink()
    (tools / "deaf").touch()
    with pytest.raises(ReachFailed, match=r"127\.0\.0\.9 does not answer the host's ping"):
        fault_of("host-network", host, **keys).prepare()
    (tools / "deaf").unlink()
    # the kernel says no in the middle: what was put there before is taken away again
    (tools / "no-netem").touch()
    fault = fault_of("host-network", host, **keys)
    undo = fault.prepare()
    with pytest.raises(ReachFailed, match="Specified qdisc kind is unknown"):
        fault.inject()
    fault.heal(Deadline.after(10))
    fault.close()
    until(lambda: gone(undo))
    assert (tools / "queues").read_text().startswith("qdisc fq_codel 0: root")
    (tools / "queues").write_text("qdisc htb 1: root refcnt 2\n")
    with pytest.raises(Refused, match="lo has a queue of somebody's: htb 1:"):
        fault_of("host-network", host, **keys).prepare()
