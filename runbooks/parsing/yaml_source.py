"""A YAML file as plain values, with the line of each: duplicate keys, foreign tags and bombs are defects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError, SafeConstructor

from runbooks.parsing.defects import Defects
from runbooks.parsing.reference import Expand

Place = tuple[str | int, ...]
"""Where a value stands: ("faults", 0, "latency")."""

LARGEST_FILE_BYTES = 1 << 20
MOST_VALUES = 20_000
DEEPEST = 30
VERBATIM = frozenset({"run", "commands"})
"""Keys whose text belongs to a shell on a host: `${X}` there is the shell's own."""

ACTIVITIES = frozenset({"action", "rollback", "probe", "configuration", "secrets"})
"""Keys of a fault or a service level whose text is Chaos Toolkit's: `${X}` there is found when the activity is run."""

_CORE = "tag:yaml.org,2002:"
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(slots=True)
class YamlSource:
    """`value` is the file's mapping; `lines` has the line of each place; `references` the text as written of each
    value that held a reference, `parts` its (reference, value) pairs, `broken` the places with a defect already."""

    file: str
    text: str
    value: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    references: dict[Place, str] = field(default_factory=dict)
    parts: dict[Place, tuple[tuple[str, str], ...]] = field(default_factory=dict, repr=False)
    broken: set[Place] = field(default_factory=set)

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it that has one."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def at(self, place: Place) -> Any:
        """The value at `place`; None where there is none."""
        value: Any = self.value
        for part in place:
            if isinstance(value, dict):
                value = value.get(str(part))
            else:
                value = value[part] if isinstance(value, list) and isinstance(part, int) else None
        return value

    def written(self, place: Place, value: str) -> str:
        """What the file says at `place`, where `value` is what that means."""
        return self.references.get(place, value)


def read_yaml(path: Path, defects: Defects, expand: Expand, text: str | None = None) -> YamlSource | None:
    """The file, or `text` in its stead; None when it can't be read as a mapping at all (and `defects` says why)."""
    text = _read_text(path, defects) if text is None else text
    if text is None:
        return None
    root = _compose(text, defects)
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode):
        defects.add(_line(root), "the file is no mapping of keys to values", "write `key: value` lines")
        return None
    source = YamlSource(file=str(path), text=text)
    walk = _Walk(source, defects, expand)
    source.value = walk.mapping(root, ())
    return None if walk.burst else source


def _read_text(path: Path, defects: Defects) -> str | None:
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        defects.add(0, f"the file can't be read: {error.strerror}", "check the path and its permissions")
        return None
    if len(raw) > LARGEST_FILE_BYTES:
        defects.add(0, "the file is larger than 1 MiB", "a runbook or target is a page of text")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        defects.add(raw.count(b"\n", 0, error.start) + 1, "the file is not UTF-8 text", "save it as UTF-8")
        return None


class _Loader(yaml.SafeLoader):
    """Gives up early where nesting goes too deep: PyYAML would spend seconds on its way to Python's own limit."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEEPEST + 1:
            raise ComposerError(None, None, "it is nested too deeply", parent.start_mark if parent else None)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _compose(text: str, defects: Defects) -> yaml.Node | None:
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it can't be read"
        defects.add(mark.line + 1 if mark else 1, f"no valid YAML: {problem}", _yaml_mend(problem))
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        defects.add(line, "no valid YAML: a control character", "take the character out")
        return None
    if root is None:
        defects.add(0, "the file is empty", "see docs/runbooks.md and docs/targets.md")
    return root


def _yaml_mend(problem: str) -> str:
    if "'\\t'" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "put text that holds a colon into quotes"
    if any(sign in problem for sign in ("expected ',' or", "could not find expected", "node content")):
        return 'close the bracket or the quote, and put text with # or { into quotes: "#game-day"'
    return ""


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Walk:
    """One walk over the nodes. Aliases are followed, so the number of values and the depth are bounded."""

    def __init__(self, source: YamlSource, defects: Defects, expand: Expand) -> None:
        self._source = source
        self._defects = defects
        self._expand = expand
        self._values = 0
        self.burst = False
        self._open: set[int] = set()

    def value(self, node: yaml.Node, place: Place) -> Any:
        self._values += 1
        if self._values > MOST_VALUES or len(place) > DEEPEST or id(node) in self._open:
            if not self.burst:
                self._defects.add(_line(node), "too many or too deeply nested values", "write aliases out")
            self.burst = True
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, place)
            assert isinstance(node, yaml.SequenceNode)
            return self._sequence(node, place)
        finally:
            self._open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        self._check_tag(node, "map")
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._defects.add(_line(key_node), "a key must be plain text", "write `key: value`")
                continue
            key = str(key_node.value)
            if key in result:
                first = self._source.lines[(*place, key)]
                self._defects.add(
                    _line(key_node), f"the key {key!r} stands here twice", f"the first is in line {first}"
                )
                continue
            self._source.lines[(*place, key)] = _line(key_node)
            result[key] = self.value(value_node, (*place, key))
        return result

    def _sequence(self, node: yaml.SequenceNode, place: Place) -> list[Any]:
        self._check_tag(node, "seq")
        items = []
        for index, item in enumerate(node.value):
            self._source.lines[(*place, index)] = _line(item)
            items.append(self.value(item, (*place, index)))
        return items

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        text = str(node.value)
        if _NO_TEXT.search(text):
            self._defects.add(_line(node), "a sign that no text holds (NUL or half a character)", "take it out")
            self._source.broken.add(place)
            return None
        if "${" in text and not _is_verbatim(place):
            return self._expanded(text, node, place)
        kind = node.tag.removeprefix(_CORE)
        construct = _SCALARS.get(kind)
        if construct is None:
            if kind not in ("str", "timestamp"):
                self._check_tag(node, "str")
            return text
        try:
            return construct(SafeConstructor(), node)
        except (ValueError, ConstructorError):
            self._defects.add(_line(node), "a value that is no number", "put it into quotes if it is text")
            self._source.broken.add(place)
            return None

    def _expanded(self, text: str, node: yaml.ScalarNode, place: Place) -> str:
        expansion = self._expand(text)
        for what, mend in expansion.problems:
            self._defects.add(_line(node), what, mend)
            self._source.broken.add(place)
        if expansion.parts:
            self._source.references[place] = text
            self._source.parts[place] = expansion.parts
            self._defects.resolved.update({value: reference for reference, value in expansion.parts})
            self._defects.resolved[expansion.text] = text
        return expansion.text

    def _check_tag(self, node: yaml.Node, kind: str) -> None:
        if node.tag != _CORE + kind:
            self._defects.add(
                _line(node), f"the YAML tag {node.tag.replace(_CORE, '!!')} is not allowed", "take it out"
            )


def _is_verbatim(place: Place) -> bool:
    if VERBATIM & set(place):
        return True
    return len(place) > 2 and place[0] in ("faults", "service_levels") and place[2] in ACTIVITIES


_SCALARS: Mapping[str, Any] = {
    "null": SafeConstructor.construct_yaml_null,
    "bool": SafeConstructor.construct_yaml_bool,
    "int": SafeConstructor.construct_yaml_int,
    "float": SafeConstructor.construct_yaml_float,
}
