"""The managed server for real: found, started, restarted, stopped, and its bad days."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventually import until

from faults import process
from faults.toxiproxy_binary import find_or_build
from faults.toxiproxy_process import start
from faults.toxiproxy_server import ManagedServer, ProxySpec
from harness.clock import Deadline, boot_s
from harness.errors import GamedayError, ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi
from harness.reach.toxiproxy_state import ToxicState
from runbooks.server_watch import ServerWatch
from runbooks.target import Toxiproxy

pytestmark = pytest.mark.integration
SPEC = ProxySpec("postgres", "127.0.0.1:0", "127.0.0.1:9")
STATE = "toxiproxy-server.json"


@pytest.fixture(scope="module")
def binary() -> Path:
    return find_or_build(Deadline.after(300))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "toxiproxy"
    yield folder
    try:
        ManagedServer.attach(folder).stop()
    except ReachFailed:
        return


def ensure(folder: Path, binary: Path, *specs: ProxySpec) -> ManagedServer:
    return ManagedServer.ensure(folder, specs or [SPEC], Deadline.after(10), binary=binary)


def api_of(server: ManagedServer) -> ToxiproxyApi:
    return ToxiproxyApi(server.api_url, AllowList(["127.0.0.0/8"]))


def test_it_is_started_once_and_found_again(folder: Path, binary: Path) -> None:
    first = ensure(folder, binary)
    second = ensure(folder, binary, *first.proxies)
    assert (first.started_here, second.started_here) == (True, False)
    assert (second.pid, second.api_url, second.start_ticks) == (first.pid, first.api_url, first.start_ticks)
    assert api_of(first).proxy("postgres").listen == first.proxies[0].listen
    assert os.getsid(first.pid) == first.pid
    first.stop()
    until(lambda: not second.alive)
    with pytest.raises(ReachFailed):
        ManagedServer.attach(folder)


def test_many_at_once_start_one(folder: Path, binary: Path) -> None:
    servers: list[ManagedServer] = []
    threads = [threading.Thread(target=lambda: servers.append(ensure(folder, binary))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert len({s.pid for s in servers}) == 1
    assert [s.started_here for s in servers].count(True) == 1


def test_a_restart_keeps_ports_and_proxies_and_drops_toxics(folder: Path, binary: Path) -> None:
    server = ensure(folder, binary)
    before, pid = server.proxies, server.pid
    api_of(server).add_toxic("postgres", ToxicState("t", "latency", attributes={"latency": 5}))
    begun = boot_s()
    server.restart(Deadline.after(5))
    assert boot_s() - begun < 5
    assert server.pid != pid
    state = api_of(server).proxy("postgres")
    assert (state.listen, state.toxics) == (before[0].listen, ())


def test_a_stopped_process_is_restarted_in_time_and_only_once(folder: Path, binary: Path) -> None:
    server = ensure(folder, binary)
    others = [ManagedServer.attach(folder) for _ in range(4)]
    os.kill(server.pid, signal.SIGSTOP)
    begun = boot_s()
    threads = [threading.Thread(target=other.restart, args=(Deadline.after(5),)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert boot_s() - begun < 15
    assert len({other.pid for other in others}) == 1
    assert others[0].alive
    until(lambda: not server.alive)


def test_a_killed_one_is_started_anew(folder: Path, binary: Path) -> None:
    first = ensure(folder, binary)
    os.kill(first.pid, signal.SIGKILL)
    second = ensure(folder, binary, ProxySpec("redis", "127.0.0.1:0", "127.0.0.1:9"))
    assert second.started_here
    assert [p.name for p in api_of(second).proxies()] == ["redis"]


def test_one_that_dies_in_the_middle_of_a_run_ends_it_and_is_started_again(folder: Path, binary: Path) -> None:
    server = ensure(folder, binary)
    watch = ServerWatch(Toxiproxy(managed=True, folder=folder))
    assert watch.look() == ""
    process.end_process(server.pid, server.start_ticks, Deadline.after(5), ask_first=False)
    assert watch.look() == "", "healing may just be starting it again"
    assert watch.look().startswith("our toxiproxy-server died")
    watch.finish()
    again = ManagedServer.attach(folder)
    assert again.alive
    assert again.proxies == server.proxies
    assert api_of(again).proxy("postgres").enabled
    assert ServerWatch(None).look() == ""


@pytest.mark.parametrize("dead", [True, False])
def test_one_that_healing_started_again_is_told_where_it_had_died(folder: Path, binary: Path, *, dead: bool) -> None:
    server = ensure(folder, binary)
    watch = ServerWatch(Toxiproxy(managed=True, folder=folder))
    assert watch.look() == ""
    if dead:
        process.end_process(server.pid, server.start_ticks, Deadline.after(5), ask_first=False)
    ManagedServer.attach(folder).restart(Deadline.after(5))
    told = watch.look()
    assert told.startswith("our toxiproxy-server died") if dead else told == ""
    assert watch.look() == told
    assert ServerWatch(Toxiproxy(managed=True, folder=folder)).look() == "", "what a run began with is no death in it"


@pytest.mark.parametrize(
    "text", ["", '{"pid": 12', "[]", '{"pid": 1, "start_ticks": 1, "api_url": "x", "binary": "y"}']
)
def test_a_spoilt_or_foreign_state_file_breaks_nothing(folder: Path, binary: Path, text: str) -> None:
    folder.mkdir()
    (folder / STATE).write_text(text)
    server = ensure(folder, binary)
    assert server.started_here
    assert server.alive
    assert json.loads((folder / STATE).read_text())["pid"] == server.pid
    assert not list(folder.glob("*.draft"))


def test_a_process_that_got_the_number_since_is_not_taken_for_it(folder: Path, binary: Path) -> None:
    server = ensure(folder, binary)
    server.stop()
    ours = {"pid": os.getpid(), "start_ticks": 1, "api_url": server.api_url, "binary": str(binary)}
    (folder / STATE).write_text(json.dumps(ours))
    assert not ManagedServer.attach(folder).alive
    ManagedServer.attach(folder).stop()  # and we are still here


def test_a_taken_listen_port_names_the_proxy_the_port_and_how_to_find_who(folder: Path, binary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(GamedayError) as failure:
            ensure(folder, binary, SPEC, ProxySpec("redis", f"127.0.0.1:{port}", "127.0.0.1:9"))
    assert f"the proxy redis can't listen on port {port}" in failure.value.what
    assert f"ss -ltnp 'sport = :{port}'" in failure.value.mend
    assert not (folder / STATE).exists()  # and nothing is left running


def test_a_taken_api_port_is_noticed_though_the_process_lives(folder: Path, binary: Path) -> None:
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(GamedayError) as failure:
        start(folder, binary, Deadline.after(1.5), port=other.getsockname()[1])
    assert "address already in use" in failure.value.what
    assert not (folder / STATE).exists()


def test_a_changed_address_moves_the_proxy(folder: Path, binary: Path) -> None:
    ensure(folder, binary)
    server = ensure(folder, binary, ProxySpec("postgres", "127.0.0.1:0", "127.0.0.1:10"))
    assert api_of(server).proxy("postgres").upstream == "127.0.0.1:10"
    assert [p.upstream for p in server.proxies] == ["127.0.0.1:10"]


def test_a_program_that_is_none_is_one_error(folder: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(GamedayError, match="did not come up"):
        ensure(folder, program)
    with pytest.raises(GamedayError, match="can't be started"):
        ensure(folder, tmp_path / "absent")
    assert not (folder / STATE).exists()


def test_a_missing_proxy_is_put_back(folder: Path, binary: Path) -> None:
    server = ensure(folder, binary)
    api_of(server).delete_proxy("postgres")
    ManagedServer.attach(folder).restore_proxies()
    assert api_of(server).proxy("postgres").listen == server.proxies[0].listen
    assert process.is_alive(server.pid, server.start_ticks)
