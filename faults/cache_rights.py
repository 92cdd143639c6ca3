"""What a cache's user may do there, found out without doing it: a command that the server must refuse for its arguments
is refused for lack of a right first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from faults.cache_server import PROBE_KEY, CacheServer, PauseState, may, pause_state, version
from faults.objection import Objection
from faults.pause_holder import Rhythm

OLDEST = (6, 2)
"""CLIENT PAUSE WRITE and CLIENT UNPAUSE came with it."""


@dataclass(frozen=True, slots=True)
class PauseFacts:
    """The server and our user's rights, as far as a pause in a rhythm needs them. `missing`: as ACL SETUSER names
    them."""

    version: tuple[int, int]
    missing: tuple[str, ...]
    state: PauseState


def look(server: CacheServer, rhythm: Rhythm) -> PauseFacts:
    """The facts now, by reading alone. Raises ReachFailed."""
    session = server.session()
    try:
        wanted: dict[str, tuple[str, ...]] = {
            "+client|setname": ("CLIENT", "SETNAME", "no name"),
            "+client|pause": ("CLIENT", "PAUSE", "never"),
        }
        if rhythm.commands == "write":
            wanted[f"+unlink ~{PROBE_KEY}"] = ("UNLINK", PROBE_KEY)
        if rhythm.through_monitor or rhythm.commands == "write":
            # the right to one subcommand that only reads tells of no other: this one ends nothing unless a pause is on
            wanted["+client|list"] = ("CLIENT", "LIST", "TYPE", "none")
        missing = [right for right, words in wanted.items() if not may(session, *words)]
        found = version(session), pause_state(session)
        if rhythm.through_monitor and not may(session, "MONITOR"):
            missing.append("+monitor")
        return PauseFacts(found[0], tuple(missing), found[1])
    finally:
        session.close()


def against_pausing(facts: PauseFacts, rhythm: Rhythm) -> tuple[Objection, ...]:
    """Everything that speaks against pausing the server now."""
    return tuple(_objections(facts, rhythm))


def _objections(facts: PauseFacts, rhythm: Rhythm) -> Iterator[Objection]:
    if facts.version < OLDEST:
        yield Objection(f"Redis {facts.version[0]}.{facts.version[1]} has no CLIENT UNPAUSE", "use 6.2 or newer")
    if facts.missing:
        why = " (a renewal would have to wait like any command)" if "+monitor" in facts.missing else ""
        rights = " ".join(facts.missing)
        yield Objection(
            f"the user of the cache's url has no right to {rights}{why}",
            f"ACL SETUSER name {rights}" + (", or write commands: write" if why and rhythm.commands == "all" else ""),
        )
    if facts.state.paused:
        yield Objection(
            f"somebody has paused its clients, for {facts.state.left_ms / 1000:.1f} s more",
            "wait for its end, or type: CLIENT UNPAUSE",
        )
