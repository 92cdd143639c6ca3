"""The guide's plain load test: a runbook without faults, made of one that is there and of what a person asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import BadInput
from harness.report import format as say
from runbooks.parsing.as_played import AsPlayed
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.reading_glob import CONTAINERS, sources_of

PRESETS: Mapping[str, int] = {"minimum": 100, "target": 500, "peak": 1000}
"""The guide's numbers of users."""
SETTLE_S = 5.0
"""After the last user has come: log-ins and caches are no part of what is measured."""
SHORTEST_S = 5.0


@dataclass(frozen=True, slots=True)
class LoadTest:
    """What a person asks for. `run_time_s` is the whole of it, as in Locust: ramp-up, settling, measuring.

    None: as the runbook has it.
    """

    users: int
    spawn_rate: float
    run_time_s: float
    tags: tuple[str, ...] | None = None
    exclude_tags: tuple[str, ...] | None = None
    processes: int | None = None
    locustfile: Path | None = None

    @property
    def warm_up_s(self) -> float:
        """Until all users are there and have settled."""
        return math.ceil(self.users / self.spawn_rate) + SETTLE_S

    @property
    def measured_s(self) -> float:
        return self.run_time_s - self.warm_up_s


@dataclass(frozen=True, slots=True)
class Composed:
    """The runbook's text, and what of the original is left out of it and why, a line each."""

    played: AsPlayed
    left_out: tuple[str, ...]


def gentle_rate(users: int) -> float:
    """Users a second: 10, and more for many, so that all are there in 20 s."""
    return max(10.0, users / 20)


def compose(book: Path, test: LoadTest, names: TargetNames) -> Composed:
    """The runbook in `book` as a load test, for a target with these names. The text has no times of the day in it: the
    same request gives the same text. Raises BadInput where the run time leaves nothing to measure."""
    if test.measured_s < SHORTEST_S:
        needed = say.seconds(test.warm_up_s + SHORTEST_S)
        ramp = f"{test.users} users at {test.spawn_rate:g} a second come and settle in {say.seconds(test.warm_up_s)}"
        raise BadInput(
            f"a run time of {say.seconds(test.run_time_s)} leaves nothing to measure: {ramp}",
            mend=f"--run-time {needed} or more, or a higher --spawn-rate",
        )
    keys = dict(yaml.safe_load(book.read_text(encoding="utf-8")))
    left_out = _fit(keys, names)
    if keys.pop("faults", None):
        left_out.append("the faults: a load test injects none")
    for key in ("expect", "recover_within"):
        keys.pop(key, None)
    users = f"{test.users} user{'' if test.users == 1 else 's'}"
    keys["title"] = f"Load test: {users} for {say.seconds(test.run_time_s)}"
    keys["hypothesis"] = f"With {users} the platform stays within its service levels."
    keys["load"] = _load(keys.get("load"), test)
    keys["phases"] = {"warm_up": _say(test.warm_up_s), "baseline": _say(test.measured_s), "recovery": 0}
    text = f"# Made by `gameday load` of {book.name}.\n{yaml.safe_dump(keys, sort_keys=False, width=120)}"
    return Composed(AsPlayed(text), tuple(left_out))


def _load(written: Any, test: LoadTest) -> dict[str, Any]:
    load = dict(written) if isinstance(written, dict) else {}
    load |= {"users": test.users, "spawn_rate": round(test.spawn_rate, 6)}
    asked: dict[str, Any] = {
        "locustfile": str(test.locustfile.resolve()) if test.locustfile else None,
        "tags": list(test.tags) if test.tags is not None else None,
        "exclude_tags": list(test.exclude_tags) if test.exclude_tags is not None else None,
        "processes": "auto" if test.processes == -1 else test.processes,
    }
    return load | {key: value for key, value in asked.items() if value is not None}


def _fit(keys: dict[str, Any], names: TargetNames) -> list[str]:
    """Take out the levels and conditions on what the target does not have: readings of a host, a crash that nobody
    would see."""
    left_out = []
    for section in ("service_levels", "stop_when"):
        entries = keys.get(section)
        if not isinstance(entries, list):
            continue
        missing = [(entry, _missing(entry, names)) for entry in entries]
        keys[section] = [entry for entry, lacks in missing if not lacks]
        left_out += [f"{entry.get('name') or entry.get('of')}: {lacks}" for entry, lacks in missing if lacks]
    return left_out


def _missing(entry: object, names: TargetNames) -> str:
    """What a level or condition needs and the target lacks, as a sentence; "" where nothing is lacking."""
    if not isinstance(entry, dict):
        return ""
    if "crashes" in entry:
        watched = names.containers is not None or set(sources_of(names)) - names.hosts
        return "" if watched else "nothing of the target would tell a crash"
    reading = entry.get("of") if entry.get("condition") == "reading" else entry.get("reading")
    source = reading.rpartition(".")[0] if isinstance(reading, str) else ""
    if not source or "*" in source or source.startswith(CONTAINERS) or source in sources_of(names):
        return ""
    return f"the target has no {source}"


def _say(length_s: float) -> str:
    return f"{length_s:g}s"
