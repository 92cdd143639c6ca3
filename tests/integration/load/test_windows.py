"""The windows that a load sends: at once, in order, of all its processes."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path

import pytest
from played_load import Load, living, stop_case

from harness.clock import boot_s
from harness.journal.histogram import percentile_ms
from harness.journal.record import Gap, LoadEnded, LoadProcessLost, Note, Window
from harness.load.wire import MAX_NAMES, OTHER_NAMES
from runbooks.sandbox.port import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(100)]


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
