"""Values against a pydantic model: its errors become defects with the line and words of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from faults.quantity import is_duration, say_seconds
from runbooks.parsing.defects import Defects
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.yaml_source import Place, YamlSource

M = TypeVar("M", bound=BaseModel)


class Entry(BaseModel):
    """The base of what a person writes: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


def quiet(model: type[M], value: object) -> M | None:
    """`value` as `model`, or None: where the whole file's model has reported what is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


_SHAPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_MENDS = {
    "text": "put it into quotes",
    "a list": "write [one, two] or a line with `- ` for each",
    "a mapping of keys to values": "write {key: value} or indented `key: value` lines",
}
_PATTERNS = {"path": "write a path such as /alerts", "slack": 'write a channel such as "#game-day"'}


class Checked:
    """One file's source with its defects, and models laid over places in it."""

    def __init__(self, source: YamlSource, defects: Defects) -> None:
        self.source = source
        self.defects = defects

    def defect(self, place: Place, what: str, mend: str = "", *, refusal: bool = False) -> None:
        """A defect at `place`, unless it already has one of another kind."""
        if place not in self.source.broken:
            self.defects.add(self.source.line(place), what, mend, refusal=refusal)

    def model(self, model: type[M], value: object, place: Place) -> M | None:
        """`value`, found at `place`, as `model`; or None with the defects added."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            seen: set[Place] = set()
            for problem in error.errors(include_url=False):
                at = self._place(place, tuple(problem["loc"]), problem["type"])
                if at not in seen:
                    seen.add(at)
                    self._report(model, problem, place, at)
            return None

    def _place(self, base: Place, loc: Place, kind: str) -> Place:
        """The place in the file that pydantic's `loc` means; names of union members in it stand for nothing."""
        if kind == "missing":
            return (*base, *loc)
        place = (*base, *loc)
        while len(place) > len(base) and place not in self.source.lines:
            place = place[:-1]
        return place

    def _report(self, model: type[BaseModel], problem: Any, base: Place, at: Place) -> None:
        kind, key = problem["type"], str(at[-1]) if at else "the file"
        if any(at[: len(broken)] == broken for broken in self.source.broken):
            return
        if kind == "missing":
            self.defects.add(self.source.line(at), f"the key {key!r} is missing", f"add {key}: ...")
        elif kind == "extra_forbidden":
            known = known_keys(model, at[len(base) : -1])
            self.defects.add(self.source.line(at), f"unknown key {key!r}", suggest(key, known, what="keys here"))
        else:
            what, mend = self._words(problem, at)
            self.defects.add(self.source.line(at), f"{_label(at)}: {what}", mend)

    def _words(self, problem: Any, at: Place) -> tuple[str, str]:
        if at in self.source.references:
            return f"what {self.source.references[at]} means doesn't fit here", "check the variable's value"
        kind = problem["type"]
        if kind in _SHAPES:
            return _shape(_SHAPES[kind], problem["input"], str(at[-1]) if at else "")
        if kind in _BOUNDS:
            return _bound(problem, in_seconds=is_duration(self.source.at(at))), ""
        return _in_words(problem)


def _label(at: Place) -> str:
    """ "load.users", without the positions in lists."""
    names = [str(part) for part in at if isinstance(part, str)]
    return ".".join(names[-2:]) or "here"


def _in_words(problem: Any) -> tuple[str, str]:
    kind, given = problem["type"], problem["input"]
    what, mend = str(problem["msg"]).replace("Input should", "must"), ""
    if given is None:
        what, mend = "has no value", "give it a value, or leave it out"
    elif kind == "string_pattern_mismatch":
        what, mend = f"{given!r} is not written as it must be", _PATTERNS.get(str(problem["loc"][-1]), "")
    elif kind == "literal_error":
        what, mend = _literal(given, str(problem["ctx"]["expected"]))
    elif kind in ("string_too_short", "too_short"):
        what = "is empty"
    elif kind == "value_error":
        what, _, mend = str(problem["ctx"]["error"]).partition(" -> ")
    return what, mend


def _literal(given: object, expected: str) -> tuple[str, str]:
    if expected == "True":
        return "must be true", "leave it out where it is not"
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    return f"unknown {given!r}", suggest(str(given), words)


def _bound(problem: Any, *, in_seconds: bool) -> str:
    word, name = _BOUNDS[problem["type"]]
    limit = problem["ctx"][name]
    return f"must be {word} {say_seconds(limit) if in_seconds else f'{limit:.15g}'}"


def _shape(wanted: str, given: object, key: str) -> tuple[str, str]:
    if given is None:
        what = "it" if key.isdigit() else repr(key)
        mend = "put text that begins with # into quotes" if key == "slack" else f"give it a value, or leave {what} out"
        return "has no value", mend
    if key in ("listen", "upstream"):
        return "must be an address", "write host:port"
    return f"must be {wanted}", _MENDS.get(wanted, "")


def known_keys(model: type[BaseModel], path: Place) -> list[str]:
    """The keys that the model at `path` inside `model` takes."""
    found: type[BaseModel] | None = model
    current: Any = model
    for part in path:
        current = _inside(current, part)
    found = next(_models(current), None)
    if found is None:
        return []
    return [info.alias or name for name, info in found.model_fields.items()]


def _inside(annotation: Any, part: str | int) -> Any:
    for candidate in _models(annotation):
        by_key = {info.alias or name: info for name, info in candidate.model_fields.items()}
        if part in by_key:
            return by_key[str(part)].annotation
    for option in _options(annotation):
        arguments = get_args(option)
        if arguments:
            return arguments[-1] if arguments[-1] is not Ellipsis else arguments[0]
    return None


def _options(annotation: Any) -> Iterator[Any]:
    """The annotation itself, or the members of a union."""
    members = [a for a in get_args(annotation) if a is not type(None)]
    is_container = isinstance(annotation, type) or getattr(annotation, "__origin__", None) in (
        list,
        tuple,
        dict,
        Mapping,
    )
    yield from [annotation] if is_container or not members else members


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            yield option
