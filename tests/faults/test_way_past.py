"""Who goes past the proxy, by the addresses that the server sees and those that Toxiproxy has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faults.way_past import Seat, judge

VIA, HERE = "127.0.0.1", "10.0.0.9"
APP = [Seat("role app", VIA, port) for port in (40001, 40002, 40003)]
PROBE = Seat("role watcher", VIA, 50001, ours=True)
DIRECT = [Seat("role app", HERE, port) for port in (41001, 41002)]
ELSEWHERE = [replace(seat, elsewhere=True) for seat in APP]
UNSEEN = Seat("role app", "", 0)
NONE = "no connection of the platform runs through the proxy pg: 2 of role app from 10.0.0.9 go past it"


def ends(*seats: Seat) -> frozenset[tuple[str, int]]:
    return frozenset(seat.end for seat in seats)


@pytest.mark.parametrize(
    ("seats", "toxiproxys", "said"),
    [
        (APP, ends(*APP), ""),
        ([*APP, PROBE], ends(*APP, PROBE), ""),
        ([], ends(), ""),
        ([PROBE], ends(PROBE), ""),
        ([UNSEEN], ends(), ""),
        (DIRECT, ends(), NONE),
        ([*DIRECT, PROBE], ends(PROBE), NONE),
        ([*APP, *DIRECT], ends(*APP),
         "only 3 of 5 sessions run through the proxy pg: 2 of role app from 10.0.0.9 go past it"),
        ([Seat("role app", "", -1)], ends(),
         "no connection of the platform runs through the proxy pg: 1 of role app from a Unix socket go past it"),
        # Toxiproxy carries sessions of another database of that server, and none of this one
        ([*DIRECT, *ELSEWHERE], ends(*ELSEWHERE), NONE),
        # two databases go through the proxy: what is elsewhere for one of them is the other's
        ([*DIRECT, *ELSEWHERE, *APP], ends(*APP),
         "only 3 of 5 sessions run through the proxy pg: 2 of role app from 10.0.0.9 go past it"),
        # the server sees other addresses than Toxiproxy has: translated on the way, nothing can be said
        (DIRECT, ends(*APP), ""),
    ],
)  # fmt: skip
def test_toxiproxy_on_this_machine_tells_each_session(seats, toxiproxys, said) -> None:
    assert judge("pg", seats, toxiproxys) == said


@pytest.mark.parametrize(
    ("seats", "at", "said"),
    [
        (DIRECT, "10.0.0.5", NONE),
        (DIRECT, "10.0.0.9", ""),
        ([*APP, *DIRECT], "127.0.0.1", ""),
        (DIRECT, "", ""),
    ],
)  # fmt: skip
def test_toxiproxy_on_another_machine_is_known_by_its_address(seats, at, said) -> None:
    assert judge("pg", seats, None, toxiproxy_at=at) == said
