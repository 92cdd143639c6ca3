"""The record of the lease keeper: a small program beside a Toxiproxy of another machine, which heals when we can't."""

from __future__ import annotations

from typing import Literal

from harness.journal.base import Record


class LeaseKept(Record):
    """What became of the lease on a Toxiproxy of another machine. `stands`: its keeper runs on `host` and has been told
    what to watch over; `lost`: it ended, no longer answers, or takes the faults off by itself (`detail` says which);
    `ended`: it was dismissed, since nothing was open any more; `left`: something was, so that it heals by itself."""

    kind: Literal["lease"] = "lease"
    host: str
    state: Literal["stands", "lost", "ended", "left"]
    detail: str = ""
