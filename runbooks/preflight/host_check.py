"""Each host over SSH: its key verified, its logs there and readable."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import GamedayError
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.doors import LogFacts
from runbooks.preflight.scene import Scene, failed
from runbooks.target import Host

AREA = "host"


def check_host(scene: Scene, host: Host) -> list[Check]:
    """One line for the way in, one for each log that is not as it should be."""
    try:
        facts = scene.world.host(host)
    except GamedayError as error:
        return [failed(AREA, host.name, error, f"try it by hand: ssh {host.ssh}")]
    sound = sum(log.files > 0 and log.files == log.readable for log in facts.logs)
    said = f", {sound} of {len(facts.logs)} logs readable" if facts.logs else ""
    checks = [good(AREA, host.name, f"{host.ssh}, host key verified{said}")]
    checks += [check for log in facts.logs if (check := _log(host, log)) is not None]
    checks += _processes(host, facts.processes)
    return checks + [warning(AREA, host.name, text) for text in facts.warnings]


def _processes(host: Host, found: Mapping[str, int] | None) -> list[Check]:
    if found is None:
        what = "its processes can't be looked at"
        return [warning(AREA, host.name, what, "sh, head, tr, sed, grep and a readable /proc are needed")]
    return [
        warning(AREA, host.name, f"no process has {host.processes[name]!r} in its command line", f"correct {name}:")
        for name, count in found.items()
        if not count
    ]


def _log(host: Host, log: LogFacts) -> Check | None:
    if log.files == 0:
        text = f"{log.path}: no such file yet"
        return warning(AREA, host.name, text, "correct the path, or it will be missing from the evidence")
    if log.readable < log.files:
        text = f"{log.path}: {log.files - log.readable} of {log.files} files can't be read"
        user = host.ssh.partition("@")[0] if "@" in host.ssh else "the SSH user"
        return bad(AREA, host.name, text, f"let {user} read it, with a group for instance")
    return None
