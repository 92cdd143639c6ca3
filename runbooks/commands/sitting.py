"""One run as a command plays and shows it, whatever command asked for it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.text import Text

from harness.errors import BadInput
from harness.redaction import Redactor
from harness.report.result import Result
from runbooks.commands.open_target import open_target
from runbooks.comparison_view import print_comparison
from runbooks.environment import Environment
from runbooks.game_day import GameDay, Inputs, Outcome
from runbooks.load_summary import load_summary
from runbooks.preflight import Options
from runbooks.preflight_table import plan_table, preflight_table
from runbooks.screen import TerminalScreen
from runbooks.slack_preview import unsent_summary
from runbooks.summary import summary

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Sitting:
    """`web_port`: Locust's own web page, on a port of this machine; 0: the system chooses; None: no page."""

    runs: Path
    allow_production: bool = False
    as_json: bool = False
    web_port: int | None = None
    no_lease: bool = False
    opt_outs: frozenset[str] = frozenset()

    @property
    def console(self) -> Console:
        """Where everything but the JSON goes."""
        return Console(stderr=self.as_json, highlight=False)

    def play(self, target_name: str, inputs_of: Callable[[Path], Inputs], book: Path | None = None) -> NoReturn:
        """Play what `inputs_of` makes of the target file (and of `book`), show how it ended, and exit with its code.

        Raises BadInput or Refused where no run could begin.
        """
        console = self.console
        check_port(self.web_port)
        with open_target(target_name, console, book) as target_file:
            inputs = self._with_page(inputs_of(target_file))
            console.print(Text(Redactor().text(inputs.runbook.title), style="bold"), soft_wrap=True)
            console.print(plan_table(inputs.runbook))
            with TerminalScreen(console) as screen:
                options = Options(self.allow_production, self.runs, no_lease=self.no_lease, opt_outs=self.opt_outs)
                outcome = GameDay(inputs, self.runs, options, screen, Environment.read()).play()
        # whoever has stopped reading, or has closed the terminal, still gets the run's exit code; Rich turns a broken
        # pipe into SystemExit
        with suppress(OSError, SystemExit):
            self._show(outcome, console)
        sys.exit(outcome.result.exit_code)

    def _with_page(self, inputs: Inputs) -> Inputs:
        if self.web_port is None:
            return inputs
        load = replace(inputs.runbook.load, web_port=self.web_port)
        return replace(inputs, runbook=replace(inputs.runbook, load=load))

    def _show(self, outcome: Outcome, console: Console) -> None:
        if outcome.preflight is not None:
            console.print(preflight_table(outcome.preflight))
        preview = unsent_summary(outcome.folder)
        if preview is not None:
            console.print(preview, soft_wrap=True)
        measured = load_summary(outcome.result)
        if measured is not None:
            console.print(measured[0])
            console.print(measured[1], soft_wrap=True)
        if outcome.result.compared_with is not None:
            print_comparison(console, outcome.result.compared_with)
        if outcome.trouble:
            console.print(Text(f"NOT ON DISK: {outcome.trouble}", style="bold red"), soft_wrap=True)
        console.print(summary(outcome.result, outcome.folder), soft_wrap=True)
        if self.as_json:
            click.echo(_json(outcome.result))


def check_port(port: int | None) -> None:
    """Raises BadInput when somebody else listens on it: Locust would end in the middle of its start."""
    if not port:
        return
    try:
        socket.create_server((_LOOPBACK, port)).close()
    except OSError as error:
        mend = "leave --web-port out: the system chooses a free one"
        raise BadInput(f"the port {port} can't be had for the web page: {error.strerror}", mend=mend) from error


def _json(result: Result) -> str:
    return result.model_dump_json(indent=2)
