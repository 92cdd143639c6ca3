"""The claim of somebody's own Toxiproxy, against a server made by hand: who was first, who has died, who was last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from harness.errors import ReachFailed, ReachTimeout
from harness.reach.claim import Claim, Pace
from harness.reach.toxiproxy import ToxiproxyRejected
from harness.reach.toxiproxy_claim import NAME, ToxiproxyClaim, delete_if, holder
from harness.reach.toxiproxy_state import ProxyState

PACE = Pace(beat_s=0.01, lease_s=0.1, stale_s=0.05, settle_s=0.01)
OURS, OTHERS = Claim("ours", "ada@a", "now", "1"), Claim("others", "bob@b", "now", "2")


@dataclass
class Api:
    """Keeps one proxy, as the server does; `meanwhile` happens before each call."""

    url: str = "http://127.0.0.1:8474"
    there: ProxyState | None = None
    calls: list[str] = field(default_factory=list)
    meanwhile: Callable[[Api], None] = lambda _: None

    def proxy(self, name: str) -> ProxyState:
        self._called(f"get {name}")
        if self.there is None:
            raise ToxiproxyRejected("not found", status=404, where=self.url)
        return self.there

    def create_proxy(self, name: str, listen: str, upstream: str, *, enabled: bool) -> ProxyState:
        self._called(f"create {name}")
        assert (listen, enabled) == ("127.0.0.1:0", False)
        if self.there is not None:
            raise ReachFailed("not as asked", where=self.url)
        self.there = ProxyState(name, listen, upstream, enabled)
        return self.there

    def set_upstream(self, name: str, upstream: str, *, enabled: bool) -> ProxyState:
        self._called(f"patch {name}")
        assert self.there is not None
        self.there = ProxyState(name, self.there.listen, upstream, enabled)
        return self.there

    def delete_proxy(self, name: str) -> bool:
        self._called(f"delete {name}")
        there, self.there = self.there, None
        return there is not None

    def say(self, claim: Claim, beat: int = 0) -> None:
        self.there = ProxyState(NAME, "127.0.0.1:0", f"{claim.text} beat:{beat}", enabled=False)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        self.meanwhile(self)


def at_once(_: float) -> bool:
    return True


def claim_of(api: Api) -> ToxiproxyClaim:
    return ToxiproxyClaim(api, OURS, PACE)  # type: ignore[arg-type]


def test_it_is_made_renewed_and_taken_away() -> None:
    api = Api()
    claim = claim_of(api)
    assert claim.take(at_once) is None
    assert claim.renew() is None
    assert api.there is not None
    assert api.there.upstream.endswith("beat:1")
    claim.release()
    assert api.there is None


def test_one_that_counts_on_is_somebodys_who_lives() -> None:
    api, beats = Api(), iter(range(1, 10_000))
    api.say(OTHERS)
    api.meanwhile = lambda api: api.say(OTHERS, next(beats))
    assert claim_of(api).take(at_once) == OTHERS
    assert "patch gameday-claim" not in api.calls


def test_one_that_stands_still_is_taken_over() -> None:
    api = Api()
    api.say(OTHERS, 7)
    assert claim_of(api).take(at_once) is None
    assert api.there is not None
    assert OURS.text in api.there.upstream


def test_of_two_that_take_a_dead_ones_claim_over_the_last_has_it() -> None:
    api = Api()
    api.say(Claim("dead"), 7)

    def other_is_later(api: Api) -> None:
        if api.calls[-2:-1] == ["patch gameday-claim"]:
            api.say(OTHERS)

    api.meanwhile = other_is_later
    claim = claim_of(api)
    assert claim.take(at_once) == OTHERS
    claim.release()
    assert api.there is not None, "somebody else's claim is left alone"


def test_one_that_is_gone_is_made_again_and_another_ones_is_told() -> None:
    api = Api()
    claim = claim_of(api)
    assert claim.take(at_once) is None
    api.there = None
    assert claim.renew() is None
    api.say(OTHERS)
    assert claim.renew() == OTHERS
    claim.release()
    assert api.there is not None


def test_a_lost_answer_is_looked_after() -> None:
    api = Api()

    def made_but_unheard(api: Api) -> None:
        if api.calls == ["create gameday-claim"]:
            api.say(OURS)
            raise ReachTimeout("no answer", where=api.url)

    api.meanwhile = made_but_unheard
    assert claim_of(api).take(at_once) is None


def test_looking_takes_nothing_and_deleting_only_ones_own() -> None:
    api = Api()
    assert holder(api, at_once, PACE) is None  # type: ignore[arg-type]
    api.say(OTHERS)
    assert holder(api, at_once, PACE) == (OTHERS, False)  # type: ignore[arg-type]
    assert not delete_if(api, OURS)  # type: ignore[arg-type]
    assert delete_if(api, OTHERS)  # type: ignore[arg-type]
    assert {call.split()[0] for call in api.calls} == {"get", "delete"}


def test_a_server_that_makes_no_sense_is_an_error_and_no_loop() -> None:
    api = Api()

    def comes_and_goes(api: Api) -> None:
        if api.calls[-1].startswith("create"):
            api.say(OTHERS)
        else:
            api.there = None

    api.meanwhile = comes_and_goes
    with pytest.raises(ReachFailed, match="comes and goes"):
        claim_of(api).take(at_once)
