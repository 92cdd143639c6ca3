"""Who holds a target now, for `gameday status`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from harness.errors import ReachFailed
from runbooks.claim_places import ClaimPlace, claim_places
from runbooks.target import Target


def holders_of(target: Target) -> Iterator[str]:
    """A line for each place that can hold a claim."""
    places = tuple(claim_places(target))
    if not places:
        yield f"target {target.name}: nothing there can hold a claim (no database, no cache, no Toxiproxy of its own)"
    for place in places:
        yield f"target {target.name}, {place.name}: {_told(place)}"


def _told(place: ClaimPlace) -> str:
    pause = threading.Event()
    try:
        seen = place.seen(lambda seconds: not pause.wait(seconds))
    except ReachFailed as error:
        return f"can't be asked who holds it: {error}"
    if seen is None:
        return "no game day holds it"
    return f"held by {seen.claim}" if seen.alive else f"claimed by {seen.claim}, which seems dead"
