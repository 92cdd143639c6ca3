"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

from harness.errors import BadInput
from runbooks.guard_rails.guard_rails import OPT_OUTS
from runbooks.parsing.address import check_allowed

SANDBOX = "sandbox"
Command = TypeVar("Command", bound=Callable[..., object])


def _allowed(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for entry in value:
        try:
            check_allowed(entry)
        except ValueError as error:
            raise click.BadParameter(str(error).replace(" -> ", ": ")) from error
    return value


RUNS = click.option("--runs", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True,
                    help="The folder that holds the run folders.")  # fmt: skip
TARGET = click.option("--target", "target_name", default=SANDBOX, show_default=True,
                      help="A target file, or: sandbox, sandbox:NAME, sandbox+DEFECT.")  # fmt: skip
ALLOW_PRODUCTION = click.option("--allow-production", is_flag=True,
                                help="Play on a target whose environment is production.")  # fmt: skip
OUTSIDE_HOURS = click.option("--outside-hours", is_flag=True, help="Play outside the target's hours.")
IGNORE_LEVER = click.option("--ignore-lever", is_flag=True, help="Play although `gameday lever` is off.")
BEYOND = click.option("--beyond-blast-radius", is_flag=True,
                      help="Play a runbook that hits more at once than the target states.")  # fmt: skip
LIVE_KEYS = click.option("--live-keys", is_flag=True,
                         help="Play where a live payment key is in use, or where that can't be known.")  # fmt: skip
ALLOW = click.option("--allow", "allow_also", multiple=True, metavar="NETWORK", callback=_allowed,
                     help="Allow this network or host name too; may be given more than once.")  # fmt: skip
NO_LEASE = click.option("--no-lease", is_flag=True,
                        help="Use a Toxiproxy on another machine without a lease keeper beside it.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True,
                    help="Print result.json on standard output, the rest on standard error.")  # fmt: skip
WEB_UI = click.option("--web-ui", is_flag=True,
                      help="Show Locust's own web page, on this machine alone.")  # fmt: skip
WEB_PORT = click.option("--web-port", type=click.IntRange(0, 65_535),
                        help="The page's port; left out or 0: the system chooses.")  # fmt: skip


def guard_rails(command: Command) -> Command:
    """The options that waive a guard rail, each by its own name; `allow_also` is a tuple, the others are flags."""
    for option in reversed((ALLOW_PRODUCTION, ALLOW, OUTSIDE_HOURS, IGNORE_LEVER, BEYOND, LIVE_KEYS)):
        command = option(command)
    return command


def opted_out(flags: Mapping[str, object]) -> frozenset[str]:
    """Of what a command was given, the options that waive a whole rail, as they were typed."""
    return frozenset(opt_out for opt_out in OPT_OUTS if flags.get(opt_out.removeprefix("--").replace("-", "_")))


def web_port_of(*, web_ui: bool, web_port: int | None) -> int | None:
    """The port of Locust's own web page; 0: any, None: no page. Raises BadInput for a port without a page."""
    if web_port is not None and not web_ui:
        raise BadInput("--web-port is the port of Locust's own web page", mend="add --web-ui")
    return (web_port or 0) if web_ui else None
