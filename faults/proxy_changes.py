"""What somebody else does to a proxy while a run has faults on it, told apart from what the run itself does."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from faults import curl
from faults.undo import EnabledUndo, ToxicUndo
from harness.reach.toxiproxy_state import ProxyState, ToxicState


@dataclass(frozen=True, slots=True)
class OnProxy:
    """What the run has on a proxy: the names of its toxics, and the ids of the faults that close it."""

    toxics: frozenset[str] = frozenset()
    closed_by: frozenset[str] = frozenset()

    def __or__(self, other: OnProxy) -> OnProxy:
        return OnProxy(self.toxics | other.toxics, self.closed_by | other.closed_by)


class ProxyHold:
    """Shared by all faults of a run on one proxy. `on`: what they have on it now, or are about to have."""

    def __init__(self) -> None:
        self.on = OnProxy()
        self._found: ProxyState | None = None
        self._lock = threading.Lock()  # guards what is changed: each fault has a thread of its own

    def look(self, state: ProxyState) -> None:
        """The proxy before a fault; what it carried before the first one is nobody's change."""
        with self._lock:
            self._found = self._found or state

    def take(self, undo: ToxicUndo | EnabledUndo) -> None:
        """Before an injection."""
        with self._lock:
            self.on |= _held_by(undo)

    def release(self, undo: ToxicUndo | EnabledUndo) -> None:
        """Once it is off."""
        off = _held_by(undo)
        with self._lock:
            self.on = OnProxy(self.on.toxics - off.toxics, self.on.closed_by - off.closed_by)

    def changed(self, now: ProxyState, ours: OnProxy) -> str:
        """What somebody has done to the proxy since, in words; "" for nothing."""
        found = self._found or now
        if (now.listen, now.upstream) != (found.listen, found.upstream):
            was, became = (f"{state.listen} to {state.upstream}" for state in (found, now))
            return f"somebody changed the proxy {now.name} from {was} into {became}"
        if not now.enabled and not ours.closed_by:
            return f"somebody closed the proxy {now.name}"
        added = self._added(now, ours)
        return f"somebody put {said(added)} on the proxy {now.name} too, named {added.name}" if added else ""

    def mend(self, now: ProxyState, ours: OnProxy, api_url: str) -> str:
        """What a person types to take the change back; "" for none."""
        found = self._found or now
        if not self.changed(now, ours):
            return ""
        added = self._added(now, ours)
        if added and now.enabled and (now.listen, now.upstream) == (found.listen, found.upstream):
            return curl.delete(api_url, "proxies", now.name, "toxics", added.name)
        as_found = {"listen": found.listen, "upstream": found.upstream, "enabled": True}
        return curl.post(api_url, "proxies", now.name, body=as_found)

    def _added(self, now: ProxyState, ours: OnProxy) -> ToxicState | None:
        known = ours.toxics | {toxic.name for toxic in (self._found or now).toxics}
        return next((toxic for toxic in now.toxics if toxic.name not in known), None)


def said(toxic: ToxicState) -> str:
    """A toxic in words, in the server's own units."""
    attributes = ", ".join(f"{key} {value}" for key, value in sorted(toxic.attributes.items()))
    return f"{toxic.type} {toxic.stream.lower()} ({attributes}) with toxicity {toxic.toxicity:g}"


def _held_by(undo: ToxicUndo | EnabledUndo) -> OnProxy:
    if isinstance(undo, ToxicUndo):
        return OnProxy(toxics=frozenset({undo.toxic}))
    return OnProxy(closed_by=frozenset({undo.fault_id}))
