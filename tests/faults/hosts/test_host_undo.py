"""The undo record of a fault on a host: what a person types, and what is said where nobody can be asked."""

from __future__ import annotations

import json

import pytest

from faults import healing
from faults.hosts import host_undo
from faults.hosts.host_undo import HostUndo
from harness.clock import Deadline
from harness.errors import NotHealed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.remote_command import CommandResult
from harness.redaction import Redactor


def undo(**changes: object) -> HostUndo:
    record: dict[str, object] = {
        "fault_id": "f1",
        "kind": "process-pause",
        "host": "app-1",
        "ssh": "deploy@10.0.0.7:2222",
        "identity": "/home/me/.ssh/id",
        "folder": "/tmp/gameday-r-f1-1",
        "values": {"dir": "/tmp/gameday-r-f1-1", "processes": "7:100"},
        "what": "1 process of web stopped",
        "by_hand": "kill -CONT 7",
        "ends_itself": False,
        "over_at": "2020-01-01T00:00:00+00:00",
    }
    return HostUndo.model_validate(record | changes)


@pytest.mark.parametrize(
    ("ssh", "way"),
    [
        ("deploy@10.0.0.7:2222", "ssh -p 2222 deploy@10.0.0.7"),
        ("deploy@app.example", "ssh deploy@app.example"),
        ("app-1", "ssh app-1"),
        ("me@[::1]:2200", "ssh -p 2200 me@::1"),
        ("me@::1", "ssh me@::1"),
        ("ssh://me@host:22", "ssh -p 22 me@host"),
    ],
)
def test_a_person_is_told_the_very_command(ssh: str, way: str) -> None:
    assert healing.command_of(undo(ssh=ssh, identity="")) == f"{way} 'kill -CONT 7'"
    typed = healing.command_of(undo(ssh=ssh, by_hand=""))
    assert typed.startswith(way.rpartition(" ")[0])
    assert typed.endswith("'sh /tmp/gameday-r-f1-1/guardian =gameday= heal 10'")


def test_it_comes_back_from_the_journal_as_it_was_also_through_redaction() -> None:
    written = undo()
    assert healing.read_undo(json.loads(Redactor().text(written.model_dump_json()))) == written
    assert healing.what_is(written) == "1 process of web stopped on host app-1"


class Door:
    """A host that answers with a text, or not at all."""

    def __init__(self, answer: str | None) -> None:
        self._answer = answer
        self.asked = ""

    def run(self, command: str, deadline: Deadline, *, input: bytes) -> CommandResult:  # noqa: A002 - the door's own
        self.asked = command
        if self._answer is None:
            raise ReachTimeout("the host does not answer", where="app-1")
        return CommandResult(self._answer.encode(), b"", 0)


def heal(record: HostUndo, answer: str | None) -> str:
    door = Door(answer)
    healed = host_undo.end_on_host(record, Deadline.after(5), AllowList(()), door)  # type: ignore[arg-type]
    assert door.asked == "sh -s =gameday= heal 4"
    return healed.rung


def test_what_the_host_says_decides() -> None:
    assert heal(undo(), "welcome\nhealed guardian\n") == "undone"
    assert heal(undo(), "healed\n") == "checked"
    with pytest.raises(NotHealed, match="1 of its processes are still stopped") as raised:
        heal(undo(), "left 1 of its processes are still stopped\n")
    assert raised.value.mend.startswith("ssh -p 2222")
    with pytest.raises(NotHealed, match="the host did not say how"):
        heal(undo(), "This account is not available.\n")


def test_only_what_ends_by_itself_is_certain_after_its_time() -> None:
    assert heal(undo(ends_itself=True), None) == "lease"
    with pytest.raises(NotHealed, match="unless that was killed") as raised:
        heal(undo(), None)
    assert "gameday heal --gone app-1" in raised.value.mend
    with pytest.raises(NotHealed, match="at 2999"):
        heal(undo(ends_itself=True, over_at="2999-01-01T00:00:00+00:00"), None)


def test_a_kind_of_another_version_is_not_guessed_at() -> None:
    with pytest.raises(NotHealed, match="heal it with the version that ran it"):
        heal(undo(kind="host-clock"), "healed\n")
