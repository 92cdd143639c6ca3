"""Whether another game day holds the target now, as the places that can hold a claim say."""

from __future__ import annotations

from harness.errors import GamedayError
from runbooks.claim_places import claim_places
from runbooks.preflight.check import Check, good, refused, warning
from runbooks.preflight.scene import Scene
from runbooks.target_claim import MEND

AREA = "claim"


def check_claims(scene: Scene) -> list[Check]:
    """One line for the places that are free, and one for each of the others; a warning where the target has none."""
    places = [place.name for place in claim_places(scene.target)]
    if not places:
        text = "nothing at this target can hold a claim: a run from another machine would not be noticed"
        return [warning(AREA, "target", text, "name a database or a cache of it in the target file")]
    found = {place: _look(scene, place) for place in places}
    free = [place for place, check in found.items() if check is None]
    told = [good(AREA, "target", f"no other game day holds it (asked: {', '.join(free)})")] if free else []
    return [*told, *(check for check in found.values() if check is not None)]


def _look(scene: Scene, place: str) -> Check | None:
    """None: nobody holds it there."""
    try:
        seen = scene.world.claim(place)
    except GamedayError as error:
        return warning(AREA, place, f"can't be asked who holds it: {error.what}", error.mend)
    if seen is None:
        return None
    if seen.alive:
        return refused(AREA, place, f"held by {seen.claim}", MEND)
    return warning(AREA, place, f"{seen.claim} has left its claim there, and died: it is waited out or taken over")
