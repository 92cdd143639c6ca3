"""Readings of a host out of what /proc and df say."""

from __future__ import annotations

import pytest

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.monitor.host import HostSource
from harness.reach.remote_command import CommandResult

MARK = "=gameday="


def answer(
    *,
    uptime: float = 100.0,
    cpu: str = "100 0 50 800 50 0 0 0 0 0",
    received: int = 1000,
    memory: str = "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 250 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB",
    df: str = "/dev/vda1 100 40 60 40% /\ntmpfs 100 99 1 99% /run",
) -> str:
    return (
        f"Welcome to the host\n{MARK}uptime\n{uptime} 1.0\n{MARK}stat\ncpu  {cpu}\ncpu0 {cpu}\ncpu1 {cpu}\nintr 5\n"
        f"{MARK}meminfo\n{memory}\n{MARK}loadavg\n1.50 0.9 0.5 1/100 5\n{MARK}net/dev\nInter-| Receive\n face |bytes\n"
        f"    lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n  eth0: {received} 0 0 0 0 0 0 0 500 0 0 0 0 0 0 0\n"
        f"{MARK}df\nFilesystem 1024-blocks Used Available Capacity Mounted on\n{df}\n{MARK}end\n"
    )


class Door:
    def __init__(self, *answers: str | CommandResult) -> None:
        self.answers = list(answers)
        self.closed = False

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = 0) -> CommandResult:
        given = self.answers.pop(0)
        return given if isinstance(given, CommandResult) else CommandResult(given.encode(), b"", 0)

    def close(self) -> None:
        self.closed = True


def test_the_first_reading_has_levels_and_no_rates() -> None:
    values = HostSource("app-1", Door(answer())).read()
    available = {"memory": 0.75, "memory_available_bytes": 256_000.0}
    assert values == {**available, "swap": 0.0, "load": 1.5, "cpus": 2.0, "disk": 0.4}


def test_the_second_reading_has_what_happened_in_between() -> None:
    later = answer(uptime=102.0, cpu="150 0 60 830 50 0 0 10 0 0", received=3000)
    source = HostSource("app-1", Door(answer(), later))
    source.read()
    values = source.read()
    assert values["cpu"] == 0.7
    assert values["steal"] == 0.1
    assert values["iowait"] == 0.0
    assert values["received_bytes_per_s"] == 1000
    assert values["sent_bytes_per_s"] == 0


def test_a_host_that_was_started_anew_has_no_rates_once() -> None:
    source = HostSource("app-1", Door(answer(), answer(uptime=1.0, cpu="1 0 0 1 0 0 0 0"), answer(uptime=2.0)))
    source.read()
    assert "cpu" not in source.read()
    assert "cpu" in source.read()


@pytest.mark.parametrize(
    ("df", "share"),
    [
        ("/dev/vda1 100 40 60 40% /\n/dev/vdb 100 90 10 90% /var/lib/data", 0.9),
        ("overlay 100 50 50 50% /\n/dev/loop3 100 100 0 100% /snap/core", 0.5),
        ("pool/data 100 80 20 80% /srv/my data\n/dev/vda1 100 10 90 10% /", 0.8),
        ("/dev/vda1 100 100 -5 100% /\nudev 0 0 0 - /dev", 1.0),
    ],
)
def test_the_disk_is_the_fullest_real_filesystem(df: str, share: float) -> None:
    assert HostSource("app-1", Door(answer(df=df))).read()["disk"] == share


@pytest.mark.parametrize(
    "said",
    [
        "",
        "login: motd only\n",
        answer().replace(f"{MARK}end", ""),
        answer(cpu="100 0 x"),
        answer(memory="MemTotal: 1000 kB"),
        answer(memory=""),
        CommandResult(b"", b"cat: /proc/stat: No such file", 3),
        CommandResult(answer().encode(), b"", 0, truncated=True),
    ],
)
def test_an_answer_that_is_not_whole_is_no_reading(said: str | CommandResult) -> None:
    with pytest.raises(ReachFailed, match="no reading"):
        HostSource("app-1", Door(said)).read()


def test_closing_closes_the_door() -> None:
    door = Door()
    HostSource("app-1", door).close()
    assert door.closed
