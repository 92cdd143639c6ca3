"""`python -P -m harness.load.inspect_entry <answer file> <locust arguments>`: what a Locust file has, as JSON.

Locust is imported first, as in `locust_entry`.
"""

from __future__ import annotations

import locust  # isort: skip  # noqa: F401 - patches the standard library before anything else loads
from locust import main as locust_main  # isort: skip
from locust.argument_parser import get_locustfiles_locally, get_parser, parse_locustfile_option  # isort: skip

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.load.broken_file import BrokenFile
from harness.load.fence import Fence, taken_from
from harness.load.own_name import make_room


def main() -> None:
    """Import the Locust file as Locust does, write the answer and leave without the user's exit handlers."""
    if allow := taken_from(sys.argv):
        Fence(allow, lambda _: None).put_up()
    answer = Path(sys.argv[1])
    sys.argv[:] = ["locust", *sys.argv[2:]]
    broken_by = BrokenFile.by
    make_room()
    answer.write_text(json.dumps(_facts(broken_by)))
    sys.stderr.flush()
    os._exit(0)


def _facts(broken_by: Any) -> dict[str, Any]:
    find_files: Any = get_locustfiles_locally
    files = find_files(parse_locustfile_option())
    try:
        users, _, _, shape = locust_main.merge_locustfiles_content(files)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's file may raise anything, and that is the answer
        broken = broken_by(error)
        return {"broken": {"what": broken.what, "file": broken.file, "line": broken.line}}
    options = get_parser().parse_args()
    chosen = {n: c for n, c in users.items() if not options.user_classes or n in options.user_classes}
    missing = sorted(set(options.user_classes or ()) - set(users))
    tags = {tag for user in chosen.values() for tag in _tags(user.tasks)}
    return {"users": sorted(chosen), "missing": missing, "tags": sorted(tags), "has_shape": shape is not None}


def _tags(tasks: Iterable[Any]) -> Iterator[str]:
    # tasks repeat by their weight
    for task in {id(t): t for t in tasks}.values():
        yield from getattr(task, "locust_tag_set", ())
        yield from _tags(getattr(task, "tasks", ()))


if __name__ == "__main__":
    main()
