"""The rail over all addresses of a target: everything that a run connects to, looked up again each time."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.reach.container_roster import ContainerChoice
from runbooks.bounds import LiveKey
from runbooks.guard_rails.addresses import InsideAllowList
from runbooks.guard_rails.rail import Objection, Passed, Waived
from runbooks.target import Alerting, Cache, Database, Host, Proxy, Secret, Toxiproxy

OUTSIDE = "203.0.113.9"


def dsn(host: str) -> Secret:
    return Secret("${DSN}", f"postgresql://user:hush@{host}:5432/shop")


@pytest.mark.parametrize(
    "said",
    [
        {"base_url": f"http://{OUTSIDE}:8000"},
        {"base_url": f"http://[::ffff:{OUTSIDE}]:8000"},
        {"toxiproxy": Toxiproxy(managed=False, url=f"http://{OUTSIDE}:8474")},
        {"proxies": {"p": Proxy("p", "127.0.0.1:1", f"{OUTSIDE}:5432")}},
        {"databases": {"main": Database("main", dsn(OUTSIDE))}},
        {"databases": {"main": Database("main", dsn("127.0.0.1"), "", dsn(OUTSIDE), dsn("127.0.0.1"))}},
        {"caches": {"main": Cache("main", Secret("${R}", f"redis://{OUTSIDE}:6379/0"))}},
        {"hosts": {"a": Host("a", f"deploy@{OUTSIDE}:22")}},
        {"containers": ContainerChoice(("a",), {}, f"tcp://{OUTSIDE}:2375")},
        {"alerting": Alerting(alertmanager=f"http://{OUTSIDE}:9093")},
        {"live_keys": (LiveKey("k", "sk_live_*", url=f"http://{OUTSIDE}/"),)},
    ],
    ids=lambda said: next(iter(said)),
)
def test_an_address_outside_is_found_wherever_it_stands(moment, said: dict[str, object]) -> None:
    looked = moment(**said)
    answer = InsideAllowList(looked.target, {}).look(looked)
    assert isinstance(answer, Objection)
    assert OUTSIDE in answer.what
    assert "hush" not in answer.what + answer.mend
    assert f"--allow {OUTSIDE}/32" in answer.mend


def test_the_engine_of_the_environment_counts_too(moment) -> None:
    looked = moment(containers=ContainerChoice(("a",), {}, ""))
    assert isinstance(InsideAllowList(looked.target, {}).look(looked), Passed)
    answer = InsideAllowList(looked.target, {"DOCKER_HOST": f"tcp://{OUTSIDE}:2375"}).look(looked)
    assert isinstance(answer, Objection)


def test_hops_of_the_ssh_config_count_too(moment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(
        f"Host app\n  HostName 127.0.0.1\n  ProxyJump jump\nHost jump\n  HostName {OUTSIDE}\n"
        f"Host inner\n  HostName {OUTSIDE}\n  ProxyJump near\nHost near\n  HostName 127.0.0.1\n"
    )
    for name in ("app", "inner"):
        looked = moment(hosts={"app": Host("app", name)})
        answer = InsideAllowList(looked.target, {}).look(looked)
        assert isinstance(answer, Objection), name
        assert OUTSIDE in answer.what


def test_a_name_that_is_looked_up_otherwise_before_an_injection_is_refused(
    moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["8.8.8.8"]

    def getaddrinfo(_host: str, port: int, **_options: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[0], port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    looked = moment(base_url="http://shop.example", allow=("shop.example",))
    rail = InsideAllowList(looked.target, {})
    assert isinstance(rail.look(looked), Passed)
    answers[0] = "169.254.169.254"
    answer = rail.look(looked)
    assert isinstance(answer, Objection)
    assert "shop.example answers with 169.254.169.254 (link-local) now" in answer.what


def test_what_was_allowed_on_the_command_line_alone_is_waived_and_named(moment) -> None:
    looked = moment(base_url=f"http://{OUTSIDE}", allow=("127.0.0.0/8", f"{OUTSIDE}/32"), allow_also=(f"{OUTSIDE}/32",))
    answer = InsideAllowList(looked.target, {}).look(looked)
    assert isinstance(answer, Waived)
    assert answer.opt_out == f"--allow {OUTSIDE}/32"
    assert OUTSIDE in answer.what


def test_a_name_that_only_the_platforms_own_network_knows_is_left_to_the_doors(moment) -> None:
    looked = moment(proxies={"p": Proxy("p", "127.0.0.1:1", "postgres.invalid:5432")})
    assert isinstance(InsideAllowList(looked.target, {}).look(looked), Passed)
