"""Where the log files of a host stood at one moment: found by globs, told apart by inode and first bytes."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.evidence.plain_text import plain_name
from harness.reach.remote_command import CommandResult

HEAD_BYTES = 256
MARK = "=gameday="
_MAX_BYTES = 8 << 20
_SPECIAL = re.compile(r"(\*|\?|\[[\w!^.,:-]+\])")

# `one FILE KIND` describes one regular file: all of it from one open file, so that a rotation in between can't mix two
_FUNCTIONS = r"""
error() { printf '%s\0' error "$1" "$2" '' ''; }
one() {
  [ ! -d "$1" ] || return 1
  [ -f "$1" ] || { error "$1" 'not a regular file'; return 0; }
  [ -r "$1" ] || { [ "$2" = beside ] || error "$1" 'permission denied'; return 0; }
  { i=$(stat -L -c '%d:%i %s' /proc/self/fd/4) && h=$(head -c 256 <&4 | od -An -v -tx1 | tr -d ' \n') &&
    printf '%s\0' "$2" "$1" "${i% *}" "${i#* }" "$h"; } 4<"$1" || error "$1" 'could not be read'
}
none() {
  r='no file matches'
  [ -d "$2" ] || r='no file matches: there is no such folder'
  [ ! -d "$2" ] || { [ -r "$2" ] && [ -x "$2" ]; } || r='permission denied on its folder'
  [ ! -d "$1" ] || r='it is a folder: name its files, such as folder/*.log'
  error "$1" "$r"
}
""".strip()


class LogDoor(Protocol):
    """What collecting needs of the door to a host."""

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = ...) -> CommandResult: ...


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file as it is now. `inode` is "device:inode", `head` its first bytes, at most 256.

    `matched`: a glob names it; else it is beside such a file, where a rotation would put its past.
    """

    path: str
    inode: str
    size: int
    head: bytes
    matched: bool = True


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far a log file was written at the start: `head` is the SHA-256 of its first min(256, size) bytes."""

    path: str
    inode: str
    size: int
    head: str
    matched: bool = True

    @classmethod
    def of(cls, file: LogFile) -> LogPosition:
        # the file may have grown between its size and its first bytes
        head = file.head[: min(HEAD_BYTES, file.size)]
        return cls(file.path, file.inode, file.size, _digest(head), file.matched)

    def continues_in(self, file: LogFile) -> bool:
        """Whether `file` begins with what this one began with, and is no shorter: the same file, or a copy of it."""
        return file.size >= self.size and _digest(file.head[: min(HEAD_BYTES, self.size)]) == self.head


@dataclass(frozen=True, slots=True)
class LogScan:
    """The files found, and for each path or glob that could not be looked at the reason."""

    files: tuple[LogFile, ...]
    problems: tuple[tuple[str, str], ...] = ()


def scan(door: LogDoor, globs: Sequence[str], deadline: Deadline) -> LogScan:
    """The files of `globs` and what lies beside them, in one command. Raises ReachFailed."""
    if not globs:
        return LogScan(())
    return _scan(door, "\n".join([_FUNCTIONS, *map(_look_for, globs)]), deadline)


def find_inodes(door: LogDoor, folder: str, inodes: Iterable[str], deadline: Deadline) -> tuple[LogFile, ...]:
    """The files in `folder` that have one of `inodes`, whatever their names are now. Raises ReachFailed."""
    wanted = shlex.quote(f" {' '.join(inodes)} ")
    files = f"{shlex.quote(folder.rstrip('/'))}/*"
    step = (
        f'w={wanted}; for f in {files}; do i=$(stat -L -c %d:%i "$f" 2>/dev/null) || continue; '
        'case "$w" in *" $i "*) one "$f" beside;; esac; done'
    )
    return _scan(door, f"{_FUNCTIONS}\n{step}", deadline).files


def _look_for(glob: str) -> str:
    return (
        f'any=; for f in {_pattern(glob)}; do if [ -e "$f" ] || [ -L "$f" ]; then one "$f" matched && any=1; '
        'for s in "$f".* "$f"-*; do [ ! -f "$s" ] || one "$s" beside; done; fi; done; '
        f'[ "$any" ] || none {shlex.quote(glob)} {shlex.quote(_folder(glob))}'
    )


def _scan(door: LogDoor, script: str, deadline: Deadline) -> LogScan:
    marked = f"printf '%s\\0' '{MARK}'\n{script}\nprintf '%s\\0' '{MARK}'"
    result = door.run(marked, deadline, max_bytes=_MAX_BYTES)
    # what a login shell prints comes before the first mark; without the second one the answer is not whole
    parts = result.stdout.split(f"{MARK}\0".encode())
    if len(parts) != 3:
        said = plain_name(result.stderr.decode("utf-8", "replace"))[:200]
        raise ReachFailed(f"the log files could not be listed (exit code {result.exit_code}): {said}")
    try:
        return _found([os.fsdecode(field) for field in parts[1].split(b"\0")[:-1]])
    except ValueError as error:
        raise ReachFailed("the log files could not be listed: the host's tools answered something else") from error


def _found(fields: Sequence[str]) -> LogScan:
    """Five fields for each file. Raises ValueError for what is none."""
    files: dict[str, LogFile] = {}
    problems: dict[str, str] = {}
    for kind, path, second, size, head in zip(*(fields[n::5] for n in range(5)), strict=True):
        if kind == "error":
            problems.setdefault(path, second)
            continue
        file = LogFile(path, second, int(size), bytes.fromhex(head), matched=kind == "matched")
        # two globs or links may lead to the same file
        if second not in files or (file.matched and not files[second].matched):
            files[second] = file
    return LogScan(tuple(files.values()), tuple(problems.items()))


def _pattern(glob: str) -> str:
    """`glob` for a shell: what is special in a glob stays so, all else is quoted."""
    home, rest = ("~/", glob[2:]) if glob.startswith("~/") else ("./" if glob.startswith("-") else "", glob)
    parts = _SPECIAL.split(rest)
    return home + "".join(part if _SPECIAL.fullmatch(part) else (shlex.quote(part) if part else "") for part in parts)


def _folder(glob: str) -> str:
    """The folder before the first special character."""
    return _SPECIAL.split(glob, maxsplit=1)[0].rpartition("/")[0] or ("/" if glob.startswith("/") else ".")


def _digest(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()
