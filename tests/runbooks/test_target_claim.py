"""The claims of one run, at places made by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faults.claim_healing import Holder, ToxiproxyClaimUndo
from faults.undo import Undo
from faults.undo_log import still_open
from harness.errors import ReachFailed, Refused
from harness.journal.reader import JournalView
from harness.journal.record import Note, Record
from harness.reach.claim import Claim, Pace
from harness.reach.wait import Wait
from runbooks.claim_places import Seen
from runbooks.target import Target
from runbooks.target_claim import TargetClaim, own_claim

TARGET = Target(Path("t.yaml"), "", "shop", "practice", "http://127.0.0.1:1", (), None, {}, {}, {}, {})
PACE = Pace(beat_s=0.01, lease_s=0.05, stale_s=0.05, settle_s=0.01)
OTHER = Claim("other", "bob@b", "2025-01-01T00:00:00Z")


@dataclass
class Place:
    """Is free, or held by `other`, or fails with `error`."""

    name: str
    other: Claim | None = None
    error: ReachFailed | None = None
    log: list[str] = field(default_factory=list)
    on_renew: Callable[[], None] = lambda: None

    def undo(self, claim: Claim) -> Undo:
        return ToxiproxyClaimUndo(fault_id=f"claim at {self.name}", api_url="", api_address="", holder=Holder.of(claim))

    def take(self, claim: Claim, wait: Wait) -> Claim | None:
        self.log.append(f"take {self.name}")
        return self._answer()

    def renew(self) -> Claim | None:
        self.on_renew()
        return self._answer()

    def release(self) -> None:
        self.log.append(f"release {self.name}")

    def seen(self, wait: Wait) -> Seen | None:
        return None

    def _answer(self) -> Claim | None:
        if self.error is not None:
            raise self.error
        return self.other


@dataclass
class Heard:
    records: list[Record] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    is_lost: threading.Event = field(default_factory=threading.Event)

    def record(self, record: Record) -> None:
        self.records.append(record.model_copy(update={"t": float(len(self.records) + 1)}))

    commit = record

    def hear(self, text: str) -> None:
        self.lost.append(text)
        self.is_lost.set()

    @property
    def left_open(self) -> list[str]:
        return [undo.fault_id for undo in still_open(JournalView(tuple(self.records)))]

    @property
    def warnings(self) -> list[str]:
        return [r.text for r in self.records if isinstance(r, Note) and r.level == "warning"]


@contextmanager
def claiming(*places: Place) -> Iterator[tuple[TargetClaim, Heard]]:
    heard = Heard()
    with TargetClaim(TARGET, "r1", heard, heard.hear, pace=PACE, places=places) as claim:
        yield claim, heard


def test_every_place_is_taken_in_order_and_released_and_nothing_is_left_open() -> None:
    log: list[str] = []
    places = Place("a", log=log), Place("b", log=log)
    with claiming(*places) as (claim, heard):
        claim.take()
        assert claim.held == ("a", "b")
        assert heard.left_open == ["claim at a", "claim at b"], "the undo record is there first"
    assert log == ["take a", "take b", "release a", "release b"]
    assert heard.left_open == []


def test_one_place_that_another_holds_refuses_all_and_lets_go_of_the_rest() -> None:
    log: list[str] = []
    with (
        pytest.raises(Refused, match="b of this target is held by run other of bob@b, since 2025") as told,
        claiming(Place("a", log=log), Place("b", OTHER, log=log), Place("c", log=log)) as (claim, heard),
    ):
        claim.take()
    assert (told.value.exit_code, told.value.where) == (14, "shop")
    assert log == ["take a", "take b", "release a"]
    assert heard.left_open == []


def test_a_place_that_can_not_be_asked_is_told_and_left_out() -> None:
    broken = Place("a", error=ReachFailed("no right", where="127.0.0.1:1", mend="ACL SETUSER"))
    with claiming(broken, Place("b")) as (claim, heard):
        claim.take()
        assert claim.held == ("b",)
    assert heard.warnings == ["a holds no claim of ours: 127.0.0.1:1: no right (ACL SETUSER)"]
    assert heard.left_open == []


def test_what_can_not_be_renewed_is_told_once_and_is_no_reason_to_stop() -> None:
    place, often = Place("a"), threading.Event()
    renewals: list[int] = []

    def count() -> None:
        renewals.append(1)
        if len(renewals) > 20:
            often.set()

    place.on_renew = count
    with claiming(place) as (claim, heard):
        claim.take()
        place.error = ReachFailed("held by a fault")
        assert often.wait(10)
        assert claim.held == ("a",)
    assert len(heard.warnings) == 1
    assert "may have run out" in heard.warnings[0]
    assert heard.lost == []


def test_another_run_that_holds_a_place_of_ours_is_told_at_once() -> None:
    place = Place("a")
    with claiming(place) as (claim, heard):
        claim.take()
        place.other = OTHER
        assert heard.is_lost.wait(10)
    assert heard.lost == ["another game day holds the target too: a is held by run other of bob@b, since "
                          "2025-01-01T00:00:00Z"]  # fmt: skip
    assert "release a" not in place.log, "it is somebody else's by now"


def test_a_release_meanwhile_ends_the_taking() -> None:
    places = Place("a"), Place("b")
    with claiming(*places) as (claim, _):
        claim.release()
        claim.take()
        assert claim.held == ()


def test_a_claim_says_who_and_since_when() -> None:
    claim = own_claim("r1")
    assert claim.run == "r1"
    assert "@" in claim.by
    assert claim.since.endswith("Z")
    assert own_claim("r1").token != claim.token
