"""The recovery ladder, rung by rung, from an undo record alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from faults import healing, proxy_healing
from faults.undo import EnabledUndo, ToxicUndo
from harness.clock import Deadline, boot_s
from harness.errors import NotHealed
from harness.reach.allow_list import AllowList

LOOPBACK = AllowList(["127.0.0.0/8"])


def toxic_undo(server: Any, **more: Any) -> ToxicUndo:
    fields = {"api_url": server.url, "proxy": "pg", "listen": "127.0.0.1:15432", "upstream": "127.0.0.1:5432"}
    return ToxicUndo(**{"fault_id": "f1", "enabled": True, "toxic": "gd-r-f1", **fields, **more})


def enabled_undo(server: Any, **more: Any) -> EnabledUndo:
    fields = {"api_url": server.url, "proxy": "pg", "listen": "127.0.0.1:15432", "upstream": "127.0.0.1:5432"}
    return EnabledUndo(**{"fault_id": "f1", "enabled": True, **fields, **more})


def heal(undo: Any) -> Any:
    begun = boot_s()
    try:
        return healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK)
    finally:
        assert boot_s() - begun < 5


@pytest.fixture(autouse=True)
def quick_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_healing, "CALL_S", 0.2)


def put_toxics(server: Any, *names: str) -> None:
    server.proxies["pg"]["toxics"] = [
        {"name": name, "type": "latency", "stream": "upstream", "toxicity": 1, "attributes": {}} for name in names
    ]


def test_only_our_toxic_goes(toxiproxy: Any) -> None:
    put_toxics(toxiproxy, "theirs", "gd-r-f1")
    assert heal(toxic_undo(toxiproxy)).rung == "delete"
    assert toxiproxy.toxics() == ["theirs"]


def test_healing_twice_is_as_good_as_once(toxiproxy: Any) -> None:
    put_toxics(toxiproxy, "gd-r-f1")
    once, again = (heal(toxic_undo(toxiproxy)) for _ in range(2))
    assert (once.rung, once.note) == ("delete", "")
    assert (again.rung, again.note) == ("absent", "it was gone already")


def test_what_is_left_is_said_in_words(toxiproxy: Any) -> None:
    assert healing.what_is(toxic_undo(toxiproxy)) == "toxic on proxy pg"
    assert healing.what_is(enabled_undo(toxiproxy)) == "proxy pg closed"
    assert healing.what_is(enabled_undo(toxiproxy, enabled=False)) == "proxy pg opened"


def test_a_closed_proxy_is_opened_and_one_found_closed_is_closed(toxiproxy: Any) -> None:
    toxiproxy.proxies["pg"]["enabled"] = False
    assert heal(enabled_undo(toxiproxy)).rung == "enable"
    assert toxiproxy.proxies["pg"]["enabled"] is True
    heal(enabled_undo(toxiproxy, enabled=False))
    assert toxiproxy.proxies["pg"]["enabled"] is False


@pytest.mark.parametrize("undo_of", [toxic_undo, enabled_undo])
def test_a_proxy_that_is_gone_is_said(toxiproxy: Any, undo_of: Any) -> None:
    del toxiproxy.proxies["pg"]
    healed = heal(undo_of(toxiproxy))
    assert healed.rung == "gone"
    assert "not there any more" in healed.note


def test_a_wedged_proxy_of_somebodys_is_replaced_and_said(toxiproxy: Any) -> None:
    put_toxics(toxiproxy, "gd-r-f1")
    toxiproxy.hangs = lambda call: "/proxies/pg" in call
    healed = heal(toxic_undo(toxiproxy))
    assert healed.rung == "replace"
    assert "pg-gameday took its place on 127.0.0.1:15432" in healed.note
    replacement = toxiproxy.proxies["pg-gameday"]
    assert (replacement["listen"], replacement["upstream"]) == ("127.0.0.1:15432", "127.0.0.1:5432")
    # the wedged one is never deleted, and nothing that needs its lock is asked: that would hang the whole server
    assert "DELETE /proxies/pg" not in toxiproxy.calls
    assert not {"GET /proxies", "POST /reset"} & set(toxiproxy.calls)


def test_a_second_fault_on_the_wedged_proxy_finds_the_replacement(toxiproxy: Any) -> None:
    toxiproxy.hangs = lambda call: "/proxies/pg" in call and "gameday" not in call
    rungs = [heal(toxic_undo(toxiproxy, toxic=name)).rung for name in ("gd-r-f1", "gd-r-f2")]
    assert rungs == ["replace", "replace"]


def test_a_server_that_gives_up_by_itself_is_climbed_past(toxiproxy: Any) -> None:
    toxiproxy.gives_up = lambda call: call.startswith("DELETE")
    assert heal(toxic_undo(toxiproxy)).rung == "replace"


def test_a_wedged_proxy_found_closed_stays_closed(toxiproxy: Any) -> None:
    toxiproxy.hangs = lambda call: call.startswith("DELETE")
    assert heal(toxic_undo(toxiproxy, enabled=False)).rung == "disable"
    assert toxiproxy.proxies["pg"]["enabled"] is False
    assert list(toxiproxy.proxies) == ["pg"]


def test_a_server_that_answers_nothing_is_not_healed_and_says_what_to_type(toxiproxy: Any) -> None:
    toxiproxy.hangs = lambda _: True
    with pytest.raises(NotHealed) as failure:
        heal(toxic_undo(toxiproxy))
    assert failure.value.mend == f"curl -X DELETE {toxiproxy.url}/proxies/pg/toxics/gd-r-f1"
    assert "the whole server is frozen or cut off; wake or restart it, then: gameday heal" in failure.value.what


def test_nothing_is_asked_of_a_frozen_server_that_it_would_do_unexpectedly_when_it_wakes(toxiproxy: Any) -> None:
    toxiproxy.hangs = lambda _: True
    with pytest.raises(NotHealed):
        heal(toxic_undo(toxiproxy))
    assert toxiproxy.calls == ["DELETE /proxies/pg/toxics/gd-r-f1", "GET /version"]


def test_a_refused_enable_says_what_to_type(toxiproxy: Any) -> None:
    toxiproxy.gives_up = lambda _: False
    toxiproxy.handle = lambda *_: (500, {"error": "listen tcp: bind: address already in use", "status": 500})
    with pytest.raises(NotHealed, match="address already in use") as failure:
        heal(enabled_undo(toxiproxy))
    assert failure.value.mend == f"curl -X POST -d '{{\"enabled\":true}}' {toxiproxy.url}/proxies/pg"


def test_an_address_no_longer_allowed_is_not_touched(toxiproxy: Any) -> None:
    with pytest.raises(NotHealed, match="allow list"):
        healing.heal(toxic_undo(toxiproxy), deadline=Deadline.after(5), allow=AllowList(["10.0.0.0/8"]))
    assert toxiproxy.calls == []


def test_a_managed_folder_without_a_server_is_climbed_as_somebodys_own(toxiproxy: Any, tmp_path: Any) -> None:
    toxiproxy.hangs = lambda call: call.startswith("DELETE")
    assert heal(toxic_undo(toxiproxy, managed_folder=str(tmp_path))).rung == "replace"


def test_healing_that_breaks_in_an_unforeseen_way_is_not_healed_and_says_what_to_type(
    toxiproxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("State")

    monkeypatch.setattr(healing, "DOORS", {**healing.DOORS, "toxic": replace(healing.DOORS["toxic"], heal=broken)})
    with pytest.raises(NotHealed, match=r"f1 could not be taken off.*State") as caught:
        heal(toxic_undo(toxiproxy))
    assert caught.value.mend.startswith("curl -X DELETE")
