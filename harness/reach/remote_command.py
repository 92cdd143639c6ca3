"""A command for a remote shell that ends by itself, and what came of it.

Killing the connection does not end what runs at the other end: a plain `sleep` survives for ever. So each command
runs in a session of its own together with a watcher: when their standard input closes (we left, or were killed) or
the time is over, the watcher ends the whole session. It is inside, so that a server which kills the process it
started can't leave the command behind alone. Works with dash, bash and busybox; `setsid` and `timeout` are used if
there.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

_TIME = 't=; command -v timeout >/dev/null 2>&1 && t="timeout {seconds}"; '
# the watcher must not hold the command's output open, else the channel stays open with it
_INSIDE = (
    "trap : TERM; exec 3<&0; " + _TIME + "sh -c {command} </dev/null 3<&- & p=$!; "
    "{{ $t cat <&3; trap '' TERM; kill -TERM 0; sleep 1; kill -KILL 0; }} >/dev/null 2>&1 & g=$!; "
    "wait $p; r=$?; kill $g 2>/dev/null; exit $r"
)
_WATCHED = "exec 3<&0; s=; command -v setsid >/dev/null 2>&1 && s=setsid; $s sh -c {inside} <&3 3<&- & wait $!"
# here standard input is the command's own, so only the time can watch over it
_FED = _TIME + "exec $t sh -c {command}"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a remote command wrote and how it ended.

    `truncated`: an output was longer than asked for and is cut off. `exit_code` is -1 when it is not known: the
    command was ended because of that, or by a signal.
    """

    stdout: bytes
    stderr: bytes
    exit_code: int
    truncated: bool = False


def watched(command: str, seconds: int, *, fed: bool = False) -> str:
    """The command line to send: `command` for `sh`, ended after `seconds` or when we are gone.

    `fed`: the command reads standard input, so that only the time ends it when we are gone.
    """
    template = _FED if fed else _INSIDE
    script = template.format(seconds=seconds, command=shlex.quote(command))
    if not fed:
        script = _WATCHED.format(inside=shlex.quote(script))
    return f"exec sh -c {shlex.quote(script)}"
