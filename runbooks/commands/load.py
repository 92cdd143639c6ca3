"""`gameday load`: the guide's plain load test."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import BadInput
from runbooks.books import FOLDER, find_book
from runbooks.commands.options import JSON, RUNS, TARGET, WEB_PORT, WEB_UI, guard_rails, opted_out, web_port_of
from runbooks.commands.quantities import duration, processes, rate, words
from runbooks.commands.sitting import Sitting
from runbooks.game_day import Inputs
from runbooks.load_test import PRESETS, LoadTest, compose, gentle_rate
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.inputs import load_runbook, load_target
from runbooks.target import Target

BOOK = "load"
_MOST_USERS = 1_000_000


@click.command()
@click.argument("runbook", default=BOOK)
@click.option("--preset", type=click.Choice(tuple(PRESETS)), help="The guide's 100 (the default), 500 or 1000 users.")
@click.option("--users", type=click.IntRange(1, _MOST_USERS), help="How many users, instead of a preset.")
@click.option(
    "--spawn-rate", callback=rate, metavar="RATE", help="Users a second. Left out: 10, or as many as bring all in 20 s."
)
@click.option("--run-time", callback=duration, metavar="TIME", default="60s", show_default=True,
              help="How long in all, the ramp-up included, as in Locust.")  # fmt: skip
@click.option("--tags", callback=words, metavar="A,B", help="Only tasks with one of these tags: a,b.")
@click.option("--exclude-tags", callback=words, metavar="A,B", help="No tasks with one of these tags.")
@click.option(
    "--processes", callback=processes, metavar="N", help="Load processes on this machine; auto: one for each core."
)
@click.option("--locustfile", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True),
              help="Another Locust file than the runbook's.")  # fmt: skip
@WEB_UI
@WEB_PORT
@TARGET
@RUNS
@guard_rails
@JSON
@click.pass_context
def load(context: click.Context, /, runbook: str, target_name: str, runs: Path, **asked: object) -> None:
    """Play the load of RUNBOOK (default: load, the guide's) without faults, and print the guide's report of it."""
    book = find_book(runbook)
    test = _test(context)
    web_port = web_port_of(web_ui=bool(asked["web_ui"]), web_port=context.params["web_port"])
    sitting = Sitting(runs, bool(asked["allow_production"]), as_json=bool(asked["as_json"]), web_port=web_port,
                      opt_outs=opted_out(asked))  # fmt: skip

    def inputs_of(target_file: Path) -> Inputs:
        target = load_target(target_file, allow_also=context.params["allow_also"])
        return _inputs(book, target, test, sitting, (runbook, target_name))

    sitting.play(target_name, inputs_of, book)


def _test(context: click.Context) -> LoadTest:
    asked = context.params
    if asked["preset"] and asked["users"]:
        both_say = f"--preset {asked['preset']} and --users {asked['users']} both say how many users"
        raise BadInput(both_say, mend="choose one")
    users = asked["users"] or PRESETS[asked["preset"] or "minimum"]
    both = sorted(set(asked["tags"] or ()) & set(asked["exclude_tags"] or ()))
    if both:
        raise BadInput(f"the tag {both[0]!r} is asked for and excluded", mend="choose one")
    return LoadTest(
        users=users,
        spawn_rate=asked["spawn_rate"] or gentle_rate(users),
        run_time_s=asked["run_time"],
        tags=asked["tags"],
        exclude_tags=asked["exclude_tags"],
        processes=asked["processes"],
        locustfile=asked["locustfile"],
    )


def _inputs(book: Path, target: Target, test: LoadTest, sitting: Sitting, names: tuple[str, str]) -> Inputs:
    if book.parent != FOLDER:
        load_runbook(book, target)  # its own defects, with its own lines
    composed = compose(book, test, TargetNames.of(target))
    for line in composed.left_out:
        sitting.console.print(f"left out: {line}", highlight=False, markup=False)
    runbook = load_runbook(book, target, played=composed.played)
    return Inputs(runbook, target, *names, composed=True)
