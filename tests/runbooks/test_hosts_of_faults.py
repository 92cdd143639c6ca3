"""Hosts as faults see them: preflight's lines, the readings that prove a pressure, and hosts that are gone for good."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from faults.catalog import KINDS
from faults.fault import FaultPlan
from faults.hosts.facts import Facts
from faults.hosts.host_fault import Look
from faults.hosts.host_undo import HostUndo
from faults.objection import Objection
from faults.undo import ProcessUndo
from harness.clock import Clock
from harness.errors import GamedayError, HostKeyRefused, ReachFailed
from harness.journal.record import Readings, RunStarted, UndoWritten
from harness.journal.writer import Journal
from runbooks.cli import gameday
from runbooks.gone_hosts import why_gone
from runbooks.observations import Observations
from runbooks.preflight import Options
from runbooks.preflight.host_fault_check import check_host_fault
from runbooks.preflight.scene import Scene
from runbooks.sandbox.place import sandboxes_folder
from runbooks.target import Host, Target

PLAN = FaultPlan(
    "f1", "busy", "host-cpu", "app-1", KINDS["host-cpu"].params.model_validate({"cores": 1}), 0.0, 5.0, "host"
)
TARGET = Target(
    path=Path("t.yaml"), text="", name="t", environment="practice", base_url="http://127.0.0.1", allow=("127.0.0.1",),
    toxiproxy=None, proxies={}, databases={}, caches={}, hosts={"app-1": Host("app-1", "deploy@127.0.0.1:2222")},
)  # fmt: skip


class FakeWorld:
    """A host that says something, or can't be asked."""

    def __init__(self, answer: Look | GamedayError) -> None:
        self._answer = answer

    def host_fault(self, fault: FaultPlan) -> Look:
        if isinstance(self._answer, GamedayError):
            raise self._answer
        return self._answer


def check(answer: Look | GamedayError) -> list[tuple[bool | None, bool, str, str]]:
    scene = Scene(None, TARGET, Options(), FakeWorld(answer))  # type: ignore[arg-type]
    return [(c.ok, c.refusal, c.detail, c.mend) for c in check_host_fault(scene, PLAN)]


def test_preflight_says_what_a_fault_will_take_and_each_objection() -> None:
    assert check(Look(Facts(), (), {}, "keeps 1 of 2 processors busy")) == [
        (True, False, "on app-1 keeps 1 of 2 processors busy", "")
    ]
    objections = (Objection("it lacks sleep", "install it"), Objection("it is ssh", "name another", refusal=True))
    assert check(Look(Facts(), objections, {})) == [
        (False, False, "it lacks sleep", "install it"),
        (False, True, "it is ssh", "name another"),
    ]
    assert check(ReachFailed("nobody listens"))[0][3] == "try the host by hand: ssh deploy@127.0.0.1:2222"
    assert check(HostKeyRefused("CHANGED", mend="ssh-keyscan"))[0][1] is True


def test_the_readings_of_hosts_and_their_processes_are_meant_over_the_stretch() -> None:
    seen = Observations()
    for t, source, cpu in ((1.0, "app-1", 0.2), (2.0, "app-1", 0.4), (2.0, "app-1.web", 0.1), (9.0, "app-1", 1.0)):
        seen.add(Readings(t=t, source=source, values={"cpu": cpu}))
    seen.add(Readings(t=2.0, source="database.main", values={"connections": 4.0}))
    between = seen.between(0.0, 5.0).readings
    assert {source: round(values["cpu"], 3) for source, values in between.items()} == {"app-1": 0.3, "app-1.web": 0.1}


def undo(host: str, identity: str) -> HostUndo:
    return HostUndo(
        fault_id="f1", kind="process-pause", host=host, ssh="me@127.0.0.1", identity=identity, folder="/tmp/gameday-x",
        what="1 process stopped", by_hand="", ends_itself=False, over_at="2020-01-01T00:00:00+00:00",
    )  # fmt: skip


def test_a_host_is_gone_when_a_person_says_so_or_its_sandbox_is() -> None:
    assert why_gone(undo("app-1", "/home/me/key"), ["app-1"]) == "the host app-1 is gone for good, a person says"
    assert why_gone(undo("app-1", "/home/me/key"), ["app-2"]) == ""
    assert why_gone(undo("app-1", ""), []) == ""
    root = sandboxes_folder()
    assert why_gone(undo("app-1", str(root / "no-such-one-x" / "keys" / "client")), []).startswith(
        "its sandbox is gone"
    )
    assert why_gone(ProcessUndo(fault_id="f1", pgid=1, start_ticks=1, what="locust"), ["app-1"]) == ""


def test_gameday_heal_closes_what_was_left_on_a_host_that_is_gone(tmp_path: Path) -> None:
    clock = Clock.start()
    run = tmp_path / "runs" / "20250101-000000-x-ab12"
    left = undo("app-1", str(tmp_path / "no-key"))
    with Journal(run / "journal", "conductor", clock) as journal:
        journal.write(
            RunStarted(
                run=run.name, version="0", started_at=clock.started_at.isoformat(), runbook="t", runbook_path="b",
                hypothesis="h", expect="held", target="t", target_path="t", environment="practice", base_url="http://x",
            )
        )  # fmt: skip
        journal.write(UndoWritten(fault_id="f1", undo=left.model_dump(mode="json")))
    heal = ["heal", "--runs", str(tmp_path / "runs")]

    not_yet = CliRunner().invoke(gameday, heal)
    assert not_yet.exit_code == 13
    assert "the identity file does not exist" in not_yet.output
    assert "gameday heal --gone app-1" in not_yet.output
    closed = CliRunner().invoke(gameday, [*heal, "--gone", "app-1"])
    assert (closed.exit_code, "the host app-1 is gone for good, a person says" in closed.output) == (0, True)
    assert "nothing to heal" in CliRunner().invoke(gameday, heal).output
