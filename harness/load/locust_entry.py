"""`python -P -m harness.load.locust_entry <locust arguments>`: Locust as it is, with our telemetry on its events.

Locust is imported first: it patches the standard library, and what has loaded ssl before that breaks.
"""

from __future__ import annotations

import locust  # isort: skip
from locust import main as locust_main  # isort: skip

import os
import sys
from typing import Any

from harness.load.broken_file import BrokenFile
from harness.load.fence import Fence, taken_from
from harness.load.own_name import make_room
from harness.load.telemetry import Telemetry
from harness.load.wire import SOCKET_VARIABLE


def main() -> None:
    """Run Locust; a Locust file that raises is told to the conductor, and on stderr as ever."""
    telemetry = Telemetry(os.environ.pop(SOCKET_VARIABLE))
    telemetry.register(locust.events)
    if allow := taken_from(sys.argv):
        Fence(allow, telemetry.outside).put_up()
    broken_by = BrokenFile.by
    make_room()
    sys.argv[0] = "locust"
    run: Any = locust_main.main
    try:
        run()
    except Exception as error:
        broken = broken_by(error)
        telemetry.broken(broken.what, broken.file, broken.line)
        raise


if __name__ == "__main__":
    main()
