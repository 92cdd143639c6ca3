"""The ready-made runbooks, played on the sandbox as they ship: each ends with the verdict that its text claims.

Only the latency limits of the practice API are wider here, since other work may keep this machine busy.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from game_day_process import SCENARIO, GameDayProcess

from runbooks.books import find_book, list_books
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

# What the halt was for, where one is expected.
STOPPED_BY = {"dead-provider": "dependency-down", "locked-table": "lock-contention",
              "no-connections": "pool-exhaustion", "no-slots": "connection-limit",
              "resets": "dependency-down"}  # fmt: skip
HELD = ("cache-down", "flapping", "slow-certificates", "slow-database", "slow-provider")
ELSEWHERE = {"drill", "held", "load"}  # played whole by other tests, and by `make gameday`


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.up(owned=True, deadline_s=40) as box:
        yield box


def played(name: str, folder: Path, sandbox: Sandbox) -> GameDayProcess:
    text = find_book(name).read_text(encoding="utf-8")
    text = text.replace("../scenarios/crowdfund.py", str(SCENARIO)).replace("p95: 200ms", "p95: 2s")
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return GameDayProcess(folder, "run", f"{name}.yaml", "--target", sandbox.target)


@pytest.mark.parametrize("name", HELD)
def test_the_platform_withstands_it(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    game_day = played(name, tmp_path, sandbox)
    assert game_day.end() == 0, game_day.output
    result = game_day.result
    assert (result["expect"], result["verdict"]) == ("held", "held"), game_day.output
    assert result["findings"] == []
    assert not (game_day.folder / "incident.md").exists()
    assert [(f["effective"], f["healed"]) for f in result["faults"]] == [(True, True)]


@pytest.mark.parametrize("name", sorted(STOPPED_BY))
def test_it_stops_by_itself_and_names_the_cause(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    game_day = played(name, tmp_path, sandbox)
    assert game_day.end() == 0, game_day.output
    result = game_day.result
    assert (result["expect"], result["verdict"]) == ("stopped", "stopped"), game_day.output
    assert result["stop"]["source"] == "condition"
    assert [(f["effective"], f["healed"]) for f in result["faults"]] == [(True, True)]
    assert result["findings"][0]["cause"] == STOPPED_BY[name], result["findings"]
    assert result["findings"][0]["explained_by_fault"] == result["faults"][0]["id"]


def test_no_shipped_runbook_is_left_unplayed() -> None:
    assert {book.name for book in list_books()} == {*HELD, *STOPPED_BY, *ELSEWHERE}
