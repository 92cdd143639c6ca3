"""The healer's own parts; that it outlives a killed conductor is shown with the real server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faults import healer as healer_module
from faults import proxy_healing
from faults.healer import Healer, wait_for_the_end
from faults.undo import ToxicUndo
from harness.clock import Clock, Deadline
from harness.journal import reader
from harness.journal.record import FaultHealed, HealFailed, UndoWritten
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList


@pytest.mark.parametrize(
    ("said", "orderly"), [([b"done\n"], True), ([b"do", b"ne\n"], True), ([], False), ([b"hello\n"], False)]
)
def test_only_the_word_is_an_orderly_end(said: list[bytes], orderly: bool) -> None:
    read, write = os.pipe()
    for part in said:
        os.write(write, part)
    os.close(write)
    assert wait_for_the_end(read) is orderly
    os.close(read)


@pytest.fixture
def journals(tmp_path: Path) -> Iterator[tuple[Journal, Journal]]:
    clock = Clock.start()
    folder = tmp_path / "journal"
    with Journal(folder, "conductor", clock) as conductors, Journal(folder, "healer", clock) as healers:
        yield conductors, healers


@pytest.fixture
def left_open(toxiproxy: Any, journals: tuple[Journal, Journal]) -> Callable[[str], None]:
    def leave(toxic: str, proxy: str = "pg") -> None:
        if proxy in toxiproxy.proxies:
            toxiproxy.proxies[proxy]["toxics"].append(
                {"name": toxic, "type": "latency", "stream": "upstream", "toxicity": 1, "attributes": {}}
            )
        undo = ToxicUndo(
            fault_id=toxic,
            api_url=toxiproxy.url,
            proxy=proxy,
            listen="127.0.0.1:15432",
            upstream="127.0.0.1:5432",
            enabled=True,
            toxic=toxic,
        )
        journals[0].commit(UndoWritten(fault_id=toxic, undo=undo.model_dump(mode="json")))

    return leave


def heal_all(tmp_path: Path, journals: tuple[Journal, Journal], patience_s: float) -> bool:
    healer = Healer(tmp_path, journals[1], journals[1].clock, AllowList(["127.0.0.0/8"]))
    done = healer.heal_all(Deadline.after(patience_s))
    assert journals[1].flush()
    return done


def test_everything_pending_is_healed_and_written(
    toxiproxy: Any, left_open: Any, journals: tuple[Journal, Journal], tmp_path: Path
) -> None:
    left_open("a")
    left_open("b")
    assert heal_all(tmp_path, journals, 5)
    assert toxiproxy.toxics() == []
    assert sorted(h.fault_id for h in reader.read(tmp_path).of(FaultHealed)) == ["a", "b"]


def test_a_call_that_lands_after_the_conductors_death_is_healed_too(
    toxiproxy: Any, left_open: Any, journals: tuple[Journal, Journal], tmp_path: Path
) -> None:
    left_open("late")
    late = toxiproxy.proxies["pg"]["toxics"].pop()
    handle = toxiproxy.handle

    def land(verb: str, parts: list[str], body: dict[str, Any]) -> tuple[int, object]:
        answer = handle(verb, parts, body)
        if verb == "GET" and toxiproxy.calls.count("DELETE /proxies/pg/toxics/late") == 1:
            toxiproxy.proxies["pg"]["toxics"].append(late)  # after the first healing has seen that it isn't there
            toxiproxy.handle = handle
            return 200, {**toxiproxy.proxies["pg"], "toxics": []}
        return answer

    toxiproxy.handle = land
    assert heal_all(tmp_path, journals, 5)
    assert toxiproxy.toxics() == []


def test_one_that_fails_does_not_stop_the_others_and_is_tried_again(
    toxiproxy: Any, left_open: Any, journals: tuple[Journal, Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_healing, "CALL_S", 0.1)
    monkeypatch.setattr(healer_module, "_AGAIN_S", 0.05)
    left_open("good")
    toxiproxy.add("dead")
    left_open("bad", "dead")
    toxiproxy.hangs = lambda call: "dead" in call or call == "POST /proxies"
    assert heal_all(tmp_path, journals, 0.8) is False
    journal = reader.read(tmp_path)
    assert [h.fault_id for h in journal.of(FaultHealed)] == ["good"]
    (failed,) = journal.of(HealFailed)  # once, however often it was tried
    assert failed.command.startswith("curl -X DELETE")
    toxiproxy.hangs = lambda _: False
    assert heal_all(tmp_path, journals, 5)
    assert toxiproxy.toxics("dead") == []


def test_nothing_pending_is_nothing_to_do(tmp_path: Path, journals: tuple[Journal, Journal]) -> None:
    assert heal_all(tmp_path, journals, 1)
