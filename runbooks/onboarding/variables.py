"""Environment variables: those of this process, and those of the `.env` file beside the platform."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import BadInput

FILE = ".env"
_LARGEST_BYTES = 1 << 20
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-?+])(?P<rest>[^}]*))?\})"
)


@dataclass(frozen=True, slots=True)
class Variables:
    """`values` has both, the process's over the file's; `exported` are the names that are set in this process."""

    values: Mapping[str, str] = field(repr=False)
    exported: frozenset[str]

    @classmethod
    def read(cls, folder: Path) -> Variables:
        """Raises BadInput when there is an `.env` file that can't be read."""
        exported = {name: value for name, value in os.environ.items() if value}
        return cls({**_file(folder / FILE), **exported}, frozenset(exported))

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def expand(self, text: str) -> str:
        """`text` as Compose reads it: `$NAME`, `${NAME}`, `${NAME:-default}`; `$$` is a plain `$`."""
        return _REFERENCE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        value = self.get(match["bare"] or match["name"])
        operator, rest = match["operator"] or "", match["rest"] or ""
        if operator.endswith("-"):
            return value or rest
        if operator.endswith("+"):
            return rest if value else ""
        return value


def _file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        mend = "mend its permissions, or run in another folder"
        raise BadInput(f"the file can't be read: {error.strerror}", where=str(path), mend=mend) from error
    matches = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match[1]: _unquoted(match[2]) for match in matches if match is not None}


def _unquoted(value: str) -> str:
    quoted = re.match(r"(['\"])(.*?)\1", value)
    return quoted[2] if quoted else value.partition(" #")[0].rstrip()
