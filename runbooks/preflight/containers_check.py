"""The containers: the engine answers, each one named is there and runs, and what the runbook says of them fits."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.service_level import ReadingLevel
from harness.errors import GamedayError
from harness.guard.reading import ReadingLimit
from harness.reach.container_facts import ContainerState
from harness.reach.container_roster import ContainerChoice, Member, is_named
from runbooks.parsing.reading_glob import CONTAINERS, is_glob
from runbooks.parsing.suggestion import suggest
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.doors import ContainersFacts
from runbooks.preflight.scene import Scene, failed
from runbooks.runbook import Runbook

AREA = "containers"
_MOST_TOLD = 6


def check_containers(scene: Scene) -> list[Check]:
    """One line for the engine and what it has, one for everything that is not as it should be."""
    choice = scene.target.containers
    if choice is None:
        return []
    try:
        facts = scene.world.containers(choice)
    except GamedayError as error:
        return [failed(AREA, "engine", error, "try it by hand: docker version")]
    members = {member.short: state for member, state in facts.found}
    checks = [*_missing(choice, facts)]
    if members:
        checks = [good(AREA, "engine", _told(facts)), *checks, *_none_runs(members)]
    for member, state in facts.found:
        checks += _state(choice, member, state)
    return [*checks, *_unknown(scene.runbook, facts.found)] if members else checks


def _told(facts: ContainersFacts) -> str:
    shorts = [member.short for member, _ in facts.found]
    more = f" and {len(shorts) - _MOST_TOLD} more" if len(shorts) > _MOST_TOLD else ""
    return f"Docker {facts.engine.version} at {facts.engine.where}: {', '.join(shorts[:_MOST_TOLD])}{more}"


def _missing(choice: ContainerChoice, facts: ContainersFacts) -> Iterator[Check]:
    labels = ", ".join(f"{key}={value}" if value else key for key, value in choice.labels.items())
    for name in choice.names:
        if not any(is_named(member.listed, (name,)) for member, _ in facts.found):
            among = f" among those with {labels}" if labels else ""
            yield bad(AREA, name, f"no such container{among}", suggest(name, facts.others, what="there are"))
    if not choice.names and not facts.found:
        mend = "are they made yet? docker ps --all --no-trunc shows what there is"
        yield bad(AREA, labels, f"no container carries them at {facts.engine.where}", mend)


def _none_runs(members: dict[str, ContainerState]) -> Iterator[Check]:
    if not any(state.running for state in members.values()):
        yield bad(AREA, "running", "none of them runs", "start the platform: docker compose up -d")


def _state(choice: ContainerChoice, member: Member, state: ContainerState) -> Iterator[Check]:
    short = member.short
    done = state.status == "exited" and state.exit_code == 0  # a job, such as a migration
    named = is_named(member.listed, choice.names)
    if not state.running and (named or not done):
        code = f" with code {state.exit_code}" if state.status == "exited" else ""
        say = bad if named else warning
        yield say(AREA, short, f"does not run: {state.status}{code}", f"docker logs {member.listed.name} says why")
    if state.health == "unhealthy":
        yield warning(AREA, short, "its health check fails", f"docker inspect {member.listed.name} has what it said")
    if state.log_driver == "none":
        yield warning(AREA, short, "its log is not kept: it will be missing", "give it another logging driver")


def _unknown(runbook: Runbook, found: tuple[tuple[Member, ContainerState], ...]) -> Iterator[Check]:
    """What the runbook says of containers that are not there."""
    shorts = {member.short for member, _ in found}
    names = shorts | {member.listed.name for member, _ in found}
    readings = [r.reading for r in (*runbook.service_levels, *runbook.stop_when)
                if isinstance(r, ReadingLevel | ReadingLimit)]  # fmt: skip
    for reading in readings:
        short = reading.rpartition(".")[0].removeprefix(CONTAINERS)
        if reading.startswith(CONTAINERS) and not is_glob(reading) and short not in shorts:
            yield bad(AREA, reading, f"there is no container {short!r}", suggest(short, shorts, what="there are"))
    for word in runbook.collect:
        if word.startswith(CONTAINERS) and word.removeprefix(CONTAINERS) not in names:
            mend = suggest(word.removeprefix(CONTAINERS), shorts, what="there are")
            yield bad(AREA, word, "there is no such container to collect from", mend)
