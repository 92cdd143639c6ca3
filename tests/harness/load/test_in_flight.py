from dataclasses import dataclass, field
from typing import Any

from harness.load.in_flight import HandFired, InFlight


@dataclass
class User:
    _state: str = "running"


@dataclass
class Greenlet:
    user: User = field(default_factory=User)

    @property
    def args(self) -> tuple[Any, ...]:
        return (self.user,)


class Ended:
    args = ()


def test_requests_are_in_flight_until_they_leave() -> None:
    requests = InFlight()
    first, _ = requests.enter(1.0), requests.enter(2.0)
    assert requests.since() == [1.0, 2.0]
    requests.leave(first)
    requests.leave(first)
    assert requests.since() == [2.0]


def test_a_user_that_fires_by_hand_is_in_flight_while_in_its_task() -> None:
    fired, user = HandFired(), Greenlet()
    fired.fired(user, 5.0)
    assert fired.since([user], 5.25) == [5.25]
    assert fired.since([user], 6.0) == [5.25]
    fired.fired(user, 6.1)
    assert fired.since([user], 6.25) == [6.1]
    user.user._state = "waiting"
    assert fired.since([user], 6.5) == []
    user.user._state = "running"
    assert fired.since([user], 7.0) == [7.0]


def test_users_who_never_fired_or_are_followed_exactly_or_have_ended_do_not_count() -> None:
    fired, sleeper, exact, gone, ended = HandFired(), Greenlet(), Greenlet(), Greenlet(), Ended()
    fired.entered(exact)
    for greenlet in (exact, gone, ended):
        fired.fired(greenlet, 1.0)
    assert fired.since([sleeper, exact, ended], 2.0) == []


def test_the_memory_of_greenlets_that_ended_is_bounded() -> None:
    fired = HandFired()
    greenlets = [Greenlet() for _ in range(500)]
    for greenlet in greenlets:
        fired.entered(greenlet)
    fired.since(greenlets[:3], 1.0)
    assert len(fired._exact) == 3
