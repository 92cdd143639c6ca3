"""`gameday rerun`: the same inputs again, and what changed."""

from __future__ import annotations

from pathlib import Path

import click

from runbooks.commands.options import JSON, NO_LEASE, RUNS, guard_rails, opted_out
from runbooks.commands.sitting import Sitting
from runbooks.replay import Replay
from runbooks.run_folder import find_run


@click.command()
@click.argument("run_name", metavar="[RUN]", default="latest")
@RUNS
@guard_rails
@NO_LEASE
@JSON
def rerun(run_name: str, runs: Path, allow_also: tuple[str, ...], **flags: bool) -> None:
    """Play RUN (default: the latest) again with the same inputs, and put before and after side by side."""
    replay = Replay(find_run(runs, run_name), allow_also)
    sitting = Sitting(runs, flags["allow_production"], as_json=flags["as_json"], no_lease=flags["no_lease"],
                      opt_outs=opted_out(flags))  # fmt: skip

    def say(line: str) -> None:
        sitting.console.print(line, markup=False, highlight=False, soft_wrap=True)

    sitting.play(replay.target_name, lambda target_file: replay.inputs(target_file, say))
