"""The load: the Locust file imports, and has what the runbook asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.errors import GamedayError
from runbooks.parsing.suggestion import suggest
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.doors import LoadFacts
from runbooks.preflight.scene import Scene, failed

AREA = "load"


def check_load(scene: Scene) -> list[Check]:
    """One line for the file, one for each tag that it does not have."""
    load = scene.runbook.load
    name = load.locustfile.name
    try:
        facts = scene.world.locust(load)
    except GamedayError as error:
        return [failed(AREA, name, error, f"try it by hand: locust -f {load.locustfile} --list")]
    if not facts.users:
        return [bad(AREA, name, "has no user class", "write a class that inherits from FastHttpUser or HttpUser")]
    checks = [good(AREA, name, f"imports; users: {', '.join(facts.users)}")]
    for tag, mend in _unknown(load.tags, facts):
        checks.append(bad(AREA, name, f"no task has the tag {tag!r}", mend))
    for tag, mend in _unknown(load.exclude_tags, facts):
        checks.append(warning(AREA, name, f"no task has the excluded tag {tag!r}", mend))
    if facts.has_shape and (load.users is not None or load.spawn_rate is not None):
        text = "its load shape decides how many users there are: users and spawn_rate of the runbook do nothing"
        checks.append(warning(AREA, name, text, "take them out of load:"))
    return checks


def _unknown(tags: Iterable[str], facts: LoadFacts) -> Iterator[tuple[str, str]]:
    """Each tag that the file does not have, and how to mend it."""
    return ((tag, suggest(tag, facts.tags, what="its tags are")) for tag in tags if tag not in facts.tags)
