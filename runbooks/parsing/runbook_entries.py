"""What a person may write in a runbook, key by key; faults, levels and conditions have files of their own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from runbooks.parsing.alert_entry import AlertEntry
from runbooks.parsing.amount import Length, Moment, Processes, Stretch, Text, Users, UsersPerSecond
from runbooks.parsing.rollback_entry import RollbackEntry
from runbooks.parsing.validation import Entry

Raw = dict[str, Any]
"""An entry of a list whose model depends on what stands in it."""


class LoadEntry(Entry):
    """What Locust plays. What is left out, the user's own Locust configuration decides."""

    locustfile: Text = Field(description="an ordinary Locust file, relative to the runbook")
    tags: list[Text] = Field(default=[], description="only tasks with one of these tags")
    exclude_tags: list[Text] = Field(default=[], description="no tasks with one of these tags")
    users: Users | None = Field(default=None, description="how many users at the peak")
    spawn_rate: UsersPerSecond | None = Field(default=None, description="users started per second")
    processes: Processes | None = Field(default=None, description="load processes; auto: one for each core")
    args: list[Text] = Field(default=[], description="more arguments for Locust, as on its command line")


class PhasesEntry(Entry):
    """How long the phases last; the faults phase lasts until the last fault has ended."""

    warm_up: Moment = Field(default=10.0, json_schema_extra={"default": "10s"})
    baseline: Stretch = Field(default=15.0, json_schema_extra={"default": "15s"})
    faults: Stretch | None = Field(default=None, description="at least this long; no fault may end later")
    recovery: Moment = Field(default=20.0, json_schema_extra={"default": "20s"})


class EmergencyEntry(Entry):
    """The emergency procedure."""

    collect: list[Text] | None = Field(default=None, description="hosts, containers, or some by name; all by default")
    rollback: list[RollbackEntry] = Field(default=[])


class NotifyEntry(Entry):
    """Who is told."""

    slack: Annotated[str, Field(pattern=r"^[#@]?[^\s#@]{1,80}$")] = Field(
        default="", description='a channel such as "#game-day", in quotes'
    )


class RecoverWithin(Entry):
    """The time that recovery may take, by itself: to check it where the rest of the file is broken."""

    recover_within: Length


class RunbookFile(Entry):
    """A runbook: hypothesis, load, service levels, faults on a timeline, stop conditions, emergency procedure."""

    title: Text
    hypothesis: Text
    expect: Literal["held", "deviated", "stopped"] = "held"
    load: LoadEntry
    phases: PhasesEntry = PhasesEntry()
    recover_within: Length | None = Field(default=None, description="by default the length of the recovery phase")
    service_levels: list[Raw] = Field(min_length=1)
    faults: list[Raw] = Field(default=[])
    alerts: list[AlertEntry] = Field(default=[], description="what the alerting should do")
    stop_when: list[Raw] | None = Field(
        default=None, description="left out: an error rate above 1%; [] means that only a person stops the run"
    )
    emergency: EmergencyEntry = EmergencyEntry()
    notify: NotifyEntry = NotifyEntry()
    roles: dict[Text, str] = Field(
        default={}, description="who does what, for gameday plan: {lead: Ada, on call: Grace}"
    )
