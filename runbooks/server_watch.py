"""Watches the toxiproxy-server that is ours: when it dies, nothing goes through its proxies any more."""

from __future__ import annotations

import threading

from faults.toxiproxy_server import ManagedServer
from harness.clock import Deadline
from harness.errors import GamedayError
from runbooks.target import Toxiproxy

RESTART_S = 5.0
_DIED = "our toxiproxy-server died, and with it the way through all its proxies"
_STILL_DEAD = 2
"""Looks in a row: healing may just be starting it again by itself."""


class ServerWatch:
    """Asked at each turn of the conductor's loop, a few times a second. A server that died is started again at once,
    in a thread: the platform has its way through back, whatever the run does."""

    def __init__(self, toxiproxy: Toxiproxy | None) -> None:
        self._folder = toxiproxy.folder if toxiproxy is not None and toxiproxy.managed else None
        self._known: tuple[int, int] | None = None
        self._dead = 0
        self._lost = ""
        self._restarting: threading.Thread | None = None

    def look(self) -> str:
        """Why the run must end, in words; "" while the server lives, or where none is ours."""
        if self._folder is None or self._lost:
            return self._lost
        try:
            server = ManagedServer.attach(self._folder)
        except GamedayError:
            return ""
        self._dead = 0 if server.alive else self._dead + 1
        if self._dead >= _STILL_DEAD:
            self._lost = f"{_DIED}: it is started again"
            self._restarting = threading.Thread(target=self._restart, args=(server,), name="restart", daemon=True)
            self._restarting.start()
        elif self._is_another(server) and server.replaces_dead:
            # whoever healed a fault needed it sooner
            self._lost = f"{_DIED}: it was started again"
        return self._lost

    def _is_another(self, server: ManagedServer) -> bool:
        now = (server.pid, server.start_ticks)
        self._known = self._known or now
        return now != self._known

    def finish(self) -> None:
        """Waits for a restart under way; bounded."""
        if self._restarting is not None:
            self._restarting.join(RESTART_S)

    def _restart(self, server: ManagedServer) -> None:
        try:
            server.restart(Deadline.after(RESTART_S))
        except GamedayError as error:
            self._lost += f" (it was not: {error})"
