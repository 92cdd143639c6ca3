"""The load, with the real Locust against a small server that can fail in every way."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from harness.clock import Clock, Deadline, boot_s
from harness.errors import BadInput, GamedayError, LoadFailed
from harness.journal.histogram import percentile_ms
from harness.journal.record import Gap, LoadEnded, LoadProcessLost, LoadStopped, Note, Record, Window
from harness.load.locust_file import LocustFileFacts, inspect
from harness.load.locust_process import LoadSpec, LocustProcess
from harness.load.wire import MAX_NAMES, OTHER_NAMES
from runbooks.sandbox.port import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(100)]

LOCUSTFILES = Path(__file__).parent / "locustfiles"
R = TypeVar("R", bound=Record)


class _Handler(socketserver.BaseRequestHandler):
    """Answers by the path; everything but a plain answer ends the connection."""

    server: PlatformServer

    def handle(self) -> None:
        stream = self.request.makefile("rb")
        while (first := stream.readline()).strip():
            length = 0
            while (header := stream.readline()).strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            stream.read(length)
            path = first.split()[1].decode().partition("?")[0].strip("/").replace("-", "_")
            if not {"404": self.missing, "500": self.failing}.get(path, getattr(self, path, self.missing))():
                return

    def answer(self, status: str, body: bytes = b"fine", *headers: str, length: int | None = None) -> bool:
        size = len(body) if length is None else length
        head = "".join(f"{h}\r\n" for h in (f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers))
        self.request.sendall(head.encode() + b"\r\n" + body)
        return True

    def missing(self) -> bool:
        return self.answer("404 Not Found", b"nothing here")

    def failing(self) -> bool:
        return self.answer("500 Internal Server Error", b"sorry")

    def ok(self) -> bool:
        return self.answer("200 OK")

    def json(self) -> bool:
        return self.answer("200 OK", b'{"ok": true}', "Content-Type: application/json")

    def says_no(self) -> bool:
        return self.answer("200 OK", b'{"ok": false}', "Content-Type: application/json")

    def hang(self) -> bool:
        self.server.released.wait(30)
        return False

    def ok_then_hang(self) -> bool:
        return self.ok() and False if self.server.healthy.is_set() else self.hang()

    def flips(self) -> bool:
        return self.ok() if self.server.healthy.is_set() else self.failing()

    def half_hang(self) -> bool:
        self.answer("200 OK", b"a part", length=100)
        return self.hang()

    def close(self) -> bool:
        return False

    def reset(self) -> bool:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()
        return False

    def truncated(self) -> bool:
        return self.answer("200 OK", b"a part", length=100) and False

    def truncated_chunks(self) -> bool:
        self.request.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\na part")
        return False

    def garbage(self) -> bool:
        self.request.sendall(b"\x00\x01 what is HTTP?\r\n\r\n")
        return False

    def bad_gzip(self) -> bool:
        return self.answer("200 OK", b"no gzip at all", "Content-Encoding: gzip")

    def loop(self) -> bool:
        return self.answer("302 Found", b"", "Location: /loop")


class PlatformServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self) -> None:
        self.released = threading.Event()
        self.healthy = threading.Event()
        self.healthy.set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Clients are killed in the middle here."""


