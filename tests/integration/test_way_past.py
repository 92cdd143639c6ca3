"""Sessions that go past the proxy, at a real PostgreSQL, a real Valkey and a real toxiproxy-server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from eventually import until
from postgres_server import postgres_server

from faults.toxiproxy_binary import find_or_build
from faults.toxiproxy_server import ManagedServer, ProxySpec
from harness.clock import Deadline
from harness.reach.allow_list import AllowList
from runbooks.sandbox.port import free_port
from runbooks.sandbox.valkey import plan
from runbooks.target import Cache, Database, Proxy, Secret, Target, Toxiproxy
from runbooks.traffic import way_of

pytestmark = pytest.mark.integration
LOOPBACK = AllowList(["127.0.0.0/8"])


def way(
    stack: ExitStack, folder: Path, upstream: str, users: Callable[[str], dict[str, object]]
) -> tuple[str, Callable[[], str]]:
    """A proxy to `upstream` on a server of its own: where it listens, and what goes past it now."""
    spec = ProxySpec("data", f"127.0.0.1:{free_port()}", upstream)
    server = ManagedServer.ensure(folder, [spec], Deadline.after(30), binary=find_or_build(Deadline.after(300)))
    stack.callback(server.stop)
    proxy = Proxy("data", spec.listen, upstream)
    target = Target(
        path=folder / "t.yaml", text="", name="t", environment="practice", base_url="http://127.0.0.1:1",
        allow=("127.0.0.0/8",), toxiproxy=Toxiproxy(managed=True, folder=folder), proxies={"data": proxy},
        **({"databases": {}, "caches": {}, "hosts": {}} | users("data")),  # type: ignore[arg-type]
    )  # fmt: skip
    return spec.listen, lambda: way_of(target, proxy, server.api_url, "127.0.0.1", LOOPBACK)


def test_each_session_past_the_proxy_of_a_database_is_counted_and_named(tmp_path: Path) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(postgres_server({}))
        url = Secret("${DSN}", f"postgresql://admin@127.0.0.1:{port}/postgres")
        listen, past = way(
            stack, tmp_path, f"127.0.0.1:{port}", lambda proxy: {"databases": {"main": Database("main", url, proxy)}}
        )
        until(lambda: past() == "", told=past)
        for _ in range(2):
            stack.enter_context(psycopg.connect(url.value))
        said = "no connection of the platform runs through the proxy data: 2 of role admin from 127.0.0.1 go past it"
        until(lambda: past() == said, told=past)
        stack.enter_context(psycopg.connect(f"postgresql://admin@{listen}/postgres"))
        said = "only 1 of 3 sessions run through the proxy data: 2 of role admin from 127.0.0.1 go past it"
        until(lambda: past() == said, told=past)


def test_an_application_that_goes_past_the_proxy_for_one_of_two_databases_is_named(tmp_path: Path) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(postgres_server({}))
        main, other = (
            Secret("${DSN}", f"postgresql://admin@127.0.0.1:{port}/{name}") for name in ("postgres", "template1")
        )
        one = {"databases": {"other": Database("other", other, "data")}}
        both = {"databases": {"main": Database("main", main, "data")} | one["databases"]}
        listen, past = way(stack, tmp_path / "one", f"127.0.0.1:{port}", lambda _: one)
        stack.enter_context(psycopg.connect(f"postgresql://admin@{listen}/postgres"))
        stack.enter_context(psycopg.connect(other.value))
        said = "no connection of the platform runs through the proxy data: 1 of role admin from 127.0.0.1 go past it"
        until(lambda: past() == said, told=past)
        listen, past = way(stack, tmp_path / "both", f"127.0.0.1:{port}", lambda _: both)
        stack.enter_context(psycopg.connect(f"postgresql://admin@{listen}/postgres"))
        said = "only 1 of 3 sessions run through the proxy data: 2 of role admin from 127.0.0.1 go past it"
        until(lambda: past() == said, told=past)


def test_each_client_past_the_proxy_of_a_cache_is_counted_and_named(tmp_path: Path) -> None:
    with ExitStack() as stack:
        port = free_port()
        made = plan(port, tmp_path / "valkey.log")
        process = subprocess.Popen(made.command, stdout=subprocess.DEVNULL)
        stack.callback(process.wait, 10)
        stack.callback(process.kill)
        up = Deadline.after(20)
        while not made.ready():
            assert not up.passed
            threading.Event().wait(0.05)
        url = Secret("${URL}", f"redis://127.0.0.1:{port}/0")
        listen, past = way(
            stack, tmp_path, f"127.0.0.1:{port}", lambda proxy: {"caches": {"main": Cache("main", url, proxy)}}
        )
        until(lambda: past() == "", told=past)
        for at in (f"127.0.0.1:{port}", listen):
            client = stack.enter_context(redis.Redis.from_url(f"redis://{at}/0"))
            client.ping()
        said = "only 1 of 2 sessions run through the proxy data: 1 of user default from 127.0.0.1 go past it"
        until(lambda: past() == said, told=past)
