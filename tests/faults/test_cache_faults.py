"""The faults on a cache where no server is needed: their rules, their bounds, their names."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from faults.cache_connections import CacheConnectionsParams, RoomFacts, against, wanted
from faults.cache_pause import CachePauseParams
from faults.cache_room import Bound, Room
from faults.cache_slow import CacheSlowParams, Halting
from faults.cache_undo import in_pieces, marker
from faults.connection_healing import ConnectionsUndo, command
from faults.healing import read_undo
from faults.probe import Sample
from faults.wire import WireBefore

RULE = Halting(mean_ms=40.0, turn_ms=250.0)
BEFORE = WireBefore(median_ms=1.0, noise_ms=1.0)


def samples(*elapsed_ms: float) -> list[Sample]:
    return [Sample(ok=True, elapsed_ms=ms) for ms in elapsed_ms]


def test_commands_that_wait_on_average_prove_a_slow_cache_and_single_ones_do_not() -> None:
    assert RULE.judge(BEFORE, samples(1, 90, 2, 60, 80, 1, 30, 70)).effective
    assert not RULE.judge(BEFORE, samples(1, 1, 2, 90, 1, 1, 2, 1)).effective
    lost = [*samples(1, 90), Sample(ok=False, elapsed_ms=2000, error="no answer")]
    assert not RULE.judge(BEFORE, lost).effective


def test_the_mean_wait_is_that_of_a_command_at_a_random_moment() -> None:
    params = CacheSlowParams.model_validate({"pause": "100ms", "open": "100ms"})
    assert params.mean_ms == pytest.approx(25.0)


@pytest.mark.parametrize(
    ("idle_s", "keepalive_s", "within_s", "known"),
    [(0, 300, 600.0, True), (30, 300, 31.0, True), (0, 0, None, True), (None, None, None, False), (30, 0, 31.0, True)],
)
def test_what_ends_a_vanished_machines_connections(
    idle_s: int | None, keepalive_s: int | None, within_s: float | None, known: bool
) -> None:
    bound = Bound(idle_s, keepalive_s)
    assert (bound.within_s, bound.known) == (within_s, known)


def test_an_idle_limit_is_outlived_by_a_word_in_time() -> None:
    assert Bound(30, 300).renew_s == 10.0
    assert Bound(0, 300).renew_s is None


def test_an_unknown_bound_is_no_refusal_and_a_full_server_is_none_where_its_clients_are_evicted() -> None:
    unknown = RoomFacts(Room(100, 100), Bound(None, None), may_name=True, may_list=True)
    assert against(unknown, CacheConnectionsParams(evict=True)) == ()
    assert wanted(unknown, CacheConnectionsParams(leave=3)) == -3
    [objection] = against(unknown, CacheConnectionsParams())
    assert "nothing to exhaust" in objection.what


@pytest.mark.parametrize(
    ("params", "keys"),
    [
        (CachePauseParams, {"lease": "3s"}),
        (CachePauseParams, {"commands": "read"}),
        (CacheSlowParams, {"pause": "10ms"}),
        (CacheSlowParams, {"open": "1ms"}),
        (CacheConnectionsParams, {"leave": -1}),
    ],
)
def test_what_is_out_of_bounds_is_a_defect(params: type[CachePauseParams], keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        params.model_validate(keys)


def test_a_marker_is_a_name_that_every_list_shows_whole() -> None:
    name = marker("pause", "20250101-000000-a runbook with quite a long name-ab12", "f1")
    assert len(name) <= 63
    assert name.startswith("gameday-pause-20250101")
    assert " " not in name
    assert marker("pause", "r" * 80, "f1") != marker("pause", "r" * 80, "f2")


def test_a_record_is_read_back_and_names_what_to_type() -> None:
    undo = ConnectionsUndo(
        fault_id="f1", cache="main", url=in_pieces("redis://user:${PASSWORD}@h:1/0"), folder="/", marker="m", over_at=""
    )
    assert "".join(undo.url) == "redis://user:${PASSWORD}@h:1/0"
    assert read_undo(undo.model_dump()) == undo
    assert "name=m " in command(undo)
    assert "kill id" in command(undo)