@pytest.fixture
def platform() -> Iterator[PlatformServer]:
    server = PlatformServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def full_url() -> Iterator[str]:
    """An address whose queue is full: connecting to it hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.settimeout(0.0)
            sock.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for sock in waiting:
            sock.close()


class Load:
    """A load with what it emitted, and when."""

    def __init__(self, tmp_path: Path, platform: PlatformServer) -> None:
        self.tmp_path, self.platform = tmp_path, platform
        self.clock = Clock.start()
        self.records: list[Record] = []
        self.heard_s: list[float] = []
        self.process: LocustProcess | None = None

    def start(self, file: str | Path, *args: str, users: int | None = 10, **spec: object) -> LocustProcess:
        self.process = LocustProcess(self.spec(file, *args, users=users, **spec), self.clock, self._emit)
        self.process.start(Deadline.after(15))
        return self.process

    def spec(self, file: str | Path, *args: str, users: int | None = 10, **spec: object) -> LoadSpec:
        fields = {"spawn_rate": 100.0, "cwd": self.tmp_path, "log": self.tmp_path / "locust.log", "args": args, **spec}
        return LoadSpec(locustfile=LOCUSTFILES / file, host=self.platform.url, users=users, **fields)  # type: ignore[arg-type]

    def _emit(self, record: Record) -> None:
        self.heard_s.append(self.clock.now_s())
        self.records.append(record)

    def of(self, kind: type[R]) -> list[R]:
        return [r for r in self.records if isinstance(r, kind)]

    @property
    def windows(self) -> list[Window]:
        return self.of(Window)

    def until(self, condition: Callable[[], object], within_s: float = 12.0) -> None:
        deadline = Deadline.after(within_s)
        while not condition():
            assert not deadline.passed, f"did not come true; log: {(self.tmp_path / 'locust.log').read_text()[-3000:]}"
            threading.Event().wait(0.01)

    def count(self, name: str) -> int:
        return sum(w.names[name].requests for w in self.windows if name in w.names)

    def failures(self, name: str) -> dict[str, int]:
        total: dict[str, int] = {}
        for window in self.windows:
            for kind, count in window.names[name].failures.items() if name in window.names else ():
                total[kind] = total.get(kind, 0) + count
        return total

    @property
    def names(self) -> set[str]:
        return {name for w in self.windows for name in w.names}


@pytest.fixture
def load(tmp_path: Path, platform: PlatformServer) -> Iterator[Load]:
    load = Load(tmp_path, platform)
    yield load
    if load.process and load.process.pgid:
        load.process.stop(0.0)
        assert living(load.process.pgid) == []


def living(pgid: int) -> list[int]:
    """The processes of a group, zombies left out; written anew here, not with the code under test."""
    listing = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, group, state in rows if int(group) == pgid and state[0] not in "ZX"]


# --- Locust files of every manner run unmodified


def test_http_users_run_and_are_counted_by_name(load: Load) -> None:
    load.start("basic_http.py")
    load.until(lambda: {"POST /login", "GET /ok", "GET /ok/[id]", "GET /page"} <= load.names)
    load.until(lambda: load.windows[-1].users == 10)
    assert load.failures("GET /ok") == {}
    assert load.count("POST /login") == 10


def test_fast_http_users_run_with_rest_blocks(load: Load) -> None:
    load.start("basic_fast.py")
    load.until(lambda: load.count("GET /ok") > 20 and load.count("POST /json") > 5)
    assert load.failures("POST /json") == {}


def test_a_load_shape_steers_the_users_and_its_end_is_told(load: Load) -> None:
    load.start("shape_staging.py", users=None, spawn_rate=None)
    load.until(lambda: load.of(LoadEnded))
    assert max(w.users for w in load.windows) == 5
    assert load.of(LoadEnded)[0].exit_code == 0
    assert "Shape test" in load.of(LoadEnded)[0].detail
    assert load.process
    assert load.process.stop().how == "ended"


def test_custom_arguments_reach_the_locust_file_from_the_command_line_and_the_environment(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_PATH", "/500")
    load.start("custom_arguments.py", "--secret-word", "x")
    load.until(lambda: load.count("GET /asked") > 5)
    assert load.failures("GET /asked")["http"] == load.count("GET /asked")


def test_only_tasks_with_the_asked_tags_run_and_user_classes_may_follow(load: Load) -> None:
    load.start("tagged.py", "Tagged", tags=("investment", "certificate"), exclude_tags=("read",))
    load.until(lambda: load.count("GET /certificate") > 10)
    assert load.names == {"GET /certificate"}


def test_users_without_http_are_measured_and_their_task_errors_counted(load: Load) -> None:
    load.start("measured.py")
    load.until(lambda: load.names == {"WORK sleep", "WORK timeout", "HAND fired"})
    load.until(lambda: sum(w.task_errors for w in load.windows) > 2)
    assert set(load.failures("WORK timeout")) == {"timeout"}
    unknown = [w.names["HAND fired"] for w in load.windows if "HAND fired" in w.names]
    assert unknown[0].requests > 0
    assert unknown[0].histogram == {}


def test_responses_judged_by_the_locust_file_are_application_failures_or_none(load: Load) -> None:
    load.start("catch_response.py")
    load.until(lambda: all(load.count(f"GET {n}") > 3 for n in ("/json", "/gone", "/says-no")))
    assert load.failures("GET /json") == {}
    assert load.failures("GET /gone") == {}
    assert load.failures("GET /says-no") == {"application": load.count("GET /says-no")}


def test_the_users_own_configuration_stays_in_force(load: Load) -> None:
    (load.tmp_path / "locust.conf").write_text("users = 3\nspawn-rate = 50\n")
    (load.tmp_path / "pyproject.toml").write_text('[tool.locust]\nrun-time = "2s"\n')
    load.start("basic_http.py", users=None, spawn_rate=None)
    load.until(lambda: load.of(LoadEnded))
    assert max(w.users for w in load.windows) == 3
    assert "run-time limit reached" in load.of(LoadEnded)[0].detail


def test_modules_beside_the_file_and_in_the_current_directory_import_even_when_named_like_ours(load: Load) -> None:
    beside = load.tmp_path / "beside"
    (load.tmp_path / "harness").mkdir()
    beside.mkdir()
    (load.tmp_path / "harness" / "__init__.py").write_text('PATH = "/ok"\n')
    (load.tmp_path / "in_cwd.py").write_text('NAME = "from the user\'s modules"\n')
    (beside / "neighbour.py").write_text("from locust import HttpUser, constant\n")
    (beside / "mine.py").write_text(
        "from neighbour import HttpUser, constant\nfrom in_cwd import NAME\nfrom harness import PATH\n"
        "class U(HttpUser):\n    wait_time = constant(0.05)\n"
        "    def ask(self):\n        self.client.get(PATH, name=NAME)\n    tasks = [ask]\n"
    )
    assert inspect(beside / "mine.py", (), load.tmp_path, Deadline.after(15)).users == ("U",)
    load.start(beside / "mine.py")
    load.until(lambda: load.count("GET from the user's modules") > 3)


def test_web_options_among_the_users_arguments_do_not_keep_the_load_from_starting(load: Load) -> None:
    load.start("basic_http.py", "--headful", "--web-host", "127.0.0.1", "--web-port", str(free_port()))
    load.until(lambda: load.count("GET /ok") > 5)
    stopped = load.process.stop(3.0) if load.process else None
    assert stopped
    assert stopped.how == "asked"


# --- windows


def test_windows_come_at_once_after_their_end_and_do_not_overlap(load: Load) -> None:
    load.start("basic_http.py")
    load.until(lambda: len(load.windows) >= 12)
    late_ms = sorted(
        1000 * (heard - record.end)
        for heard, record in zip(load.heard_s, load.records, strict=False)
        if isinstance(record, Window)
    )
    assert late_ms[len(late_ms) // 2] < 250  # a window: it took 1 to 5 ms on a quiet machine
    windows = load.windows
    assert all(w.end - w.start <= 0.2501 for w in windows)
    assert all(a.end == pytest.approx(b.start) for a, b in itertools.pairwise(windows))
    histogram = next(w.names["GET /ok"].histogram for w in windows if "GET /ok" in w.names)
    assert 0 < (percentile_ms(histogram, 0.5) or 0) < 1000
    assert all(w.processes == 1 for w in windows)
    stop_case(load)


def test_a_hand_written_client_that_hangs_is_in_flight_too(load: Load) -> None:
    load.start("custom_client.py")
    load.until(lambda: load.count("LINE /ok-then-hang") > 20)
    load.platform.healthy.clear()
    load.until(lambda: load.windows[-1].in_flight == 10 and load.windows[-1].oldest_in_flight_s > 0.5)


def test_more_names_than_the_cap_share_one_and_it_is_said_once(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "many_names.py"
    file.write_text(
        "from itertools import count\nfrom locust import User, constant, task\nnumber = count()\n"
        "class U(User):\n    wait_time = constant(0.01)\n    @task\n    def t(self):\n"
        "        for _ in range(50):\n"
        "            self.environment.events.request.fire(request_type='GET', name=f'/item/{next(number)}',\n"
        "                response_time=1, response_length=0, exception=None, context={})\n"
    )
    load.start(file, users=1)
    load.until(lambda: load.count(OTHER_NAMES) > 100)
    assert len(load.names) == MAX_NAMES + 1
    load.until(lambda: bool(load.of(Note)))
    load.until(lambda: load.count(OTHER_NAMES) > 1000)
    assert len(load.of(Note)) == 1
    assert str(MAX_NAMES) in load.of(Note)[0].text


def test_several_load_processes_come_as_one_window_and_a_lost_one_is_told(load: Load) -> None:
    port = str(free_port())
    process = load.start("basic_fast.py", "--processes", "2", "--master-bind-port", port, "--master-port", port)
    load.until(lambda: load.windows and load.windows[-1].processes == 2 and load.windows[-1].users == 10)
    load.until(lambda: len([w for w in load.windows if w.processes == 2]) >= 8)
    both = [w for w in load.windows if w.processes == 2]
    assert [w for w in both if w.requests > 1]
    assert not load.of(Gap)
    starts = [w.start for w in load.windows]
    assert starts == sorted(set(starts))
    worker = next(pid for pid in living(process.pgid) if pid != process.pgid)
    os.kill(worker, signal.SIGKILL)
    load.until(lambda: any(str(worker) in gap.reason for gap in load.of(Gap)))
    load.until(lambda: load.windows[-1].processes == 1)
    load.until(lambda: load.of(LoadProcessLost))
    assert load.of(LoadProcessLost)[0].left == 1
    os.kill(process.pgid, signal.SIGKILL)
    load.until(lambda: load.of(LoadEnded))
    assert load.of(LoadEnded)[0].exit_code == -signal.SIGKILL
    assert load.of(LoadEnded)[0].detail.startswith("killed by SIGKILL")
    assert not process.alive


def test_a_stopped_process_is_a_gap_and_the_load_can_still_be_ended(load: Load) -> None:
    process = load.start("basic_http.py")
    load.until(lambda: load.windows)
    os.killpg(process.pgid, signal.SIGSTOP)
    load.until(lambda: len(load.of(Gap)) >= 2)
    assert load.of(Gap)[0].source == "load"
    assert "no window" in load.of(Gap)[0].reason
    begun = boot_s()
    assert process.stop(0.3).how == "killed"
    assert boot_s() - begun < 1.0


# --- the four kinds of failure


@pytest.mark.parametrize("file", ["failures_http.py", "failures_fast.py"])
def test_every_failure_is_counted_as_its_kind(
    load: Load, file: str, full_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULL_URL", full_url)
    monkeypatch.setenv("REFUSED_URL", f"http://127.0.0.1:{free_port()}")
    load.start(file, users=1)
    load.until(lambda: "GET timeout hang?unjudged" in load.names, 20)
    assert len(load.names) == 21
    counted = {name: load.failures(name) for name in load.names}
    expected = {name: name.split()[1] for name in load.names}
    wrong = {n: k for n, k in counted.items() if set(k) != ({expected[n]} - {"none"})}
    assert wrong == {}


# --- the end


def stop_case(load: Load, *, grace_s: float = 0.3) -> LoadStopped:
    assert load.process
    pgid = load.process.pgid
    begun = boot_s()
    stopped = load.process.stop(grace_s)
    took_s = boot_s() - begun
    assert living(pgid) == []
    assert took_s < 1.0
    assert not load.process.alive
    assert load.process.stop() == stopped
    assert not load.of(LoadEnded)
    return stopped


@pytest.mark.parametrize(("file", "processes"), [("on_stop_dead.py", 1), ("on_stop_dead.py", 2), ("bare_except.py", 1)])
def test_a_load_of_hanging_users_is_seen_and_gone_within_a_second(load: Load, file: str, processes: int) -> None:
    port = str(free_port())
    workers = ("--processes", "2", "--stop-timeout", "20", "--master-bind-port", port, "--master-port", port)
    load.start(file, *(workers if processes > 1 else ()), users=60)
    load.until(lambda: load.windows and load.windows[-1].in_flight == 60 and load.windows[-1].oldest_in_flight_s > 0.5)
    assert load.windows[-1].requests == 0
    assert stop_case(load).in_flight == 60


def test_a_load_stuck_in_c_code_still_sends_windows_and_is_gone_within_a_second(load: Load) -> None:
    load.start("c_code.py", users=60)
    load.until(lambda: load.windows and load.windows[-1].lag_ms > 500)
    assert not load.of(Gap)
    assert stop_case(load).how == "killed"


def test_with_time_to_spare_users_finish_their_on_stop_unless_it_hangs(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "mannered.py"
    file.write_text(
        "from locust import HttpUser, constant, task\nclass U(HttpUser):\n    wait_time = constant(1)\n"
        "    @task\n    def t(self):\n        self.client.get('/ok')\n    def on_stop(self):\n"
        "        self.client.get('/ok')\n        print('goodbye', flush=True)\n        self.client.get('/hang')\n"
    )
    load.start(file, users=20)
    load.until(lambda: load.windows and load.windows[-1].users == 20)
    assert load.process
    assert load.process.stop(5.0).how == "asked"
    assert (tmp_path / "locust.log").read_text().count("goodbye") == 20


def test_stop_may_come_from_several_threads_and_before_the_start(load: Load) -> None:
    process = load.start("basic_http.py")
    answers: list[LoadStopped] = []
    threads = [threading.Thread(target=lambda: answers.append(process.stop(0.3))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(answers) == 4
    assert len(set(map(repr, answers))) == 1
    never_started = LocustProcess(load.spec("basic_http.py"), load.clock, load.records.append)
    assert never_started.stop().in_flight == 0
    with pytest.raises(LoadFailed, match="before it began"):
        never_started.start(Deadline.after(5))


def test_a_stop_in_the_middle_of_the_start_ends_the_start(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "slow_import.py"
    file.write_text("import time\ntime.sleep(30)\n")
    process = LocustProcess(load.spec(file), load.clock, load.records.append)
    timer = threading.Timer(0.5, process.stop)
    timer.start()
    begun = boot_s()
    with pytest.raises(LoadFailed):
        process.start(Deadline.after(20))
    timer.join()
    assert boot_s() - begun < 5
    assert not process.alive


PARENT = """
import sys, threading
from pathlib import Path
from harness.clock import Clock, Deadline
from harness.load.locust_process import LoadSpec, LocustProcess
file, host, folder, *args = sys.argv[1:]
spec = LoadSpec(locustfile=Path(file), host=host, users=40, spawn_rate=100.0, cwd=Path(folder),
                log=Path(folder) / "locust.log", args=tuple(args))
