"""The part of a host's reading that looks at watched processes: pure sh and /proc, a handful of small programs.

A process is watched when its command line has the pattern in it, or when its parent is watched: workers that rename
themselves count with their master.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

MARK = "=gameday="
"""In every line that we send: what carries it is ourselves, and not watched."""

MOST_PROCESSES = 300
_MOST_THREADS = 400  # looked at one by one; of more, only their processes are
_COMMAND_BYTES = 2000

# head puts a line before each file, which tells the pid of the command line that follows
_FIND = (
    f"m=$(head -c {_COMMAND_BYTES} /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | LC_ALL=C sed -n {{script}} "
    f"| head -n {MOST_PROCESSES}); "
)
_HEADER = r"s/^==> \/proc\/\([0-9]*\)\/cmdline <==$/\1/"
_TAKE = (
    's=\' \'; l=; add() { case "$s" in *" $1:$2 "*) return;; esac; '
    f"[ ${{#s}} -gt {MOST_PROCESSES * 12} ] && return; "
    's="$s$1:$2 "; l="$l $2"; echo "$3 $1 $2"; k=; { read -r k </proc/$2/task/$2/children; } 2>/dev/null; '
    'for c in $k; do add "$1" "$c" child; done; }; '
    'set -- $m; while [ $# -gt 1 ]; do if [ "$1" = ok ]; then echo ok; else add "$1" "$2" own; fi; shift 2; done; '
)
_LOOK = (
    "f=; t=0; for p in $l; do "
    'set -- /proc/$p/fd/*; [ -L "$1" ] && echo "files $p $#"; '
    'f="$f /proc/$p/stat /proc/$p/status /proc/$p/io"; set -- /proc/$p/task/[0-9]*; t=$((t+$#)); '
    f"if [ $t -le {_MOST_THREADS} ]; then "
    'for k in "$@"; do f="$f $k/stat $k/schedstat"; done; fi; done; '
    "[ -n \"$f\" ] && grep -HsE '^([0-9]|Rss|VmRSS|read_bytes|write_bytes|wchar)' $f; "
)


def look_at(patterns: Mapping[str, str]) -> str:
    """A line of sh that prints what `process_census.take` reads; names are told by their place in `patterns`.

    It must stay one line: what comes after a line's end in a command line is looked at by itself, without the mark.
    """
    tests = [f"/{_basic_regex(p)}/{{x;s/^/{i} /p;s/^{i} //;x;}}" for i, p in enumerate(patterns.values())]
    # the first line is a header wherever anything could be read: without it, nothing is known
    script = [f"/{MARK}/d", "1{h;s/.*/ok ok/p;x;}", _HEADER, "t new", *tests, "d", ":new", "h"]
    words = " ".join(f"-e {shlex.quote(part)}" for part in script)
    return f": {MARK}; " + _FIND.format(script=words) + _TAKE + _LOOK


def _basic_regex(pattern: str) -> str:
    """A text with `*` for anything, as a basic regular expression between slashes."""
    special = {"*": ".*", "\\": r"\\", "^": r"\^"}
    return re.sub(r"[][.$/*\\^]", lambda m: special.get(m[0], f"[{m[0]}]" if m[0] != "]" else "]"), pattern)
