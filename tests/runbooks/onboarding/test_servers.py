"""Which server is meant, and which proxy leads to it."""

from __future__ import annotations

import pytest

from harness.errors import BadInput
from runbooks.onboarding.compose_file import ComposeFile, Port, Service
from runbooks.onboarding.found_toxiproxy import FoundToxiproxy
from runbooks.onboarding.platform import FoundProxy, Place
from runbooks.onboarding.servers import CACHE, DATABASE, ServerSearch
from runbooks.onboarding.variables import Variables

HERE = Place("127.0.0.1", 5433)


def toxiproxy(*proxies: tuple[str, str, str]) -> FoundToxiproxy:
    return FoundToxiproxy("http://127.0.0.1:8474", tuple(FoundProxy(*proxy) for proxy in proxies))


def search(found: FoundToxiproxy | None, compose: ComposeFile | None = None, **variables: str) -> ServerSearch:
    return ServerSearch(Variables(variables, frozenset(variables)), compose, found)


@pytest.fixture
def compose(tmp_path) -> ComposeFile:
    services = (
        Service("db", "database", (Port(HERE, 5432),), {"POSTGRES_USER": "shop"}),
        Service("sessions", "cache", ()),
    )
    return ComposeFile(tmp_path / "compose.yaml", "shop", services)


@pytest.mark.parametrize(
    ("proxies", "through"),
    [
        ([("a", "[::]:1", "localhost:5433"), ("postgres", "[::]:2", "10.0.0.1:5432")], "a"),
        ([("a", "[::]:1", "db:5432"), ("postgres", "[::]:2", "other:5432")], "a"),
        ([("orders-db", "[::]:1", "10.0.0.1:5432"), ("mail", "[::]:2", "10.0.0.1:25")], "orders-db"),
        ([("a", "[::]:1", "postgres.internal:5432"), ("b", "[::]:2", "x:1")], "a"),
        ([("db-1", "[::]:1", "10.0.0.1:5432"), ("db-2", "[::]:2", "10.0.0.2:5432")], ""),
        ([("mail", "[::]:2", "10.0.0.1:25")], ""),
    ],
)
def test_the_proxy_is_the_one_that_leads_there_by_address_then_by_container_then_by_name(proxies, through):
    assert toxiproxy(*proxies).of(HERE, "db:5432", DATABASE.words) == through


def test_a_published_container_is_reached_as_a_role_of_gamedays_own(compose):
    looked = search(toxiproxy(("a", "[::]:15432", "db:5432")), compose)
    found = looked.look(DATABASE)

    assert found is not None
    assert found.written == "postgresql://gameday:${GAMEDAY_DB_PASSWORD}@127.0.0.1:5433/shop"
    assert (found.through, found.unset) == ("a", ("GAMEDAY_DB_PASSWORD",))
    assert looked.look(CACHE) is None
    assert "sessions of the Compose file was left out: publish it" in looked.notes[0]


def test_a_variable_that_leads_into_composes_network_gives_way_to_the_published_port(compose):
    looked = search(None, compose, DATABASE_URL="postgresql://shop:geheim@no-such-host.invalid/shop")

    found = looked.look(DATABASE)

    assert found is not None
    assert found.place == HERE
    assert looked.notes == []


def test_the_way_through_the_proxy_is_not_taken_for_the_server():
    proxies = toxiproxy(("pg", "[::]:15432", "127.0.0.9:5432"), ("cache", "127.0.0.1:16379", "127.0.0.9:6379"))
    looked = search(proxies, DATABASE_URL="postgresql://shop:geheim@127.0.0.1:15432/orders")

    found = looked.look(DATABASE)

    assert found is not None
    assert found.written == "postgresql://gameday:${GAMEDAY_DB_PASSWORD}@127.0.0.9:5432/orders"
    assert found.through == "pg"
    assert "past it" in looked.notes[0]
    assert "geheim" not in looked.notes[0]
    with pytest.raises(BadInput, match="leads through the proxy pg"):
        looked.from_url(DATABASE, "postgresql://gameday@127.0.0.1:15432/orders", "--database-url")


def test_a_proxy_whose_server_this_machine_does_not_know_is_told():
    looked = search(
        toxiproxy(("pg", "[::]:15432", "no-such-host.invalid:5432")), DATABASE_URL="postgresql://a@127.0.0.1:15432/x"
    )

    assert looked.look(DATABASE) is None
    assert "which this machine can't look up" in looked.notes[0]


def test_what_a_variable_holds_is_never_repeated():
    looked = search(None, DATABASE_URL="mysql://root:geheim@127.0.0.1/x", REDIS_URL="geheim")

    assert looked.look(DATABASE) is None
    assert looked.look(CACHE) is None
    assert len(looked.notes) == 2
    assert "geheim" not in "".join(looked.notes)
