"""Which containers are meant, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping

from harness.clock import Deadline
from harness.reach.container_facts import ListedContainer
from harness.reach.container_roster import ContainerChoice, ContainerRoster, chosen_of


class FakeDoor:
    """Lists what a test puts there."""

    def __init__(self, *listed: ListedContainer) -> None:
        self.listed = listed

    def list(self, deadline: Deadline, labels: Mapping[str, str] | None = None) -> tuple[ListedContainer, ...]:
        return self.listed


def container(name: str, service: str = "", *, one_off: bool = False) -> ListedContainer:
    return ListedContainer(f"id-{name}", name, service, one_off, "running")


def shorts(roster: ContainerRoster) -> dict[str, str]:
    return {member.listed.name: member.short for member in roster.look(Deadline.after(1))}


def test_a_service_lends_its_name_where_it_is_alone() -> None:
    door = FakeDoor(container("shop-api-1", "api"), container("shop-worker-1", "worker"),
                    container("shop-worker-2", "worker"), container("mail"))  # fmt: skip

    assert shorts(ContainerRoster(ContainerChoice(), door)) == {  # type: ignore[arg-type]
        "shop-api-1": "api",
        "shop-worker-1": "shop-worker-1",
        "shop-worker-2": "shop-worker-2",
        "mail": "mail",
    }


def test_a_name_stays_when_others_come_and_go() -> None:
    door = FakeDoor(container("shop-api-1", "api"))
    roster = ContainerRoster(ContainerChoice(), door)  # type: ignore[arg-type]
    shorts(roster)

    door.listed = (container("shop-api-1", "api"), container("shop-api-2", "api"))
    assert shorts(roster) == {"shop-api-1": "api", "shop-api-2": "shop-api-2"}
    door.listed = (container("shop-api-2", "api"),)
    assert shorts(roster) == {"shop-api-2": "shop-api-2"}
    assert set(roster.sources) == {"container.api", "container.shop-api-2"}


def test_what_compose_runs_once_or_has_not_named_yet_is_left_out_unless_it_is_named() -> None:
    once = container("shop-api-run-1", "api", one_off=True)
    provisional = container("0123456789ab_shop-api-1", "api")
    api = container("shop-api-1", "api")

    assert chosen_of([once, provisional, api], ()) == (api,)
    assert chosen_of([once, provisional, api], ("api",)) == (api,)
    assert chosen_of([once, provisional, api], ("shop-api-run-1",)) == (once,)
