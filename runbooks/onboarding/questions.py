"""Questions to the person at the terminal; elsewhere, or with --yes, the defaults answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from harness.errors import BadInput, GamedayError

NONE = "none"
"""The answer that leaves something out."""


@dataclass(frozen=True, slots=True)
class Questions:
    """`asks` False: nobody is asked."""

    asks: bool

    @classmethod
    def at_terminal(cls, *, yes: bool) -> Questions:
        return cls(not yes and sys.stdin.isatty())

    def ask(self, question: str, flag: str, default: str | None, check: Callable[[str], object]) -> str:
        """The answer, once `check` raises nothing for it; without a default there must be one.

        Raises BadInput where nobody can be asked and there is no default, and when the answers end.
        """
        if not self.asks:
            if default is None:
                raise BadInput(f"{flag} is missing, and nobody is at a terminal to be asked", mend=f"add {flag} ...")
            return default

        def checked(answer: str) -> str:
            try:
                check(answer.strip())
            except (ValueError, GamedayError) as error:
                raise click.BadParameter(_said(error)) from None
            return answer.strip()

        try:
            return str(click.prompt(question, default=default, value_proc=checked, prompt_suffix=" "))
        except click.Abort as error:
            click.echo(err=True)  # what is said next gets a line of its own
            if isinstance(error.__context__, EOFError):
                raise BadInput("the answers ended before the questions did", mend=f"add {flag} ...") from None
            raise


def _said(error: Exception) -> str:
    if isinstance(error, GamedayError):
        return str(error)
    what, arrow, mend = str(error).partition(" -> ")
    return f"{what} ({mend})" if arrow else what
