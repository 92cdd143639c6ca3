"""Faults on one cache at once: each pauses or fills the same server, and neither could be told from the other."""

from __future__ import annotations

from collections.abc import Sequence

from faults.fault import FaultPlan
from faults.quantity import say_seconds
from runbooks.parsing.validation import Checked


def check_caches(plans: Sequence[FaultPlan], checked: Checked) -> None:
    """A defect for each fault on a cache that starts while another one is on it."""
    on_caches = sorted((p for p in plans if p.on == "cache"), key=lambda p: p.at_s)
    for index, second in enumerate(on_caches):
        for first in on_caches[:index]:
            if first.place == second.place and second.at_s < first.at_s + first.for_s:
                what = f"{first.name!r} and {second.name!r} sit on the cache {second.place!r} at once"
                mend = f"start {second.name!r} at {say_seconds(first.at_s + first.for_s)} or later"
                checked.defect(("faults", int(second.id[1:]) - 1), what, mend)
