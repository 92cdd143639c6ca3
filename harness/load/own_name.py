"""Makes room for the user's own modules. Runs in the load process, after all our imports.

Locust puts the current directory on the path; `import harness` in the user's project must find a folder of theirs as
it does under plain `locust`. Our functions keep their modules alive without the table of modules.
"""

from __future__ import annotations

import sys


def make_room() -> None:
    """Take our packages out of `sys.modules`. After this nothing of ours may be imported any more."""
    for name in [n for n in sys.modules if n == "harness" or n.startswith("harness.")]:
        del sys.modules[name]
