"""Which requests a glob means: "METHOD name" with `*` for any run of characters and `?` for any one.

Brackets are literal, because Locust's users name requests like "/api/v1/apps/[id]/".
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

ALL = "all"
_EVERYTHING = frozenset({ALL, "*", "* *"})


@lru_cache(maxsize=4096)
def matches(glob: str, name: str) -> bool:
    """True when the request `name` ("METHOD name") is meant by `glob`; "all" means every request."""
    return glob in _EVERYTHING or fnmatchcase(name, glob.replace("[", "[[]"))


def is_everything(glob: str) -> bool:
    """True when the glob leaves no request out, so that task errors, which have no name, belong to it too."""
    return glob in _EVERYTHING
