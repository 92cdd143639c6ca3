"""Something of the platform died: a process, a container, a server of data.

Signature: what watches it saw it exit or start again, or a log tells of the death: a signal, a fatal error, a master
that lost a worker, PostgreSQL that ends all its sessions because one process died. A restart that somebody asked for
looks the same; the log's last words tell them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.finding import named
from harness.analysis.logs import Hits
from harness.analysis.span import FaultSpan
from harness.journal.record import CrashSeen, FindingNamed

CAUSE = "crash"
# Python's faulthandler, glibc, systemd, gunicorn and uvicorn, Go, Rust, the JVM, Node, PostgreSQL, Redis, the kernel
DIED = (
    r"Fatal Python error|[Ss]egmentation fault|\bSIGSEGV\b|\bSIGABRT\b|core[ -]dumped|code=(?:killed|dumped)"
    r"|killed by SIG|Main process exited|Worker \(pid:\d+\) (?:exited with|was sent SIG(?!TERM))"
    r"|terminated by signal (?!15\b)\d+|exited on signal (?!15\b)\d+|all server processes terminated"
    r"|^fatal error: |\bpanic: |panicked at|SIGSEGV \(0x|FATAL ERROR: .*JavaScript|REDIS BUG REPORT"
    r"|segfault at [0-9a-f]+"
)
_TELLING = ("killed by SIG", "was terminated by signal", "Fatal Python error", "Main process exited", "panic:")
_LATE_S = 3.0  # a breach comes soon, perhaps sooner than the next look at the processes
_EARLY_S = 10.0  # what died in the warm-up may be missed still
_KILLING = ("kill", "stop", "restart", "pause")
_ON_CONTAINERS = "container-"


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the rule weighs."""

    crashes: tuple[CrashSeen, ...]
    said: Hits
    fault: FaultSpan | None


def examine(case: Case) -> FindingNamed | None:
    """Names who died, how often, and what was said last."""
    signs = _signs(case)
    if not signs.crashes and (case.quiet or not case.suffers or not signs.said):
        return None
    confidence = 0.9 if signs.crashes else 0.6
    confidence += 0.05 * bool(signs.said and signs.crashes) + 0.02 * bool(case.failures("connection"))
    if signs.crashes and all(c.what == "oom-killed" for c in signs.crashes):
        confidence *= 0.8  # memory names the reason
    pieces = [case.record_piece(c, c.text) for c in signs.crashes[:3]]
    pieces.append(case.log_piece(signs.said, "tell of a death", telling=_TELLING))
    pieces.append(case.window_piece(case.failure_text()))
    return named(
        case,
        CAUSE,
        min(0.97, confidence),
        pieces,
        summary=_summary(signs),
        fault=signs.fault,
        recommendation=_recommendation(signs),
    )


def _signs(case: Case) -> Signs:
    since, until = case.trouble.start - _EARLY_S, case.trouble.end + _LATE_S
    crashes = tuple(c for c in case.view.of(CrashSeen) if since <= (c.at if c.at is not None else c.t) <= until)
    killing = [f for f in case.faults if _explains(f, crashes)]
    return Signs(crashes, case.find(DIED), next(iter(killing), None))


def _explains(fault: FaultSpan, crashes: Sequence[CrashSeen]) -> bool:
    """Whether a fault is reason enough for what died: of a fault on containers, the ones that it hit. That another one
    died with them is what the exercise was to find out."""
    if not fault.kind.startswith(_ON_CONTAINERS):
        return not fault.cache and any(word in fault.kind for word in _KILLING)
    hit = {f"container.{short}" for short in fault.hit}
    return hit.issuperset(c.source for c in crashes) if crashes else any(word in fault.kind for word in _KILLING)


def _summary(signs: Signs) -> str:
    if not signs.crashes:
        assert signs.said.first is not None
        return f"Something crashed: {signs.said.count} log lines tell of it."
    counts = Counter(c.source for c in signs.crashes)
    who = ", ".join(f"{source} {_times(n)}" for source, n in counts.most_common())
    codes = sorted({c.exit_code for c in signs.crashes if c.exit_code is not None})
    code = f" with exit code {', '.join(map(str, codes))}" if codes else ""
    last = next((x for word in _TELLING for x in signs.said.lines if word in x.text), signs.said.first)
    words = f" Its last words: {_short(last.text)}" if last is not None else ""
    if signs.fault is not None:
        return (
            f'The injected fault "{signs.fault.name}" explains this by itself: {who} died{code}. '
            f"What it exposed: nothing took over.{words}"
        )
    return f"It crashed: {who}{code}; first: {signs.crashes[0].text}.{words}"


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _short(text: str) -> str:
    clean = text.strip()
    return clean if len(clean) <= 160 else clean[:159] + "…"


def _recommendation(signs: Signs) -> str:
    who = signs.crashes[0].source if signs.crashes else "what died"
    return (
        f"Read the log of {who} just before its end (the evidence points there), keep its core dump or its fatal "
        f"errors' traceback, and mend that. So that one death is not an outage: several workers or instances behind a "
        f"load balancer with health checks, a service manager that starts it again at once, and clients that try "
        f"again what is safe to try again."
    )
