"""The lines that load processes send, validated at the conductor's end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harness.journal.record import RequestStats


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Start(_Message):
    """The process that starts Locust is there; the Locust file is not imported yet."""

    type: Literal["start"] = "start"
    pid: int


class Hello(_Message):
    """A runner is there. A master makes no requests: it sends no windows."""

    type: Literal["hello"] = "hello"
    pid: int
    role: Literal["local", "master", "worker"]
    tick: int


class ProcessWindow(_Message):
    """One tick of one load process; `start` and `end` on the boot clock, `cpu` a share of one core."""

    type: Literal["window"] = "window"
    pid: int
    tick: int
    start: float
    end: float
    names: dict[str, RequestStats] = Field(default_factory=dict)
    users: int = 0
    in_flight: int = 0
    oldest_in_flight_s: float = 0.0
    task_errors: int = 0
    lag_ms: float = 0.0
    cpu: float = 0.0
    dropped: int = 0


class Broken(_Message):
    """The Locust file raised when it was imported."""

    type: Literal["broken"] = "broken"
    what: str
    file: str = ""
    line: int = 0


class Remark(_Message):
    """Something a person should see."""

    type: Literal["note"] = "note"
    text: str


class Page(_Message):
    """Locust's own web page is up."""

    type: Literal["page"] = "page"
    url: str


class Steered(_Message):
    """Somebody changed the number of users while the load ran; `users` is what is wanted now."""

    type: Literal["steered"] = "steered"
    users: int


class Halted(_Message):
    """The load was stopped in Locust, which itself goes on: on its web page, or by a run time of the user's own."""

    type: Literal["halted"] = "halted"
    by_person: bool


class Outside(_Message):
    """Connects to addresses outside the allow-list that were refused since the last such message, by "host:port"."""

    type: Literal["outside"] = "outside"
    connects: dict[str, int]


Message = Start | Hello | ProcessWindow | Broken | Remark | Page | Steered | Halted | Outside
_ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def parse(line: bytes) -> Message:
    """One line as a message; raises ValueError (pydantic's) if it is none."""
    return _ADAPTER.validate_json(line)
