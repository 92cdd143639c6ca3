"""A proxy as a fault sees it: the API that holds it, its addresses, and how to measure through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faults.probe import Probe
from harness.errors import ReachFailed
from harness.reach.toxiproxy import ToxiproxyApi, ToxiproxyRejected
from harness.reach.toxiproxy_state import ProxyState, reachable_at


@dataclass(frozen=True, slots=True)
class WireProxy:
    """`open_probe` makes a new probe through the proxy, connected on its first measurement.

    `managed_folder`: where the managed server's state lives, "" for somebody's own server. `sessions`: the source
    of the platform's sessions on it ("database.main", "cache.main"), "" when neither goes through it.
    """

    name: str
    listen: str
    upstream: str
    api: ToxiproxyApi
    open_probe: Callable[[], Probe]
    managed_folder: str = ""
    sessions: str = ""

    @property
    def reachable(self) -> tuple[str, int]:
        """Host and port of the listener, as reached from here."""
        return reachable_at(self.listen, self.api.url)

    @property
    def has_database(self) -> bool:
        return self.sessions.startswith("database.")

    def found(self) -> ProxyState:
        """The proxy as the server has it now. Raises ReachFailed when it isn't there or is closed."""
        try:
            state = self.api.proxy(self.name)
        except ToxiproxyRejected as error:
            if error.status != 404:
                raise
            raise ReachFailed(
                f"Toxiproxy has no proxy named {self.name}",
                where=self.api.url,
                mend="create it there, or let the target have a managed server",
            ) from error
        if not state.enabled:
            raise ReachFailed(
                f"the proxy {self.name} is closed: nothing goes through it",
                where=self.api.url,
                mend="is it a leftover? see `gameday heal`",
            )
        return state
