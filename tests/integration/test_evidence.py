"""Evidence from a real OpenSSH server, and from hosts that have busybox only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventually import until

from harness.clock import Deadline
from harness.evidence.bundle import Bundle
from harness.evidence.collector import HostPlan, LogCollector
from harness.evidence.log_position import scan
from harness.monitor.host import HostSource
from harness.redaction import Redactor

pytestmark = pytest.mark.integration
LONG_S = f"3{os.getpid()}"  # a sleep that no other test run has


def append(file: Path, text: str) -> None:
    with file.open("a") as f:
        f.write(text)


@pytest.fixture
def busybox(require: Callable[[str, str | None], str], tmp_path: Path) -> Path:
    program = require("busybox", shutil.which("busybox"))
    folder = tmp_path / "busybox"
    folder.mkdir()
    subprocess.run([program, "--install", "-s", folder], check=True, timeout=10)
    return folder


@pytest.fixture(params=["GNU", "busybox"])
def door(request: pytest.FixtureRequest, start_sshd: Callable[..., Any]) -> Any:
    """A door to a host with GNU's programs, and to one that has busybox and nothing else."""
    if request.param == "busybox":
        return start_sshd(path=str(request.getfixturevalue("busybox"))).door()
    return start_sshd().door()


def test_a_rotated_log_an_odd_name_and_a_command_come_over_ssh(door: Any, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    log, copied, odd = logs / "app.log", logs / "web.log", logs / "it's a\nname.log"
    for file in (log, copied, odd):
        append(file, "before password=known-s3cret\n" * 50)
    collector = LogCollector([HostPlan("app-1", door, (f"{logs}/*.log",), ("echo token=known-s3cret",))])
    assert collector.remember(Deadline.after(10)) == ()
    append(log, "first known-s3cret\n")
    log.rename(logs / "app.log-20261122")
    append(log, "second\n")
    append(copied, "third \x00\x1b[1m\n")
    (logs / "web.log.1").write_bytes(copied.read_bytes())
    os.truncate(copied, 0)
    append(copied, "fourth\n")
    append(odd, "fifth\n")
    bundle = Bundle(tmp_path / "run", Redactor(["known-s3cret"]))
    collector.collect(bundle, 10)
    record = bundle.finish()
    door.close()
    assert record.missing == ()
    texts = {f.what.rpartition("/")[2]: (tmp_path / "run" / f.path).read_text("utf-8") for f in record.files}
    assert texts == {
        "app.log-20261122": "first [redacted]\n",
        "app.log": "second\n",
        "web.log.1": "third \\x00\n",
        "web.log": "fourth\n",
        "it's a\\nname.log": "fifth\n",
        "echo token=[redacted]": "$ echo token=[redacted]\ntoken=[redacted]\n",
    }


def test_a_hanging_command_is_ended_on_the_host_and_missing_with_its_reason(door: Any, tmp_path: Path) -> None:
    collector = LogCollector([HostPlan("app-1", door, (), (f"sleep {LONG_S}; echo x", "echo fine"))])
    bundle = Bundle(tmp_path, Redactor())
    collector.collect(bundle, 1)
    record = bundle.finish()
    assert "did not end in time" in next(m.reason for m in record.missing if LONG_S in m.what)
    until(lambda: not is_running(LONG_S))
    door.close()


def is_running(marker: str) -> bool:
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in command.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_readings_come_from_any_userland(door: Any) -> None:
    source = HostSource("app-1", door)
    source.read()
    threading.Event().wait(0.3)
    assert {"cpu", "memory", "swap", "load", "disk"} <= source.read().keys()
    source.close()


def test_a_frozen_host_delays_no_other_and_is_named(sshd: Any, start_sshd: Callable[..., Any], tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    frozen = start_sshd()
    doors = [sshd.door(), frozen.door()]
    collector = LogCollector([HostPlan(n, d, (str(log),)) for n, d in zip(("good", "frozen"), doors, strict=True)])
    collector.remember(Deadline.after(10))
    append(log, "during\n")
    frozen.freeze()
    bundle = Bundle(tmp_path / "run", Redactor())
    start = time.monotonic()
    collector.collect(bundle, deadline_s_per_host=1.5)
    took_s = time.monotonic() - start
    record = bundle.finish()
    for door in doors:
        door.close()
    frozen.thaw()
    assert took_s < 6  # 1.6 s on a quiet machine
    assert [f.source for f in record.files] == ["good"]
    assert [m.source for m in record.missing] == ["frozen"]
    assert json.loads((tmp_path / "run/evidence/manifest.json").read_text())["complete"] is False


def test_fifty_logs_and_ten_megabytes_come_within_seconds(sshd: Any, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(50):
        (logs / f"{number}.log").touch()
    door = sshd.door()
    assert len(scan(door, (f"{logs}/*.log",), Deadline.after(10)).files) == 50
    collector = LogCollector([HostPlan("app-1", door, (f"{logs}/*.log",))])
    collector.remember(Deadline.after(10))
    for number in range(50):
        append(logs / f"{number}.log", "127.0.0.1 - GET /api/v1/apps/ 200 12\n" * 100)
    append(logs / "0.log", "x" * 99 + "\n" + ("y" * 99 + "\n") * 100_000)
    bundle = Bundle(tmp_path / "run", Redactor())
    collector.collect(bundle, 20)
    record = bundle.finish()
    door.close()
    assert record.complete
    assert len(record.files) == 50
    assert sum(f.truncated for f in record.files) == 1
