"""`${ENV}` references: secrets and what differs from machine to machine stay out of the files.

On the ground, since a healer resolves them too: an undo record names a secret by its reference only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_REFERENCE = re.compile(r"\$(?:(?P<escaped>\$\{)|\{(?P<body>[^}]*)\})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST_FILE = 65536


@dataclass(frozen=True, slots=True)
class Expansion:
    """`text` with its references resolved; `parts` are (reference, value); `problems` are (what, mend)."""

    text: str
    parts: tuple[tuple[str, str], ...]
    problems: tuple[tuple[str, str], ...]


class References:
    """Resolves `${VAR}`, `${VAR:-default}` and `${file:PATH}` (relative to `folder`); `$${` is a plain `${`."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder

    def expand(self, text: str) -> Expansion:
        parts: list[tuple[str, str]] = []
        problems: list[tuple[str, str]] = []

        def value_of(match: re.Match[str]) -> str:
            if match["escaped"]:
                return "${"
            try:
                value = self._value(match["body"])
            except _Unresolved as error:
                problems.append((error.what, error.mend))
                return match[0]
            parts.append((match[0], value))
            return value

        return Expansion(_REFERENCE.sub(value_of, text), tuple(parts), tuple(problems))

    def _value(self, body: str) -> str:
        if body.startswith("file:"):
            return self._file(body.removeprefix("file:"))
        name, has_default, default = body.partition(":-")
        if not _NAME.fullmatch(name):
            raise _Unresolved(
                f"${{{body}}} is no reference", "write ${NAME}, ${NAME:-default} or ${file:PATH}; $${ is a plain ${"
            )
        value = self._environment.get(name, "")
        if value or has_default:
            return value or default
        state = "is empty" if name in self._environment else "is not set"
        raise _Unresolved(
            f"the environment variable {name} {state}", f"export {name}=... or write ${{{name}:-default}}"
        )

    def _file(self, name: str) -> str:
        path = self._folder / Path(name).expanduser()
        try:
            with path.open("rb") as stream:
                return stream.read(_LARGEST_FILE).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise _Unresolved(f"the file of ${{file:{name}}} can't be read: {reason}", f"check {path}") from None


class _Unresolved(Exception):
    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


Expand = Callable[[str], Expansion]
