"""The invariants: queries and addresses are asked once, commands are only told: they are whatever the user wrote."""

from __future__ import annotations

from harness.analysis.invariant import expectation, judge_invariant, of
from harness.analysis.service_level import CommandLevel, CrashLevel, Invariant, ProbeLevel, UrlLevel
from harness.errors import BadInput, GamedayError, NotAllowed
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.scene import Scene, failed

AREA = "invariant"


def check_invariant(scene: Scene, level: Invariant) -> list[Check]:
    """One line: whether it can be asked, and whether it holds now. What it answers without load is no verdict yet."""
    if isinstance(level, CommandLevel):
        return [good(AREA, level.name, f"will run on {level.host}, before and after the faults: {level.run}")]
    try:
        answer = scene.world.invariant(level)
    except NotAllowed as error:
        return [failed(AREA, level.name, error)]
    except GamedayError as error:
        if isinstance(level, UrlLevel | ProbeLevel) and not isinstance(error, BadInput) and _starts_later(scene):
            text = f"{of(level)} does not answer yet: it is asked once toxiproxy-server runs"
            return [warning(AREA, level.name, text)]
        return [failed(AREA, level.name, error, "correct it: the run would be invalid")]
    answers = {level.name: answer}
    judged = judge_invariant(level, "baseline", answers, answers)
    if judged.met:
        return [good(AREA, level.name, f"holds now: {expectation(level)}")]
    text = judged.text.removeprefix(f"{level.name}: ").removesuffix(": not met")
    return [
        warning(AREA, level.name, f"does not hold now: {text}", "nothing is injected unless it holds at the baseline")
    ]


def check_crash_level(scene: Scene, level: CrashLevel) -> list[Check]:
    """Whether anything is watched that would tell a crash."""
    watchers = scene.world.crash_watchers(level.of)
    if watchers:
        return [good("crashes", level.name, f"told by {', '.join(watchers)}")]
    text = f"nothing of the target would tell a crash of {level.of}"
    return [bad("crashes", level.name, text, "name containers, databases, caches or watched processes in the target")]


def _starts_later(scene: Scene) -> bool:
    """A platform may have to be silent while the managed server of its proxies is not up."""
    toxiproxy = scene.target.toxiproxy
    return toxiproxy is not None and toxiproxy.managed and scene.toxiproxy is None
