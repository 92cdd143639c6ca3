"""What preflight says of faults on containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.catalog import KINDS
from faults.fault import FaultPlan
from harness.errors import GamedayError, NotAllowed, ReachFailed, Refused
from harness.reach.container_roster import ContainerChoice
from runbooks.preflight import Check, Options
from runbooks.preflight.doors import ContainerHits
from runbooks.preflight.hits_check import check_hits
from runbooks.preflight.scene import Scene
from runbooks.runbook import LoadPlan, Phases, Runbook
from runbooks.target import Target

RUNBOOK = Runbook(
    path=Path("b.yaml"), text="", title="t", hypothesis="h", expect="held", load=LoadPlan(Path("l.py")),
    phases=Phases(1, 1, 1), recover_within_s=1, service_levels=(), faults=(), stop_when=(), collect=(),
    rollback=(), slack_channel="",
)  # fmt: skip
TARGET = Target(
    path=Path("t.yaml"), text="", name="t", environment="practice", base_url="http://127.0.0.1", allow=("127.0.0.1",),
    toxiproxy=None, proxies={}, databases={}, caches={}, hosts={}, containers=ContainerChoice(labels={"a": "b"}),
)  # fmt: skip
PLAN = FaultPlan("f1", "hangs", "container-pause", "web-*", KINDS["container-pause"].params(), 0, 9, "container")


class FakeWorld:
    """An engine of which one thing is asked."""

    def __init__(self, answer: ContainerHits | GamedayError) -> None:
        self.answer = answer

    def hits(self, fault: FaultPlan) -> ContainerHits:
        assert fault is PLAN
        if isinstance(self.answer, GamedayError):
            raise self.answer
        return self.answer


def look(answer: ContainerHits | GamedayError) -> list[Check]:
    return check_hits(Scene(RUNBOOK, TARGET, Options(), FakeWorld(answer)), PLAN)  # type: ignore[arg-type]


def test_who_would_be_hit_is_named_and_who_is_left_out_is_a_warning() -> None:
    hit, left_out = look(ContainerHits(("web-1", "web-2"), 3, ("web-4 (it is exited)",)))

    assert (hit.ok, hit.detail) == (True, "hits web-1, web-2 of 3 that match")
    assert (left_out.ok, left_out.detail) == (None, "leaves out web-4 (it is exited)")


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (Refused("8 containers are called web-*", mend="say how many may be hit: count: 1, or share: 50%"), True),
        (NotAllowed("the address is outside", where="10.0.0.1:2375"), True),
        (ReachFailed("no container of the target is called web-*", where="unix:///x"), False),
    ],
)
def test_what_is_too_broad_is_refused_and_what_is_not_there_is_a_defect(error: GamedayError, refusal: bool) -> None:
    [check] = look(error)

    assert (check.ok, check.refusal) == (False, refusal)
    assert error.what in check.detail
