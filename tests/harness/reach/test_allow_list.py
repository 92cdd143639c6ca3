"""The allow list judges addresses as what they mean, however they are written and whatever a name answers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import NotAllowed, ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.ip_address import judged_as, sort_of

Answers = Callable[..., None]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """`dns(name="10.0.0.1 10.0.0.2")`: what names answer from now on; what isn't named is looked up as ever."""
    known: dict[str, str] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        name = str(host).rstrip(".").lower()
        if name not in known:
            return real(host, port, *args, **options)
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ipaddress.ip_address(a).version], socket.SOCK_STREAM, 6, "", (a, port))
            for a in known[name].split()
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return lambda **names: known.update({name.replace("_", "."): text for name, text in names.items()})


@pytest.mark.parametrize(
    ("allow", "host", "address"),
    [
        ("10.0.0.0/8", "10.1.2.3", "10.1.2.3"),
        ("127.0.0.0/8", "localhost", "127.0.0.1"),
        ("127.0.0.0/8", "0.0.0.0", "127.0.0.1"),  # connecting to it reaches this machine
        ("::1", "::", "::1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1", "127.0.0.1"),
        ("::ffff:10.0.0.0/104", "10.9.9.9", "10.9.9.9"),  # an entry is read as what it means too
        ("10.0.0.0/8", "64:ff9b::a01:203", "64:ff9b::a01:203"),
        ("64:ff9b::a00:0/104", "64:ff9b::a01:203", "64:ff9b::a01:203"),
        ("10.0.0.0/8", "2002:a01:203::1", "2002:a01:203::1"),
        ("127.0.0.0/8", "2130706433", "127.0.0.1"),
        ("127.0.0.0/8", "0x7f.1", "127.0.0.1"),
        ("127.0.0.0/8", "0177.0.0.1", "127.0.0.1"),
        ("fe80::/10", "fe80::1%lo", "fe80::1%lo"),
    ],
)
def test_what_is_inside_is_resolved_to_the_address_to_connect_to(allow: str, host: str, address: str) -> None:
    assert AllowList([allow]).resolve(host, 80).partition("%")[0] == address.partition("%")[0]


@pytest.mark.parametrize(
    ("allow", "host"),
    [
        ("127.0.0.0/8", "10.0.0.1"),
        ("10.0.0.0/8", "0.0.0.0"),
        ("10.0.0.0/8", "0"),
        ("10.0.0.0/8", "::"),
        ("::/0", "::ffff:203.0.113.9"),
        ("::/0", "64:ff9b::203.0.113.9"),
        ("10.0.0.0/8", "64:ff9b::7f00:1"),
        ("127.0.0.0/8", "2130706433.nip.example"),
        ("127.0.0.0/8", "3405803785"),  # 203.0.113.9
        ("127.0.0.0/8", "0xcb007109"),
    ],
)
def test_what_is_outside_is_refused_however_it_is_written(allow: str, host: str, dns: Answers) -> None:
    dns(**{"2130706433_nip_example": "203.0.113.9"})
    with pytest.raises(ReachFailed) as refused:
        AllowList([allow]).resolve(host, 80)
    assert isinstance(refused.value, NotAllowed) or "has no address" in refused.value.what


def test_one_address_of_several_that_is_outside_is_enough(dns: Answers) -> None:
    dns(db_example="10.0.0.5 203.0.113.9")
    with pytest.raises(NotAllowed, match=r"203\.0\.113\.9") as refused:
        AllowList(["10.0.0.0/8"]).resolve("db.example", 5432)
    assert "--allow 203.0.113.9/32" in refused.value.mend


def test_a_name_that_is_allowed_may_answer_what_it_likes_with_or_without_its_dot(dns: Answers) -> None:
    dns(db_example="203.0.113.9")
    allow = AllowList(["DB.example."])
    assert allow.resolve("db.example", 5432) == "203.0.113.9"
    assert allow.resolve("db.EXAMPLE.", 5432) == "203.0.113.9"
    assert allow.permits(ipaddress.ip_address("::ffff:203.0.113.9"))
    assert not allow.permits(ipaddress.ip_address("203.0.113.10"))
    with pytest.raises(NotAllowed):
        allow.resolve("203.0.113.9", 5432)


@pytest.mark.parametrize("later", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "8.8.4.4 127.0.0.1", "::ffff:10.0.0.1"])
def test_an_allowed_name_that_turns_to_another_sort_of_address_is_refused(dns: Answers, later: str) -> None:
    allow = AllowList(["shop.example"])
    dns(shop_example="8.8.8.8")
    assert allow.resolve("shop.example", 443) == "8.8.8.8"
    dns(shop_example="8.8.4.4")  # a load balancer that grows
    assert allow.resolve("shop.example", 443) == "8.8.4.4"
    dns(shop_example=later)
    with pytest.raises(NotAllowed, match="its first answer was public"):
        allow.resolve("shop.example", 443)


def test_an_allowed_name_may_turn_to_a_network_that_is_allowed_too(dns: Answers) -> None:
    allow = AllowList(["shop.example", "10.0.0.0/8"])
    dns(shop_example="8.8.8.8")
    allow.resolve("shop.example", 443)
    dns(shop_example="10.0.0.1")
    assert allow.resolve("shop.example", 443) == "10.0.0.1"


@pytest.mark.parametrize("host", ["x" * 300, "a..b", "\udcff", "", " ", "[", "http://127.0.0.1"])
def test_a_host_that_is_none_is_an_error_of_the_door(host: str) -> None:
    with pytest.raises(ReachFailed):
        AllowList(["10.0.0.0/8"]).resolve(host, 80)


@pytest.mark.parametrize(
    ("address", "sort"),
    [("127.0.0.1", "loopback"), ("::1", "loopback"), ("169.254.169.254", "link-local"), ("10.0.0.1", "private"),
     ("fd00::1", "private"), ("8.8.8.8", "public"), ("64:ff9b::a00:1", "private"), ("2002:808:808::", "public")],
)  # fmt: skip
def test_addresses_have_sorts(address: str, sort: str) -> None:
    assert sort_of(ipaddress.ip_address(address)) == sort


@pytest.mark.parametrize(
    ("address", "judged"),
    [("64:ff9b::203.0.113.9", "203.0.113.9"), ("2002:cb00:7109::1", "203.0.113.9"), ("::ffff:1.2.3.4", "1.2.3.4"),
     ("::ffff:0.0.0.0", "127.0.0.1"), ("::", "::1"), ("2001:db8::1", "2001:db8::1")],
)  # fmt: skip
def test_a_carried_address_is_judged_by_what_it_carries(address: str, judged: str) -> None:
    assert str(judged_as(ipaddress.ip_address(address))) == judged
