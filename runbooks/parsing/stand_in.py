"""Stand-ins for variables that are not set: who only reads a plan has no secrets, and needs none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from runbooks.parsing.defects import Defects
from runbooks.parsing.reference import Expansion
from runbooks.parsing.yaml_source import Place, read_yaml

UNSET = "not-set-here"
HOST = f"{UNSET}.invalid"
"""The host of a stand-in: a name that never has an address."""
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_KEY = re.compile(r"dsn$|token|password|secret|args")


def with_stand_ins(paths: tuple[Path, ...], environment: Mapping[str, str]) -> dict[str, str]:
    """`environment`, and a value of the right shape for each variable of the files that may hold a secret and is not
    set. What else is not set stays a defect."""
    known = dict(environment)
    for path in paths:
        source = read_yaml(path, Defects(str(path)), lambda text: Expansion(text, (), ()))
        for place, text in _texts(source.value if source is not None else {}, ()):
            for name in _NAME.findall(text):
                if not known.get(name) and _may_be_secret(place, text):
                    known[name] = _stand_in(place) if _NAME.fullmatch(text) else UNSET
    return known


def _may_be_secret(place: Place, text: str) -> bool:
    is_cache = place[0] == "caches" and place[-1] == "url"
    return is_cache or _NAME.fullmatch(text) is None or any(_SECRET_KEY.search(str(part)) for part in place)


def _stand_in(place: Place) -> str:
    if place[0] == "caches":
        return f"redis://{HOST}/0"
    return f"postgresql://{UNSET}@{HOST}/{UNSET}" if str(place[-1]).endswith("dsn") else UNSET


def _texts(value: object, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*place, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*place, index))
    elif isinstance(value, str):
        yield place, value
