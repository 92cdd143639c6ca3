"""The keeper as it runs on the host: a python3 of its own, fed through pipes, beside a fake Toxiproxy."""

from __future__ import annotations

import ast
import json
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.lease import keeper_program, lease
from harness.clock import Deadline

PROGRAM = Path(keeper_program.__file__)
LATE_S = 20.0


class Keeper:
    """One keeper process and what it said."""

    def __init__(self, toxiproxy: Any, folder: Path, **hello: object) -> None:
        told = {"id": "r1", "host": "127.0.0.1", "port": toxiproxy.server_address[1], "bound_s": 60.0, "lease_s": 30.0}
        told |= {"try_s": 20.0, "proxies": {"pg": ["127.0.0.1:15432", "127.0.0.1:5432"]}, **hello}
        self.process = subprocess.Popen(
            ["sh", "-c", lease._COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "TMPDIR": str(folder)},
        )  # fmt: skip
        program = PROGRAM.read_bytes()
        self.write(b"%d\n%s%s\n" % (len(program), program, json.dumps(told).encode()))
        self.beats = 0

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def tell(self, **message: object) -> None:
        self.write(json.dumps(message).encode() + b"\n")

    def beat(self, *undos: dict[str, object]) -> None:
        self.beats += 1
        self.tell(beat=self.beats, undos=undos)
        assert self.says() == {"ack": self.beats}

    def says(self) -> dict[str, object]:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], LATE_S)
        assert ready, "it said nothing"
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else b""
        said: dict[str, object] = json.loads(line)
        return said

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def ends(self) -> int:
        return self.process.wait(LATE_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(LATE_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def start(toxiproxy: Any, tmp_path: Path) -> Iterator[Callable[..., Keeper]]:
    started: list[Keeper] = []

    def run(**hello: object) -> Keeper:
        started.append(Keeper(toxiproxy, tmp_path, **hello))
        return started[-1]

    yield run
    for keeper in started:
        keeper.close()


def undo(toxic: str = "t1", *, enabled: bool = True) -> dict[str, object]:
    return {"id": "f1", "proxy": "pg", "toxic": toxic, "listen": "127.0.0.1:15432", "upstream": "127.0.0.1:5432",
            "enabled": enabled}  # fmt: skip


def inject(toxiproxy: Any, name: str = "t1") -> None:
    toxiproxy.proxies["pg"]["toxics"].append({"name": name, "type": "latency"})


def wait_for(happened: Callable[[], bool]) -> None:
    deadline, pause = Deadline.after(LATE_S), threading.Event()
    while not happened():
        assert not deadline.passed, "it did not happen in time"
        pause.wait(0.01)


def test_it_runs_on_the_python_that_old_servers_have() -> None:
    ast.parse(PROGRAM.read_text(), feature_version=(3, 6))


def test_it_stands_acknowledges_and_leaves_nothing_once_it_is_dismissed(
    start: Callable[..., Keeper], toxiproxy: Any, tmp_path: Path
) -> None:
    keeper = start()
    stands = keeper.says()
    assert (stands["ready"], stands["here"]) == (f"127.0.0.1:{toxiproxy.server_address[1]}", True)
    assert Path(str(stands["folder"])).parent == tmp_path
    inject(toxiproxy)
    keeper.beat(undo())
    keeper.beat()
    keeper.tell(done=True)
    assert keeper.ends() == 0
    assert toxiproxy.toxics() == ["t1"], "it is told to end, not to heal"
    assert list(tmp_path.iterdir()) == []


def test_a_look_writes_nothing_and_ends(start: Callable[..., Keeper], tmp_path: Path) -> None:
    keeper = start(look=True)
    assert keeper.says()["folder"] == ""
    assert keeper.ends() == 0
    assert list(tmp_path.iterdir()) == []


def test_the_end_of_the_connection_heals_at_once_and_what_lands_late_too(
    start: Callable[..., Keeper], toxiproxy: Any, tmp_path: Path
) -> None:
    keeper = start(try_s=4.0)
    keeper.says()
    inject(toxiproxy)
    inject(toxiproxy, "somebody's")
    keeper.beat(undo())
    keeper.hang_up()
    assert keeper.says() == {"over": "the connection ended", "open": ["f1"]}
    assert keeper.says() == {"healed": "f1", "rung": "delete"}
    assert toxiproxy.toxics() == ["somebody's"]
    inject(toxiproxy)
    assert keeper.says() == {"healed": "f1", "rung": "delete", "late": True}
    assert toxiproxy.toxics() == ["somebody's"]
    assert keeper.ends() == 0
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("gameday-keeper-r1-")
    assert [next(iter(json.loads(line))) for line in (folder / "keeper.log").read_text().splitlines()] == [
        "ready", "over", "healed", "healed", "ended",
    ]  # fmt: skip


def test_silence_heals_when_the_lease_is_over(start: Callable[..., Keeper], toxiproxy: Any) -> None:
    keeper = start(lease_s=0.6, try_s=1.0)
    keeper.says()
    inject(toxiproxy)
    keeper.beat(undo())
    assert keeper.says()["over"] == "no heartbeat for 0.6 s"
    assert keeper.says()["rung"] == "delete"


def test_its_own_bound_heals_however_alive_we_are(start: Callable[..., Keeper], toxiproxy: Any) -> None:
    keeper = start(bound_s=0.4, try_s=1.0)
    keeper.says()
    inject(toxiproxy)
    keeper.beat(undo())
    assert keeper.says()["over"] == "it was asked for no longer"
    assert keeper.says()["rung"] == "delete"


def test_a_closed_proxy_is_opened_as_it_was_found(start: Callable[..., Keeper], toxiproxy: Any) -> None:
    keeper = start()
    keeper.says()
    toxiproxy.proxies["pg"]["enabled"] = False
    keeper.beat(undo(""))
    keeper.hang_up()
    keeper.says()
    assert keeper.says()["rung"] == "enable"
    assert toxiproxy.proxies["pg"]["enabled"] is True


def test_a_wedged_proxy_gets_another_in_its_place(start: Callable[..., Keeper], toxiproxy: Any) -> None:
    keeper = start()
    keeper.says()
    inject(toxiproxy)
    keeper.beat(undo())
    toxiproxy.hangs = lambda call: "/proxies/pg" in call
    keeper.hang_up()
    keeper.says()
    assert keeper.says()["rung"] == "replace"
    assert toxiproxy.proxies["pg-gameday"]["upstream"] == "127.0.0.1:5432"


def test_what_can_t_be_healed_now_is_tried_again(start: Callable[..., Keeper], toxiproxy: Any) -> None:
    keeper = start()
    keeper.says()
    inject(toxiproxy)
    keeper.beat(undo())
    toxiproxy.gives_up = lambda _: True
    keeper.hang_up()
    keeper.says()
    assert keeper.says()["failed"] == "f1"
    toxiproxy.gives_up = lambda _: False
    toxiproxy.proxies["pg"]["enabled"] = True
    wait_for(lambda: "healed" in keeper.says())
    assert toxiproxy.toxics() == []


def test_no_signal_of_a_session_s_end_ends_it(start: Callable[..., Keeper], toxiproxy: Any) -> None:
    keeper = start()
    keeper.says()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        keeper.process.send_signal(number)
    keeper.beat()
    assert keeper.process.poll() is None


@pytest.mark.parametrize(
    ("hello", "what"),
    [
        ({"proxies": {"pg": ["127.0.0.1:15432", "10.0.0.1:5432"]}}, "another Toxiproxy: it has no such proxy pg"),
        ({"proxies": {"my": ["127.0.0.1:15432", "127.0.0.1:5432"]}}, "another Toxiproxy: it has no such proxy my"),
        ({"port": 1}, "refused"),
    ],
)
def test_another_server_than_ours_is_none_to_watch_over(
    start: Callable[..., Keeper], tmp_path: Path, hello: dict[str, object], what: str
) -> None:
    keeper = start(**hello)
    assert what in str(keeper.says()["error"])
    assert keeper.ends() == 0
    assert list(tmp_path.iterdir()) == []
