"""Who holds a target: one line of plain text, the same wherever it is written down."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNFIT = re.compile(r"[^A-Za-z0-9_.@:+-]+")
_FIELD = re.compile(r"\b(run|by|since|token)=(\S*)")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Pace:
    """All runs against a target keep the same. `beat_s`: how often a claim is renewed; `lease_s`: how long one that
    nobody renews lasts where its server ends it by itself; `stale_s`: how long one that its server would keep for ever
    must stand still to count as a dead holder's; `settle_s`: after taking such a one over, until the last taker is
    sure."""

    beat_s: float = 3.0
    lease_s: float = 15.0
    stale_s: float = 12.0
    settle_s: float = 1.5


PACE = Pace()


@dataclass(frozen=True, slots=True)
class Claim:
    """`by` is user@host, `since` UTC in ISO 8601, `token` tells two claims of one run id apart. What a line of
    somebody else doesn't say is ""."""

    run: str
    by: str = ""
    since: str = ""
    token: str = ""

    @property
    def text(self) -> str:
        """One line without quotes, commas or comment signs."""
        fields = {"run": self.run, "by": self.by, "since": self.since, "token": self.token}
        return "gameday " + " ".join(f"{name}={_plain(value)}" for name, value in fields.items())

    def __str__(self) -> str:
        by = f" of {self.by}" if self.by else ""
        since = f", since {self.since}" if self.since else ""
        return f"run {self.run}{by}{since}" if self.run else f"somebody{by}{since}"


def read_claim(text: str) -> Claim:
    """The claim that a line says; of a line that says none, the line itself as who it may be."""
    found = dict(_FIELD.findall(text))
    if not found.get("run"):
        return Claim("", by=text.strip()[:_LONGEST])
    return Claim(found["run"], found.get("by", ""), found.get("since", ""), found.get("token", ""))


def _plain(value: str) -> str:
    return _UNFIT.sub("-", value)[:_LONGEST]
