"""What a program on a host says: lines of a word and a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.errors import ReachFailed

_END = "end"
_NUMBER = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Facts:
    """The values by their word, in the order in which they were said."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str, where: str) -> Facts:
        """Raises ReachFailed when the last line is missing: the program did not come to its end."""
        lines = text.splitlines()
        if _END not in lines:
            raise ReachFailed("the host did not answer as sh does", where=where, mend="does the account have a shell?")
        return cls.of(lines[: lines.index(_END)])

    @classmethod
    def of(cls, lines: Iterable[str]) -> Facts:
        found: dict[str, list[str]] = {}
        for line in lines:
            word, _, value = line.partition(" ")
            found.setdefault(word, []).append(value.strip())
        return cls({word: tuple(values) for word, values in found.items()})

    def all(self, word: str) -> tuple[str, ...]:
        return self.values.get(word, ())

    def one(self, word: str) -> str:
        """The last value of the word; "" where it was not said."""
        return self.all(word)[-1] if self.all(word) else ""

    def numbers(self, word: str) -> tuple[int, ...]:
        """The whole numbers of the last value; those that are none are 0."""
        return tuple(int(part) if _NUMBER.fullmatch(part) else 0 for part in self.one(word).split())

    def number(self, word: str) -> int:
        """The first of them, 0 where there is none."""
        return next(iter(self.numbers(word)), 0)
