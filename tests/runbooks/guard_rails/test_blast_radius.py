"""The blast radius: what a timeline hits at the same time, against what the target states."""

from __future__ import annotations

import pytest

from harness.reach.container_roster import ContainerChoice
from runbooks.bounds import BlastRadius
from runbooks.guard_rails.blast_radius import WithinBlastRadius
from runbooks.guard_rails.rail import Objection, Passed

NAMED = ContainerChoice(("api-1", "api-2", "db", "cache"), {}, "")
LABELLED = ContainerChoice((), {"app": "shop"}, "")


@pytest.fixture
def objection(moment):
    """What speaks against these faults within these limits; "" when nothing does."""

    def look(*faults, containers=None, **limits) -> str:
        said = WithinBlastRadius().look(moment(*faults, blast_radius=BlastRadius(**limits), containers=containers))
        return said.what if isinstance(said, Objection) else ""

    return look


def test_without_a_blast_radius_any_runbook_passes(moment, fault) -> None:
    assert isinstance(WithinBlastRadius().look(moment(*(fault(place=str(n)) for n in range(9)))), Passed)


def test_faults_count_while_they_overlap_and_not_when_one_follows_the_other(objection, fault) -> None:
    one_after_another = (fault(at=0, for_=10), fault(at=10, for_=10))
    assert objection(*one_after_another, faults_at_once=1) == ""
    together = (fault(at=0, for_=10), fault(at=9, for_=10), fault(at=18.5, for_=1))
    assert objection(*together, faults_at_once=2) == ""
    assert objection(*together, faults_at_once=1) == "2 faults at once (fault 3, fault 4), and 1 may be hit"


def test_places_count_once_however_many_faults_sit_on_them(objection, fault) -> None:
    assert objection(fault(place="postgres"), fault(place="postgres"), proxies=1) == ""
    assert "2 proxies at once" in objection(fault(place="postgres"), fault(place="redis"), proxies=1)
    assert objection(fault(place="postgres"), fault("host", "app-1"), fault("host", "app-1", at=20), hosts=1) == ""
    assert "2 hosts at once" in objection(fault("host", "app-1"), fault("host", "app-2"), hosts=1)
    assert "2 databases" in objection(fault("database", "a"), fault("database", "b"), databases=1)
    assert "2 caches" in objection(fault("cache", "a"), fault("cache", "b"), caches=1)


def test_one_fault_may_not_last_too_long(objection, fault) -> None:
    assert objection(fault(for_=30), longest_s=30) == ""
    assert "lasts 30.5 s" in objection(fault(for_=30.5), longest_s=30)


def test_a_number_of_containers(moment, fault) -> None:
    def look(*faults, choice=LABELLED) -> str:
        said = WithinBlastRadius().look(moment(*faults, blast_radius=BlastRadius(containers=2), containers=choice))
        return said.what if isinstance(said, Objection) else ""

    assert look(fault("container", "api-*", count=2)) == ""
    assert look(fault("container", "api-1"), fault("container", "db")) == ""
    assert "3 containers at once" in look(fault("container", "api-*", count=2), fault("container", "db"))
    assert "write count:" in look(fault("container", "api-*", share=0.5), choice=NAMED)


def test_a_share_of_containers(objection, fault) -> None:
    assert objection(fault("container", "*", share=0.5), containers=LABELLED, containers_share=0.5) == ""
    over = objection(fault("container", "a*", share=0.3), fault("container", "b*", share=0.3), containers=LABELLED,
                     containers_share=0.5)  # fmt: skip
    assert "60% of the containers at once" in over
    assert objection(fault("container", "*", count=2), containers=NAMED, containers_share=0.5) == ""
    assert "75% of the containers" in objection(
        fault("container", "*", count=3), containers=NAMED, containers_share=0.5
    )
    assert "write share:" in objection(fault("container", "*", count=1), containers=LABELLED, containers_share=0.5)


def test_sessions_add_up_and_a_fault_that_takes_them_all_is_beyond_any_number(objection, fault) -> None:
    two = (fault("database", "main", sessions=5), fault("database", "main", sessions=6))
    assert objection(*two, sessions=11) == ""
    assert "11 sessions at once" in objection(*two, sessions=10)
    assert "takes every session but a few" in objection(fault("database", "main", leave=3), sessions=1000)


def test_every_excess_is_told_at_once(objection, fault) -> None:
    said = objection(fault("host", "a", for_=99), fault("host", "b"), hosts=1, faults_at_once=1, longest_s=50)
    assert said.count(";") == 2