enough = threading.Event()
process = LocustProcess(spec, Clock.start(), lambda record: getattr(record, "users", 0) == 40 and enough.set())
threading.Thread(target=lambda: process.start(Deadline.after(20)), daemon=True).start()
while not process.pgid:
    threading.Event().wait(0.01)
if "hangs_at_import" not in file:
    assert enough.wait(20)
    threading.Event().wait(0.5)
else:
    threading.Event().wait(1.5)
print(process.pgid, flush=True)
threading.Event().wait(60)
"""


@pytest.mark.parametrize(
    ("file", "processes"),
    [("on_stop_dead.py", 2), ("c_code.py", 0), ("hangs_at_import.py", 0)],
)
def test_after_sigkill_of_the_parent_no_locust_is_left(load: Load, tmp_path: Path, file: str, processes: int) -> None:
    (tmp_path / "hangs_at_import.py").write_text("import time\ntime.sleep(60)\n")
    path = tmp_path / file if file == "hangs_at_import.py" else LOCUSTFILES / file
    port = str(free_port())
    args = ["--processes", str(processes), "--master-bind-port", port, "--master-port", port] if processes else []
    command = [sys.executable, "-P", "-c", PARENT, str(path), load.platform.url, str(tmp_path), *args]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout
        pgid = int(parent.stdout.readline())
        try:
            assert len(living(pgid)) == 1 + processes
            parent.kill()
            load.until(lambda: living(pgid) == [], 3.0)
            assert not list(tmp_path.glob("gameday-*"))
        finally:
            if living(pgid):
                os.killpg(pgid, signal.SIGKILL)


# --- bad input


def refusal(call: Callable[[], object]) -> GamedayError:
    with pytest.raises(GamedayError) as raised:
        call()
    assert "Traceback" not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value


BROKEN = {
    "raises.py": ("import locust\n\nprices = {}\nprices['gold']\n", "KeyError: 'gold'", "raises.py:4"),
    "no_user.py": ("answer = 42\n", "User class", "no_user.py"),
    "absent.py": (None, "does not exist", "absent.py"),
    "wrong_ending.txt": ("answer = 42\n", "Could not find", "wrong_ending.txt"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_locust_file_that_cannot_be_loaded_is_bad_input_with_its_place(load: Load, tmp_path: Path, name: str) -> None:
    text, what, where = BROKEN[name]
    if text is not None:
        (tmp_path / name).write_text(text)
    error = refusal(lambda: inspect(tmp_path / name, (), tmp_path, Deadline.after(15)))
    assert isinstance(error, BadInput)
    assert what in error.what
    assert error.where.endswith(where)
    if name == "raises.py":
        assert what in refusal(lambda: load.start(tmp_path / name)).what
        assert load.process
        assert not load.process.alive


def test_an_error_deep_in_the_users_own_modules_names_that_place(tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text("def of(app):\n    return {}[app]\n")
    (tmp_path / "top.py").write_text("import prices\nprices.of('x')\n")
    error = refusal(lambda: inspect(tmp_path / "top.py", (), tmp_path, Deadline.after(15)))
    assert error.where.endswith("prices.py:2")


def test_a_locust_file_that_hangs_at_import_is_bad_input_by_the_deadline(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text("import subprocess\nsubprocess.run(['sleep', '30'])\n")
    begun = boot_s()
    error = refusal(lambda: inspect(tmp_path / "hangs.py", (), tmp_path, Deadline.after(2.5)))
    assert isinstance(error, BadInput)
    assert boot_s() - begun < 4


def test_arguments_that_locust_refuses_are_bad_input(load: Load) -> None:
    file = LOCUSTFILES / "basic_http.py"
    error = refusal(lambda: load.start(file, "--no-such-flag"))
    assert isinstance(error, BadInput)
    assert "--no-such-flag" in error.what
    assert "Nobody" in refusal(lambda: inspect(file, ("Nobody",), load.tmp_path, Deadline.after(15))).what


def test_a_load_that_does_not_come_up_in_time_is_a_failed_load(load: Load, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(30)\n")
    process = LocustProcess(load.spec(tmp_path / "slow.py"), load.clock, load.records.append)
    error = refusal(lambda: process.start(Deadline.after(1.5)))
    assert isinstance(error, LoadFailed)
    assert "locust.log" in error.mend
    assert not process.alive


def test_an_init_listener_that_raises_is_a_failed_load_with_its_last_word(load: Load, tmp_path: Path) -> None:
    (tmp_path / "bad_init.py").write_text(
        "from locust import HttpUser, events, task\n@events.init.add_listener\n"
        "def f(**kw):\n    raise ValueError('no seed')\nclass U(HttpUser):\n    @task\n    def t(self): pass\n"
    )
    error = refusal(lambda: load.start(tmp_path / "bad_init.py"))
    assert isinstance(error, LoadFailed)
    assert "no seed" in error.what


def test_a_locust_files_users_tags_and_shape_are_found_without_patching_this_process(tmp_path: Path) -> None:
    def facts(name: str, *args: str) -> LocustFileFacts:
        return inspect(LOCUSTFILES / name, args, tmp_path, Deadline.after(15))

    tags = ("certificate", "download", "investment", "payment", "read")
    assert facts("tagged.py") == LocustFileFacts(("Tagged",), tags, has_shape=False)
    assert facts("shape_staging.py") == LocustFileFacts(("Shopper",), (), has_shape=True)
    assert facts("custom_arguments.py", "--path", "/x", "Asker").users == ("Asker",)
    assert "gevent" not in sys.modules
    assert time.monotonic.__module__ == "time"
