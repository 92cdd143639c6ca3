"""Globs over "METHOD name", as Locust names requests."""

from __future__ import annotations

import re

from runbooks.parsing.validation import Checked
from runbooks.parsing.yaml_source import Place

_HTTP = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
_METHOD = re.compile(r"[A-Za-z*?_-]+")


def check_glob(glob: str, place: Place, checked: Checked) -> None:
    """A defect when the glob can match no "METHOD name"."""
    method, space, name = glob.partition(" ")
    if glob == "*":
        return
    if not space or not name.strip() or not _METHOD.fullmatch(method):
        checked.defect(place, f"{glob!r} has no method", f'write "METHOD name", such as "* {glob.strip()}"')
    elif method.upper() in _HTTP and method not in _HTTP:
        checked.defect(place, f"{glob!r}: Locust names methods in capitals", f'write "{method.upper()} {name}"')
    elif "://" in name:
        checked.defect(place, f"{glob!r} is a web address", "write the path, as Locust names its requests")
