"""`make soak`: N random trials over every kind of fault, and a table of what was left behind."""

from __future__ import annotations

import random
import sys
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import click
from rich.console import Console
from rich.table import Table

from bench.soak import kinds
from bench.soak.site import Site
from bench.soak.stray import engine_address
from bench.soak.trial import Draw, Outcome, play
from bench.soak.victim import BOTH, VICTIMS


@click.command()
@click.option("--trials", default=200, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, help="the same seed draws the same trials")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1, 8), help="platforms side by side")
@click.option("--kind", "only", multiple=True, help="only these kinds")
def main(trials: int, seed: int, jobs: int, only: tuple[str, ...]) -> None:
    """Random kills in the middle of real game days. Ends with 1 when anything was left behind."""
    if absent := kinds.missing():
        raise click.ClickException(f"the soak does not play {', '.join(absent)}: add them to bench/soak/kinds.py")
    played = tuple(p for p in kinds.PLAYED if not only or p.kind in only)
    if not engine_address() and any(p.on == "container" for p in played):
        click.echo("No Docker Engine answers: the kinds on containers are not played.")
        played = tuple(p for p in played if p.on != "container")
    for name, why in kinds.UNPLAYED.items():
        click.echo(f"Not played: {name} ({why}).")
    mixed = random.Random(seed).sample(played, len(played))  # noqa: S311 - not for secrets
    draws = [Draw.of(number, seed, mixed) for number in range(trials)]
    with tempfile.TemporaryDirectory(prefix="gameday-soak-") as folder:
        outcomes = _play(draws, jobs, Path(folder))
    _tell(outcomes)
    sys.exit(0 if all(o.ok for o in outcomes) else 1)


def _play(draws: list[Draw], jobs: int, folder: Path) -> list[Outcome]:
    waiting: SimpleQueue[Draw | None] = SimpleQueue()
    for draw in [*draws, *[None] * jobs]:
        waiting.put(draw)
    outcomes: list[Outcome] = []
    said = threading.Lock()

    def work(number: int) -> None:
        with Site.up(folder / f"site-{number}") as site:
            while (draw := waiting.get()) is not None:
                outcome = play(draw, site, site.folder)
                with said:
                    outcomes.append(outcome)
                    _say(outcome, len(outcomes), len(draws))

    with ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(work, number) for number in range(jobs)]:
            done.result()
    return outcomes


def _say(outcome: Outcome, count: int, of: int) -> None:
    how = f"{'ok' if outcome.ok else 'LEFT BEHIND'} in {outcome.clean_s:.2f} s"
    if outcome.void:
        how = f"VOID: {outcome.void}"
    left = f"; left: {', '.join(outcome.stays or outcome.left)}" if outcome.left else ""
    click.echo(f"{count}/{of} {outcome.draw}: {how}{left}")


def _tell(outcomes: list[Outcome]) -> None:
    console = Console()
    console.print(_table("Killed", ((v, [o for o in outcomes if o.draw.victim == v]) for v in VICTIMS)))
    names = sorted({o.draw.played.kind for o in outcomes})
    console.print(_table("Fault", ((k, [o for o in outcomes if o.draw.played.kind == k]) for k in names)))


def _table(what: str, rows: Iterable[tuple[str, list[Outcome]]]) -> Table:
    """`worst`: of the trials in which somebody of ours lived on. With both dead, leases and `gameday heal` end it."""
    table = Table(what, "trials", "left behind", "worst time s", "healed by gameday heal", "void")
    for name, of in rows:
        alive = [o.clean_s for o in of if o.draw.victim not in BOTH and not o.void]
        worst = f"{max(alive):.2f}" if alive else "-"
        by_heal = sum(bool(o.left) and not o.stays for o in of)
        void, bad = sum(bool(o.void) for o in of), sum(not o.ok and not o.void for o in of)
        table.add_row(name, str(len(of)), str(bad), worst, str(by_heal), str(void))
    return table


if __name__ == "__main__":
    main()
