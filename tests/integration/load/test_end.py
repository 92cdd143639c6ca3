"""The end of a load: soon, whatever its users hang in, and whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from played_load import LOCUSTFILES, Load, living, stop_case

from harness.clock import Deadline, boot_s
from harness.errors import LoadFailed
from harness.journal.record import Gap, LoadStopped
from harness.load.locust_process import LocustProcess
from runbooks.sandbox.port import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(100)]


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
