"""What a host says over SSH: a banner, another program's output, a locale, half a line, no text at all.

Each reader of it either understands, or says ReachFailed; a number that is none is no reading.
"""

# ruff: noqa: PT017 - a call may go well or fail, and how it fails is what is looked at

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faults.catalog import build, kind_named
from faults.fault import FaultPlan
from faults.hosts.action import HostAction, general_objections
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.hosts.host_undo import HostUndo, end_on_host
from harness.clock import Clock, Deadline
from harness.errors import NotHealed, ReachFailed
from harness.evidence.bundle import Bundle
from harness.evidence.host_collection import HostCollection, HostPlan
from harness.journal.record import Gap, Readings
from harness.monitor.host import HostSource
from harness.monitor.process_census import count
from harness.monitor.sampler import Sampler
from harness.reach.allow_list import AllowList
from harness.reach.foreign_clock import host_time
from harness.reach.remote_command import CommandResult
from harness.redaction import Redactor

MARK = "=gameday="
CPU = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 100 0 50 800 50 0 0 0 0 0"
READING = f"""{MARK}uptime
100.5 1.0
{MARK}stat
{CPU}
{MARK}meminfo
MemTotal: 1000 kB
MemAvailable: 250 kB
SwapTotal: 10 kB
SwapFree: 5 kB
{MARK}loadavg
1.50 0.9 0.5 1/100 5
{MARK}net/dev
  eth0: 1000 0 0 0 0 0 0 0 500 0 0 0 0 0 0 0
{MARK}df
/dev/vda1 100 40 60 40% /
{MARK}io
/proc/diskstats:   8  0 sda 10 0 80 5 10 0 80 5 0 10 10
/proc/pressure/cpu:some avg10=0.00 avg60=0.00 avg300=0.00 total=1000
/proc/net/snmp:Tcp: 1 200 120000 -1 1 1 1 1 1 100 100 3 0 3
/proc/vmstat:oom_kill 0
/sys/class/net/eth0/speed:1000
whole /sys/block/sda
{MARK}processes
ok
own 0 12
files 12 7
/proc/12/stat:12 (web) S 1 12 12 0 -1 0 0 0 0 0 50 10 0 0 20 0 3 0 500
/proc/12/task/13/stat:13 (web) D 1 12 12 0 -1 0 0 0 0 0 50 10 0 0 20 0 3 0 500
/proc/12/task/13/schedstat:100 200 3
/proc/12/status:RssAnon:  100 kB
/proc/12/io:read_bytes: 100
{MARK}end
"""
LOGS = "\0".join(
    [MARK, "matched", "/var/log/a.log", "1:2", "5", "68656c6c6f", "error", "/x", "no file", "", "", MARK, ""]
)
FACTS = (
    "root yes\nprocess 12 S 500\ncpus 4\nticks 50 1000\nfree 9000000 9000000\nsize 90000000\n"
    "available 9000000000\nheld 0\npath /var/lib/app ext4\nabove 1\nloops 2\nwritten 5000\nnetem yes\nclient 10.0.0.9\n"
    "interface eth0 yes\nqueue eth0 noqueue\n"
    "rtt 10.0.0.5 1\nstate active\nlogind stays\nend\n"
)
CLOCK = "1790000000.123456789\n"
UNDONE = "healed guardian\n"
WORDS = st.sampled_from(
    [
        "-1",
        "--5",
        "²",
        "٣",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "9" * 400,
        "9" * 5000,
        "",
        "0",
        "\0",
        "\n",
        "a b",
        MARK,
        "%",
        "/",
        "own 9 x",
        "child 0",
        "files 1",
        "end",
        "\x85",
        "’",
        "0x1f",
        "1_0",
    ]
)


