"""Flap: switched on a schedule, and never again once it is healed, whatever was in flight."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from faults import healing
from faults.catalog import build
from faults.fault import FaultGone, FaultPlan
from faults.toxics.flap import FlapFault, FlapParams
from faults.undo import EnabledUndo
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed
from harness.reach.allow_list import AllowList

PERIOD_S = 0.5


def flap(wire: Any, period: str = "500ms") -> FlapFault:
    params = FlapParams.model_validate({"period": period})
    fault = build(FaultPlan("f1", "flapping", "flap", "pg", params, 0.0, 10.0), wire, "r")
    assert isinstance(fault, FlapFault)
    fault.prepare()
    return fault


def wait_for(happened: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline, pause = Deadline.after(within_s), threading.Event()
    while not happened():
        assert not deadline.passed, "it did not happen in time"
        pause.wait(0.005)


def stays_open(toxiproxy: Any, for_s: float = 3 * PERIOD_S) -> bool:
    """No switch comes any more, and the last one opened."""
    before = list(toxiproxy.switches)
    threading.Event().wait(for_s)
    return bool(toxiproxy.switches == before and before[-1] and toxiproxy.proxies["pg"]["enabled"])


def test_it_begins_closed_and_then_takes_turns(toxiproxy: Any, wire: Any) -> None:
    fault = flap(wire)
    begun = boot_s()
    fault.inject()
    assert toxiproxy.proxies["pg"]["enabled"] is False
    wait_for(lambda: len(toxiproxy.switches) >= 6)
    assert boot_s() - begun >= 2.5 * PERIOD_S * 0.9
    assert fault.heal(Deadline.after(3)).rung == "enable"
    assert toxiproxy.switches[:6] == [False, True] * 3
    assert stays_open(toxiproxy)
    fault.close()
    assert not fault._thread.is_alive()


def test_a_heal_while_it_is_closing_waits_for_that_and_opens_for_good(toxiproxy: Any, wire: Any) -> None:
    fault = flap(wire)
    fault.inject()
    wait_for(lambda: len(toxiproxy.switches) == 2)
    # the next switch closes the proxy, and its answer never comes
    closing = threading.Event()

    def hangs(call: str) -> bool:
        hung = call.startswith("PATCH") and not closing.is_set()
        if hung:
            closing.set()
        return hung

    toxiproxy.hangs = hangs
    assert closing.wait(5)
    begun = boot_s()
    fault.heal(Deadline.after(5))
    assert boot_s() - begun < 4
    assert stays_open(toxiproxy)


def test_many_heals_at_any_moment_leave_it_open(toxiproxy: Any, wire: Any) -> None:
    fault = flap(wire)
    fault.inject()
    wait_for(lambda: len(toxiproxy.switches) >= 3)
    threads = [threading.Thread(target=fault.heal, args=(Deadline.after(5),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert stays_open(toxiproxy)


def test_a_heal_before_the_flapping_began_lets_it_never_begin(toxiproxy: Any, wire: Any) -> None:
    fault = flap(wire)
    fault.heal(Deadline.after(3))
    fault.inject()
    assert stays_open(toxiproxy)


def test_its_undo_record_alone_opens_it(toxiproxy: Any, wire: Any) -> None:
    fault = build(FaultPlan("f1", "x", "flap", "pg", FlapParams.model_validate({"period": "1s"}), 0, 9), wire, "r")
    undo = fault.prepare()
    assert isinstance(undo, EnabledUndo)
    toxiproxy.proxies["pg"]["enabled"] = False  # as a killed conductor leaves it in the down half
    for _ in range(2):
        assert healing.heal(undo, deadline=Deadline.after(3), allow=AllowList(["127.0.0.0/8"])).rung == "enable"
    assert toxiproxy.proxies["pg"]["enabled"] is True


def test_a_failed_first_switch_is_an_injection_that_failed(toxiproxy: Any, wire: Any) -> None:
    fault = flap(wire)
    toxiproxy.proxies.clear()
    with pytest.raises(ReachFailed):
        fault.inject()
    fault.heal(Deadline.after(3))
    assert not fault._thread.is_alive()


def test_it_is_present_in_both_halves_and_not_when_somebody_interferes(toxiproxy: Any, wire: Any) -> None:
    fault = flap(wire, "4s")
    fault.inject()
    assert fault.present()
    toxiproxy.proxies["pg"]["enabled"] = True
    assert not fault.present()
    toxiproxy.proxies["pg"]["enabled"] = False
    wait_for(lambda: len(toxiproxy.switches) == 2)
    assert fault.present()
    fault.heal(Deadline.after(3))
    wait_for(lambda: not fault._thread.is_alive())
    assert not fault.present()


def test_a_proxy_that_is_gone_is_no_fault_that_is_there(toxiproxy: Any, wire: Any) -> None:
    fault = flap(wire)
    fault.inject()
    toxiproxy.proxies.clear()
    with pytest.raises(FaultGone, match="the proxy pg is not there any more"):
        fault.present()
    fault._over.set()


@pytest.mark.parametrize(
    ("params", "down_s"),
    [({"period": "2s"}, 1.0), ({"period": "2s", "down": "25%"}, 0.5), ({"period": "2s", "down_for": "1500ms"}, 1.5)],
)
def test_the_down_part_is_a_share_or_a_time_and_half_of_it_by_itself(params: Any, down_s: float) -> None:
    read = FlapParams.model_validate(params)
    assert (read.down_s, read.shortest_s) == (down_s, 4.0)
