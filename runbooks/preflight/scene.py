"""What every check of one preflight has at hand, and how a failed door becomes a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import BadInput, GamedayError, HostKeyRefused, NotAllowed
from runbooks.preflight.check import Check, Options, bad, refused
from runbooks.preflight.doors import ToxiproxyFacts, World
from runbooks.runbook import Runbook
from runbooks.target import Target


@dataclass(frozen=True, slots=True)
class Scene:
    """The inputs and the world. `toxiproxy`: its server as found; None when there is none or it does not answer."""

    runbook: Runbook
    target: Target
    options: Options
    world: World
    toxiproxy: ToxiproxyFacts | None = None


Task = Callable[[], list[Check]]


def failed(area: str, name: str, error: GamedayError, mend: str = "") -> Check:
    """The error as a check: a refusal where the law says so."""
    if isinstance(error, NotAllowed | HostKeyRefused):
        return refused(area, name, _said(error), error.mend)
    return bad(area, name, _said(error), error.mend or mend)


def _said(error: GamedayError) -> str:
    if isinstance(error, BadInput) and error.defects:
        return "; ".join(f"{d.what} ({d.file}:{d.line})" for d in error.defects)
    return f"{error.where}: {error.what}" if error.where else error.what
