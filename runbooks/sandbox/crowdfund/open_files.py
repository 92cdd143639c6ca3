"""A thousand users keep a thousand connections open: more than many systems let a process have by default."""

from __future__ import annotations

import resource
from contextlib import suppress

ENOUGH = 16_384


def allow_many_connections() -> None:
    """Raise the soft limit on open files as far as the hard one allows, up to ENOUGH; never lower it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # what the system does not grant, it does not
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
