"""The defects found so far in one file; secrets that its references resolved to are taken out of their text."""

from __future__ import annotations

from dataclasses import replace

from harness.errors import BadInput, Defect

_SHORTEST_SECRET = 4


class Refusals(BadInput):
    """Nothing is wrong with the files but that they ask for what is refused by default (law 11)."""

    exit_code = 14


class Defects:
    """Collects. `resolved` maps the value of each resolved reference to the reference itself."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.resolved: dict[str, str] = {}
        self._found: dict[Defect, bool] = {}

    def add(self, line: int, what: str, mend: str = "", *, refusal: bool = False) -> None:
        """One defect; the same one again changes nothing. `refusal`: too dangerous rather than wrong."""
        self._found.setdefault(Defect(self.file, line, what, mend), refusal)

    @property
    def found(self) -> tuple[Defect, ...]:
        """By line, without the values of references."""
        return tuple(self._masked(d) for d in sorted(self._found, key=lambda d: d.line))

    @property
    def only_refusals(self) -> bool:
        return all(self._found.values())

    def __bool__(self) -> bool:
        return bool(self._found)

    def _masked(self, defect: Defect) -> Defect:
        what, mend = defect.what, defect.mend
        for value, reference in sorted(self.resolved.items(), key=lambda item: -len(item[0])):
            if len(value) >= _SHORTEST_SECRET:
                for form in (value, repr(value)[1:-1]):
                    what, mend = what.replace(form, reference), mend.replace(form, reference)
        return replace(defect, what=what, mend=mend)


def raise_if_any(*collected: Defects) -> None:
    """One BadInput with every defect of every file; Refusals when there is nothing but these."""
    with_defects = [d for d in collected if d]
    if not with_defects:
        return
    found = tuple(defect for d in with_defects for defect in d.found)
    files = " and ".join(d.file for d in with_defects)
    count = "one defect" if len(found) == 1 else f"{len(found)} defects"
    if all(d.only_refusals for d in with_defects):
        raise Refusals(f"refused: {count} in {files}", defects=found)
    raise BadInput(f"{count} in {files}", defects=found)
