"""`gameday lever`: one switch for all game days of a machine."""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import suppress

import click

from harness.clock import utc_now
from runbooks.guard_rails.lever import Lever, Off, mend_for

OFF = 14
NO_REASON = "no reason given"


@click.command()
@click.argument("to", type=click.Choice(["on", "off"]), required=False)
@click.option("--reason", default=NO_REASON, help="Why it is switched off; whoever is refused reads it.")
@click.option("--machine", is_flag=True, help="For all users of this machine (/etc/gameday/lever), not for you alone.")
def lever(to: str | None, reason: str, machine: bool) -> None:  # noqa: FBT001 - click hands options over by name
    """Switch all game days off: none starts, and those going on halt at once. Or on again.

    Without on or off it says how the lever stands. Exits 14 while it is off, unless you have just switched it off.
    """
    found = Lever.of(os.environ)
    path = found.machine if machine else found.own
    if to == "off":
        off = Off(path, reason, utc_now().isoformat(timespec="seconds"), _user())
        found.switch_off(off)
        click.echo(f"the lever is off: {reason}. No game day starts, and those going on halt. It is a file: {path}")
        return
    if to == "on":
        found.switch_on(path)
    still = found.read()
    if still is not None:
        click.echo(f"{still} ({still.path}; switch it on with: {mend_for(still, found)})")
        sys.exit(OFF)
    click.echo("the lever is on: game days may be played")


def _user() -> str:
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "somebody"
