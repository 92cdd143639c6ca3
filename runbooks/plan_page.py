"""The plan of a game day on one page of Markdown, for those who have to approve it. Read from the files alone."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from jinja2 import Environment

from faults.catalog import kind_named
from faults.fault import FaultPlan
from harness.redaction import Redactor
from harness.report import format as say
from harness.report.markdown_template import Markdown, escape, markdown_environment
from runbooks.plan import Row, length_s, plan_of
from runbooks.run_started import planned_alerts, planned_levels
from runbooks.runbook import RollbackStep, Runbook
from runbooks.target import Proxy, Target

_ROLES = (
    ("lead", "starts it, watches it, ends it"),
    ("on call", "plays the emergency procedure as on any other day"),
    ("observer", "writes down what people see and do, and when"),
)
_EXPECTED = {
    "held": "The service levels hold, with the faults and again after them.",
    "deviated": "A service level is missed, and nothing worse: the platform's limit is shown.",
    "stopped": "A stop condition ends the run early: the emergency procedure is what is practised.",
}
_WHEN = {
    "asked": "when a person asks",
    "stopped": "by itself, when a stop condition has ended the run",
    "not-held": "by itself, whenever an incident opens",
}


@dataclass(frozen=True, slots=True)
class Touch:
    """What one fault touches: its `place` in the platform, which `share` of what goes there, for how long at most."""

    name: str
    kind: str
    effect: str
    place: str
    share: str
    for_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the page says. `fleeting`: the target is a sandbox that is made for the game day and goes with it."""

    runbook: Runbook
    target: Target
    typed: str
    fleeting: bool
    roles: tuple[tuple[str, str, str], ...]
    touches: tuple[Touch, ...]
    rows: tuple[Row, ...]
    levels: tuple[tuple[str, str], ...]

    @property
    def length_s(self) -> float:
        return length_s(self.runbook)

    @property
    def expected(self) -> str:
        return _EXPECTED[self.runbook.expect]

    @property
    def untouched(self) -> tuple[str, ...]:
        """What of the target no fault of the runbook changes."""
        if any(fault.on == "platform" for fault in self.runbook.faults):
            return ("whatever the faults on the platform as a whole don't name by their parameters",)
        faulted = {fault.proxy for fault in self.runbook.faults if fault.proxy}
        proxies = [name for name in self.target.proxies if name not in faulted]
        servers = [*(f"database {name}" for name in self.target.databases), *(f"cache {n}" for n in self.target.caches)]
        return tuple(
            text
            for words, text in (
                (proxies, f"{'the proxy' if len(proxies) == 1 else 'the proxies'} {_listed(proxies)}"),
                (servers, f"data and settings of {_listed(servers)} (only read)"),
                (self.target.hosts, f"files and services of {_listed(self.target.hosts)} (only read, over SSH)"),
                (self.target.containers is not None, "containers (only read)"),
            )
            if words
        )

    @property
    def evidence(self) -> tuple[tuple[str, str], ...]:
        """What is collected from where: logs and the output of commands of hosts, the logs and states of containers."""
        return tuple((name, self._collected(name)) for name in self.runbook.collect)

    @property
    def rollback(self) -> tuple[tuple[str, str, str], ...]:
        """(where, command, when) of each step."""
        return tuple((_where(step), step.run, _WHEN[step.when]) for step in self.runbook.rollback)

    def _collected(self, name: str) -> str:
        host = self.target.hosts.get(name)
        if host is None:
            return "logs and states"
        logs = [PurePath(log).name for log in host.logs] if self.fleeting else host.logs
        return "; ".join((*logs, *host.commands)) or "readings only"


def plan_page(runbook: Runbook, target: Target, names: tuple[str, str], *, fleeting: bool = False) -> str:
    """The page. `names`: what the person typed as the runbook and as the target."""
    plan = Plan(
        runbook=runbook,
        target=target,
        typed=f"{shlex.quote(names[0])} --target {shlex.quote(names[1])}",
        fleeting=fleeting,
        roles=_roles(runbook.roles),
        touches=tuple(_touch(fault, target, fleeting=fleeting) for fault in runbook.faults),
        rows=plan_of(runbook),
        levels=_levels(runbook),
    )
    page = _environment().get_template("plan.md.j2").render(plan=plan, runbook=runbook, target=target)
    lines = [line.rstrip() for line in page.strip().splitlines()]
    kept = [line for index, line in enumerate(lines) if line or (index and lines[index - 1])]
    return Redactor((*target.secrets(), *runbook.hidden)).text("\n".join(kept) + "\n")


def _levels(runbook: Runbook) -> tuple[tuple[str, str], ...]:
    """Every limit in words, and what it looks at."""
    planned = [limit for level in runbook.service_levels for limit in planned_levels(level)]
    planned += [limit for alert in runbook.alerts for limit in planned_alerts(alert)]
    return tuple((limit.text, limit.of) for limit in planned)


def _roles(named: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """(role, who, what for): the usual ones, with a blank for who is not named, then the runbook's others."""
    given = {role.lower(): who for role, who in named.items()}
    usual = tuple((role, given.get(role, ""), what) for role, what in _ROLES)
    known = {role for role, _ in _ROLES}
    return (*usual, *((role, who, "") for role, who in named.items() if role.lower() not in known))


_ON_SERVER = {
    "slot-exhaustion": "every new session, of every role",
    "slow-queries": "every query on that server",
}


def _touch(fault: FaultPlan, target: Target, *, fleeting: bool) -> Touch:
    kind = kind_named(fault.kind)
    assert kind is not None
    proxy = target.proxies.get(fault.proxy)
    return Touch(
        name=fault.name,
        kind=fault.kind,
        effect=kind.expected(fault.params),
        place=_behind(proxy, target, fleeting=fleeting) if proxy is not None else f"{fault.on} {fault.place}".strip(),
        share=_on_database(fault) if fault.database else _share(kind.on, getattr(fault.params, "toxicity", 1.0)),
        for_s=fault.for_s,
    )


def _behind(proxy: Proxy, target: Target, *, fleeting: bool) -> str:
    """ "proxy postgres (10.0.0.5:15432 to 10.0.0.7:5432): database main"; a sandbox to come has no addresses yet."""
    users = [f"database {d.name}" for d in target.databases.values() if d.through == proxy.name]
    users += [f"cache {c.name}" for c in target.caches.values() if c.through == proxy.name]
    behind = f": {_listed(users)}" if users else ""
    addresses = "" if fleeting else f" ({proxy.listen} to {proxy.upstream})"
    return f"proxy {proxy.name}{addresses}{behind}"


def _on_database(fault: FaultPlan) -> str:
    """Who feels a fault on a database's server."""
    table = getattr(fault.params, "table", None)
    if fault.kind in _ON_SERVER:
        return _ON_SERVER[fault.kind]
    return f"every session that works with {table}" if table else "vacuum; nobody waits"


def _share(on: str, toxicity: float) -> str:
    if on == "platform":
        return "what its parameters name"
    return "every connection" if toxicity >= 1 else f"{say.percent(toxicity)} of the connections"


def _where(step: RollbackStep) -> str:
    if step.container:
        return f"container {step.container}"
    return step.host or "the machine that gameday runs on"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _cell(value: object) -> Markdown:
    """Text in a table's cell, or a line to write on where there is none."""
    return escape(value) if str(value).strip() else Markdown("&nbsp;")


@cache
def _environment() -> Environment:
    environment = markdown_environment("runbooks")
    environment.filters.update(cell=_cell, listed=_listed)
    return environment