@st.composite
def spoilt(draw: st.DrawFn, sound: str) -> bytes:
    """What the host should have said, with some of its words or bytes replaced, repeated or left out."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    pieces = sound.split(" ") if draw(st.booleans()) else sound.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(pieces) - 1))
        how = draw(st.sampled_from(["word", "cut", "twice", "swap", "number"]))
        if how == "cut":
            pieces[at] = ""
        elif how == "twice":
            pieces[at] *= 2
        elif how == "swap":
            other = draw(st.integers(0, len(pieces) - 1))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        else:
            end = "\n" if pieces[at].endswith("\n") else ""
            pieces[at] = (draw(WORDS) if how == "word" else str(draw(st.integers()))) + end
    joined = (" " if sound.split(" ", maxsplit=1)[0] == pieces[0] else "").join(pieces)
    raw = joined.encode("utf-8", "surrogateescape")
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.integers(0, 5)) == 0 else raw


def results(sound: str) -> st.SearchStrategy[CommandResult]:
    return st.builds(
        CommandResult,
        spoilt(sound),
        st.just(b"") | st.binary(max_size=20),
        st.sampled_from([0, 0, 0, 1, 127, 255]),
        st.sampled_from([False, False, False, True]),
    )


class Host:
    """A door behind which everything is answered by what is at hand."""

    def __init__(self, *answers: CommandResult) -> None:
        self.answers = list(answers)

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = 0, input: bytes = b"") -> CommandResult:  # noqa: A002 - the door's
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self) -> None:
        """Nothing is open."""


@example(answers=[CommandResult(READING.replace("cpu  ", "cp ").encode(), b"", 0)])
@given(answers=st.lists(results(READING), min_size=2, max_size=3))
def test_a_reading_of_a_host_is_numbers_or_a_gap(answers: list[CommandResult]) -> None:
    source, told = HostSource("app-1", Host(*answers), processes={"web": "web*"}), []
    sampler = Sampler(source, told.append, Clock.start())
    for _ in answers:
        with contextlib.suppress(ReachFailed):
            source.read()
        sampler._take()
    for record in told:
        assert isinstance(record, Readings | Gap) or record.kind in ("crash", "clock-offset")
        if isinstance(record, Readings):
            assert all(math.isfinite(value) for value in record.values.values())


@given(said=results(READING))
def test_processes_are_counted_or_the_host_is_said_not_to_answer(said: CommandResult) -> None:
    with contextlib.suppress(ReachFailed):
        found = count(Host(said).run, {"web": "web*", "db": "postgres*"}, Deadline.after(5))
        assert found is None or all(number >= 0 for number in found.values())


@given(said=spoilt(CLOCK))
def test_a_clock_is_read_or_said_to_be_unreadable(said: bytes) -> None:
    with contextlib.suppress(ReachFailed):
        assert host_time(said.decode("utf-8", "replace")).epoch_s > 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evidence")


@example(before=CommandResult(f"{MARK}\0a\0b\0{MARK}\0".encode(), b"", 0), answers=[CommandResult(b"", b"", 0)])
@given(before=results(LOGS), answers=st.lists(results(LOGS) | results("hello"), min_size=1, max_size=4))
def test_collecting_ends_with_evidence_or_with_the_reason_why_there_is_none(
    folder: Path, before: CommandResult, answers: list[CommandResult]
) -> None:
    collection = HostCollection(HostPlan("app-1", Host(before, *answers), ("/var/log/*.log",), ("df -h",)))
    bundle = Bundle(folder, Redactor())
    collection.remember(Deadline.after(5))
    collection.collect(bundle, Deadline.after(5))


PARAMS = {
    "host-cpu": {"share": "50%"},
    "host-memory": {"amount": "512MB"},
    "host-disk": {"path": "/var/lib/app", "amount": "1GB"},
    "host-disk-io": {"path": "/var/lib/app"},
    "host-network": {"interface": "eth0", "towards": ["10.0.0.5"], "delay": "100ms"},
    "process-pause": {"process": "web"},
    "service-stop": {"unit": "web.service"},
}


HOST = FaultHost("app-1", "app@127.0.0.1", AllowList(["127.0.0.0/8", "10.0.0.0/8"]), lambda *_: ((12, 500),))


def _action(kind: str) -> HostAction:
    found = kind_named(kind)
    assert found is not None
    plan = FaultPlan("f1", "f", kind, "app-1", found.params.model_validate(PARAMS[kind]), 0.0, 1.0, "host")
    return build(plan, HOST, "r")._action


@given(kind=st.sampled_from(sorted(PARAMS)), before=spoilt(FACTS), now=spoilt(FACTS))
def test_what_a_program_on_a_host_says_is_facts_or_no_answer(kind: str, before: bytes, now: bytes) -> None:
    with contextlib.suppress(ReachFailed):
        looks = [Facts.read(said.decode(errors="replace"), "host app-1") for said in (before, now)]
        fault = _action(kind)
        if not [*general_objections(fault, looks[0]), *fault.against(looks[0])]:
            chosen = fault.choose(HOST, Host(CommandResult(before, b"", 0)), "f1", Deadline.after(5))
            values = {**chosen, **fault.settle(looks[0]), "dir": "/tmp/g"}
            assert fault.what(values)
            assert fault.by_hand(values) is not None
            assert fault.says(looks[0])
        for effect in (fault.effect(*looks), fault.healed(*looks)):
            assert effect.expected
            assert effect.measured.text


@given(said=results(UNDONE))
def test_a_fault_on_a_host_is_off_only_where_the_host_says_so(said: CommandResult) -> None:
    undo = HostUndo(
        fault_id="f1",
        kind="host-cpu",
        host="app-1",
        ssh="app@127.0.0.1",
        folder="/tmp/g",
        what="burners",
        by_hand="",
        ends_itself=True,
        over_at="2099-01-01T00:00:00+00:00",
    )
    allow = AllowList(["127.0.0.0/8"])
    try:
        end_on_host(undo, Deadline.after(3), allow, Host(said))
    except NotHealed as error:
        assert error.mend.startswith("ssh ")
    else:
        assert b"healed" in said.stdout
