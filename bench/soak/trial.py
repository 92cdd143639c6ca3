"""One trial: a real game day, a kill at a random moment, and how long it takes until nothing is left."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from bench.soak.kinds import Played
from bench.soak.leftover import left
from bench.soak.site import Site
from bench.soak.victim import BOTH, MOMENTS, OF_THE_SITE, VICTIMS, Moment, Victim, kill, records
from harness.clock import Deadline, boot_s

ROOT = Path(__file__).parents[2]
FAULT_S = 6.0
WITHIN_S = 3.0
"""A living healer, or a living conductor, has so long after the last kill."""
RESTART_WITHIN_S = 5.0
"""A killed toxiproxy-server is started again, and traffic flows."""
_CLI = "from runbooks.cli import main; main()"
_BEGINS_S = 90.0
_ENDS_S = 90.0
_LEASE_SLACK_S = 6.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Draw:
    """What the dice say."""

    number: int
    played: Played
    victim: Victim
    moment: Moment
    delay_s: float
    gap_s: float

    @classmethod
    def of(cls, number: int, seed: int, kinds: Sequence[Played]) -> Draw:
        """Kinds in turn, so that few trials still play many of them; all else by chance, repeatable by `seed`."""
        dice = random.Random(f"{seed}-{number}")  # noqa: S311 - not for secrets
        moment = dice.choice(MOMENTS)
        delay_s = (
            dice.uniform(0, 2.5)
            if moment == "on"
            else dice.uniform(0, 0.8)
            if moment == "baseline"
            else dice.uniform(0, 0.05)
        )
        played = kinds[number % len(kinds)]
        return cls(number, played, dice.choice(VICTIMS), moment, delay_s, dice.choice((0.0, dice.uniform(0, 0.5))))

    def __str__(self) -> str:
        return f"{self.number}: {self.played.kind}, kill of {self.victim}, {self.moment} + {self.delay_s:.3f} s"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`clean_s`: from the last kill until nothing was left. `left`: what was still there when its time was over;
    `stays`: what was there after `gameday heal`. `void`: why the trial proves nothing, "" for one that does."""

    draw: Draw
    clean_s: float
    left: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    void: str = ""

    @property
    def ok(self) -> bool:
        return not self.void and not self.stays and (not self.left or self.draw.victim in BOTH)


def play(draw: Draw, site: Site, folder: Path) -> Outcome:
    """Plays it, and leaves the site as it was."""
    site.await_answer()
    runs = folder / f"trial-{draw.number}"
    runs.mkdir(parents=True)
    process = _game_day(draw, site, runs)
    try:
        run = _await_moment(draw, process, runs)
        if run is None:
            said = (runs / "output.txt").read_text(errors="replace").strip()
            return Outcome(draw, 0.0, void=f"the run ended before: {said[-600:]}")
        gone = kill(draw.victim, psutil.Process(process.pid), site, draw.gap_s)
        if gone:
            return Outcome(draw, 0.0, void=f"{', '.join(gone)} had ended before")
        outcome = _aftermath(draw, site, runs, run.name, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
    if draw.victim in OF_THE_SITE or outcome.stays:
        site.renew()
    return outcome


def _aftermath(draw: Draw, site: Site, runs: Path, run: str, process: subprocess.Popen[bytes]) -> Outcome:
    if draw.victim == "ssh server":
        # the game day goes on without its readings and logs
        _wait(lambda: process.poll() is not None, _ENDS_S)
    begun = boot_s()
    clean_s, found = _until_clean(site, run, begun, _patience_s(draw))
    if not found and draw.victim not in BOTH and draw.victim != "conductor":
        # what lives on must not put anything back
        _wait(lambda: process.poll() is not None, _ENDS_S)
        found = left(site, run)
    if not found and draw.victim not in BOTH:
        return Outcome(draw, clean_s)
    # with both dead, what was asked of a server last may come about after a clean look
    heal = [sys.executable, "-P", "-c", _CLI, "heal", "--runs", str(runs)]
    subprocess.run(heal, cwd=ROOT, capture_output=True, timeout=60, check=False)
    _, stays = _until_clean(site, run, boot_s(), WITHIN_S)
    return Outcome(draw, clean_s, tuple(found), tuple(stays))


def _patience_s(draw: Draw) -> float:
    if draw.victim in BOTH:
        return draw.played.lease_s + _LEASE_SLACK_S if draw.played.lease_s else 0.5
    return RESTART_WITHIN_S if draw.victim == "toxiproxy-server" else WITHIN_S


def _game_day(draw: Draw, site: Site, runs: Path) -> subprocess.Popen[bytes]:
    book = {
        "title": "A soak's trial",
        "hypothesis": "Whatever dies, nothing is left behind.",
        "load": {"locustfile": str(ROOT / "runbooks/scenarios/crowdfund.py"), "users": 3, "spawn_rate": 3},
        "phases": {"warm_up": "1s", "baseline": "1s", "recovery": "1s"},
        "service_levels": [{"name": "answers", "query": {"database": "main", "sql": "select 1", "equals": 1}}],
        "faults": [draw.played.entry(FAULT_S)],
        "stop_when": [{"condition": "stall", "over": "60s"}],
    }
    path = runs / "soak.yaml"
    path.write_text(yaml.safe_dump(book))
    command = [sys.executable, "-P", "-c", _CLI, "run", str(path)]
    command += ["--target", str(site.target), "--runs", str(runs)]
    env = {name: value for name, value in os.environ.items() if name != "SLACK_BOT_TOKEN"}
    with (runs / "output.txt").open("wb") as output:
        return subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def _await_moment(draw: Draw, process: subprocess.Popen[bytes], runs: Path) -> Path | None:
    """The run's folder once the moment has come; None where the run ended before."""
    latest = runs / "latest"
    found: list[float] = []

    def come() -> bool:
        written = records(latest) if latest.exists() else []
        at = _moment(draw.moment, written)
        if at is not None:
            found.append(at)
        return at is not None or process.poll() is not None

    _wait(come, _BEGINS_S, pause_s=0.002)
    if not found:
        return None
    threading.Event().wait(draw.delay_s + (max(0.0, found[0] - 0.05) if draw.moment == "healing" else 0.0))
    return latest.resolve()


def _moment(moment: Moment, written: list[dict[str, object]]) -> float | None:
    """None: not yet. For "healing", in how many seconds the fault's time is over."""
    kinds = [(r.get("kind"), r.get("name") or r.get("fault_id")) for r in written]
    wanted = {
        "baseline": ("phase-started", "baseline"),
        "preparing": ("phase-started", "faults"),
        "undo written": ("undo", "f1"),
        "on": ("fault-injected", "soaked"),
        "healing": ("fault-injected", "soaked"),
    }[moment]
    if wanted not in kinds:
        return None
    return FAULT_S if moment == "healing" else 0.0


def _until_clean(site: Site, run: str, begun_s: float, patience_s: float) -> tuple[float, list[str]]:
    deadline = Deadline.after(max(0.0, begun_s + patience_s - boot_s()))
    while True:
        found = left(site, run)
        if not found or deadline.passed:
            return boot_s() - begun_s, found
        threading.Event().wait(_LOOK_S)


def _wait(holds: Callable[[], bool], bound_s: float, pause_s: float = 0.05) -> None:
    deadline, pause = Deadline.after(bound_s), threading.Event()
    while not holds() and not deadline.passed:
        pause.wait(pause_s)
