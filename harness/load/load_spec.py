"""What to play: the load as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ONE_PER_CORE = -1
"""For `processes`, as Locust writes it."""
ANY_PORT = 0
"""For `web_port`: the system chooses."""


@dataclass(frozen=True)
class LoadSpec:
    """What to play. `users` and `spawn_rate` None: as the user's own Locust configuration says.

    `cwd` is where Locust looks for locust.conf and pyproject.toml; `log` gets all that Locust prints. `processes`:
    that many load processes, or ONE_PER_CORE; None: one, unless `args` say otherwise. `web_port`: Locust's own web page
    on that port of 127.0.0.1, or on ANY_PORT; None: no page. `allow`: the networks and names that the load may connect
    to; (): any.
    """

    locustfile: Path
    host: str
    users: int | None
    spawn_rate: float | None
    cwd: Path
    log: Path
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    processes: int | None = None
    web_port: int | None = None
    allow: tuple[str, ...] = ()
