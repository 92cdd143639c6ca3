"""A container beside what it was: every part that a fault may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from faults.containers.found import FoundContainer


def networks(attributes: Any) -> Any:
    return attributes["NetworkSettings"]["Networks"]


CHANGES: list[tuple[Callable[[Any], Any], str]] = [
    (lambda a: a["State"].update(Status="paused"), "web is paused, it was running"),
    (lambda a: a["HostConfig"].update(RestartPolicy={"Name": "no"}), "restart policy is no, it was always"),
    (lambda a: a["HostConfig"].update(RestartPolicy={"Name": "always", "MaximumRetryCount": 3}), "restart policy"),
    (lambda a: a["HostConfig"].update(NanoCpus=500_000_000), "web has 0.5 CPUs, it had no limit on CPU"),
    (lambda a: a["HostConfig"].update(CpuQuota=20_000), "web has 0.2 CPUs"),
    (lambda a: a["HostConfig"].update(Memory=64 << 20), "web has a memory limit of 64 MiB, it had no limit on memory"),
    (lambda a: a["HostConfig"].update(MemorySwap=-1), "no limit on memory"),
    (lambda a: networks(a).pop("shop"), "web is not in the network shop"),
    (lambda a: networks(a)["shop"].update(Aliases=["other"]), "web's aliases or fixed addresses in shop"),
    (lambda a: networks(a)["back"].update(IPAMConfig=None), "web's aliases or fixed addresses in back"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_every_part_that_is_not_as_it_was_is_said(engine: Any, change: Callable[[Any], Any], words: str) -> None:
    attributes = engine.add("web")
    found = FoundContainer.of(attributes)
    change(attributes)

    [said] = found.differences(FoundContainer.of(attributes))

    assert words in said


def test_what_another_fault_may_change_is_left_out(engine: Any) -> None:
    attributes = engine.add("web")
    found = FoundContainer.of(attributes)
    attributes["HostConfig"].update(NanoCpus=500_000_000)

    assert found.differences(FoundContainer.of(attributes), ("cpu",)) == ()


def test_no_quota_is_written_in_two_ways_and_means_the_same(engine: Any) -> None:
    attributes = engine.add("web")
    found = FoundContainer.of(attributes)
    attributes["HostConfig"].update(CpuQuota=-1)
    attributes["State"].update(StartedAt="2026-11-22T16:00:00Z")

    assert found.differences(FoundContainer.of(attributes)) == ()


def test_addresses_and_ports_of_the_engine_s_choice_may_move_and_are_told(engine: Any) -> None:
    attributes = engine.add("web")
    attributes["NetworkSettings"]["Ports"] = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32768"}], "81/tcp": None}
    found = FoundContainer.of(attributes)
    networks(attributes)["shop"].update(IPAddress="172.18.0.9")
    attributes["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] = "32770"
    now = FoundContainer.of(attributes)

    assert found.differences(now) == ()
    assert found.moved(now) == (
        "web's address in shop is 172.18.0.9 now, it was 172.18.0.1",
        "web's 80/tcp is published at 127.0.0.1:32770 now, it was at 127.0.0.1:32768",
    )


def test_an_endpoint_is_made_again_with_its_own_settings_and_without_what_the_engine_adds(engine: Any) -> None:
    attributes = engine.add("web")
    networks(attributes)["back"] |= {"Links": ["db:database"], "DriverOpts": {"a": "b"}, "GwPriority": 1}

    back, shop = FoundContainer.of(attributes).networks

    assert shop.settings == {"Aliases": ["web"]}
    assert back.settings == {
        "IPAMConfig": {"IPv4Address": "172.19.0.1"},
        "Links": ["db:database"],
        "DriverOpts": {"a": "b"},
        "GwPriority": 1,
    }


def test_a_container_comes_back_whole_out_of_the_journal(engine: Any) -> None:
    found = FoundContainer.of(engine.add("web", NanoCpus=5, Memory=7), "api")

    assert FoundContainer.model_validate_json(found.model_dump_json()) == found
    assert (found.short, found.name, found.ref) == ("api", "web", "1" * 12)
