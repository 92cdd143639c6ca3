"""Heals a fault on a proxy: the recovery ladder, bounded on every rung.

Toxiproxy's control API can wedge under load and never answer again. So each call has a second, and behind the
plain call stand a restart (our server) or a proxy in the wedged one's place (somebody's own).
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from faults import curl
from faults.fault import Healed
from faults.toxiproxy_server import ManagedServer
from faults.undo import EnabledUndo, ToxicUndo
from harness.clock import Deadline
from harness.errors import GamedayError, NotHealed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.own_address import is_own
from harness.reach.toxiproxy import ToxiproxyApi, ToxiproxyGone, ToxiproxyRejected
from harness.reach.toxiproxy_state import ProxyState

CALL_S = 1.0
_REPLACED = "-gameday"
ProxyUndo = ToxicUndo | EnabledUndo


def heal_proxy(undo: ProxyUndo, deadline: Deadline, allow: AllowList) -> Healed:
    """Take a fault off a proxy. Idempotent. Raises NotHealed."""
    try:
        api = ToxiproxyApi(undo.api_url, allow, CALL_S, address=undo.api_address)
    except ReachFailed as error:
        raise _not_healed(undo, error) from error
    return _Ladder(undo, api, deadline).climb()


def toxic_command(undo: ToxicUndo) -> str:
    """What a person types to take the toxic off."""
    return curl.delete(undo.api_url, "proxies", undo.proxy, "toxics", undo.toxic)


def enabled_command(undo: EnabledUndo) -> str:
    """What a person types to open (or close) the proxy as it was found."""
    return _enable_command(undo, enabled=undo.enabled)


def create_command(undo: ProxyUndo) -> str:
    """What a person types to have the proxy again as it was found."""
    body = {"name": undo.proxy, "listen": undo.listen, "upstream": undo.upstream, "enabled": undo.enabled}
    return curl.post(undo.api_url, "proxies", body=body)


def reopen_command(undo: ProxyUndo) -> str:
    """What a person types where the fault is off, and nothing answers behind the proxy all the same: a listener that
    stopped accepting is made anew so."""
    closed, opened = (_enable_command(undo, enabled=enabled) for enabled in (False, True))
    return f"{closed}; {opened} (is {undo.upstream} up?)"


def _enable_command(undo: ProxyUndo, *, enabled: bool) -> str:
    return curl.post(undo.api_url, "proxies", undo.proxy, body={"enabled": enabled})


class _Ladder:
    """One climb, from the plain call up to what works."""

    def __init__(self, undo: ProxyUndo, api: ToxiproxyApi, deadline: Deadline) -> None:
        self._undo = undo
        self._api = api
        self._deadline = deadline
        self._server = _managed(undo)

    def climb(self) -> Healed:
        try:
            try:
                return self._plain()
            except ReachTimeout as error:
                return self._wedged(error)
        except ToxiproxyGone:
            return self._server_gone()
        except ReachFailed as error:
            raise _not_healed(self._undo, error) from error

    def _plain(self) -> Healed:
        """Ask for it, and see that it is so."""
        undo = self._undo
        try:
            if isinstance(undo, ToxicUndo):
                was_there = self._api.remove_toxic(undo.proxy, undo.toxic, timeout_s=self._call_s())
                if self._seen().toxic(undo.toxic) is not None:
                    raise ReachTimeout("the toxic is still there after its removal", where=undo.api_url)
                if was_there:
                    return Healed("delete", command=reopen_command(undo))
                return Healed("absent", "it was gone already", reopen_command(undo))
            self._api.set_enabled(undo.proxy, enabled=undo.enabled, timeout_s=self._call_s())
            return Healed("enable", command=reopen_command(undo))
        except ToxiproxyRejected as error:
            if error.status == 404:
                return self._proxy_gone()
            raise

    def _seen(self) -> ProxyState:
        return self._api.proxy(self._undo.proxy, timeout_s=self._call_s())

    def _proxy_gone(self) -> Healed:
        """A server restarted in between, or somebody deleted the proxy: nothing of ours is left in it."""
        where = f"the proxy {self._undo.proxy} is not there any more: the server was restarted or somebody deleted it"
        if self._server is None:
            return Healed("gone", f"{where}; nothing of ours is left in it", create_command(self._undo))
        try:
            self._server.restore_proxies()
        except GamedayError as error:
            raise _not_healed(self._undo, error) from error
        return Healed("gone", f"{where}; it was created again")

    def _server_gone(self) -> Healed:
        """Nothing listens at the API: the toxics ended with their server."""
        if self._server is None and not is_own(self._api.address):
            # a broken way to another machine may refuse as well: unknown is not success
            what = f"nothing listens at {self._undo.api_url}: that server has ended, or the way to it is broken"
            raise _not_healed(self._undo, ReachFailed(what))
        if self._server is None:
            return Healed(
                "gone",
                f"nothing listens at {self._undo.api_url} any more: our fault ended with that server, and so did the "
                f"way through the proxy {self._undo.proxy}",
                f"start that toxiproxy-server again, then: {create_command(self._undo)}",
            )
        return self._restarted("our toxiproxy-server had ended: it was started again")

    def _wedged(self, error: ReachTimeout) -> Healed:
        if self._server is not None:
            note = f"our toxiproxy-server no longer answered ({error.what}): it was restarted, without any toxic"
            return self._restarted(note)
        return self._replaced(error)

    def _restarted(self, note: str) -> Healed:
        server, undo = self._server, self._undo
        assert server is not None
        try:
            server.restart(self._deadline)
            if server.api_url != undo.api_url:
                return Healed("gone", f"our toxiproxy-server was started anew at {server.api_url} in between")
            if not undo.enabled:
                self._api.set_enabled(undo.proxy, enabled=False, timeout_s=self._call_s())
        except GamedayError as error:
            raise _not_healed(undo, error) from error
        return Healed("restart", note)

    def _replaced(self, cause: ReachTimeout) -> Healed:
        """Somebody's own server, wedged: free the listen port, and put a proxy of another name on it."""
        undo = self._undo
        self._answers_at_all()
        with contextlib.suppress(ReachTimeout):
            # it may hang as the first call did, but the port is free all the same
            self._api.set_enabled(undo.proxy, enabled=False, timeout_s=self._call_s())
        if not undo.enabled:
            return Healed("disable", f"{undo.proxy} no longer answered ({cause.what}); it is closed, as it was found")
        name = f"{undo.proxy}{_REPLACED}"
        self._api.create_proxy(name, undo.listen, undo.upstream, timeout_s=self._call_s())
        return Healed(
            "replace",
            f"the proxy {undo.proxy} at {undo.api_url} no longer answered ({cause.what}): it was closed, and {name} "
            f"took its place on {undo.listen}; restart that server when you can",
        )

    def _answers_at_all(self) -> None:
        """Raises NotHealed for a frozen server: the version needs no lock, so a wedged one still tells it. Nothing more
        may be asked of a frozen one: it would do it all once it wakes, when nobody expects a closed proxy any more."""
        try:
            self._api.version(timeout_s=self._call_s())
        except ReachTimeout as error:
            what = f"{error}: the whole server is frozen or cut off; wake or restart it, then: gameday heal"
            raise _not_healed(self._undo, ReachFailed(what)) from error

    def _call_s(self) -> float:
        return max(0.05, min(CALL_S, self._deadline.left_s()))


def _managed(undo: ProxyUndo) -> ManagedServer | None:
    """Our server, as it is before the climb; None for somebody's own, or when it was stopped in order."""
    if not undo.managed_folder:
        return None
    try:
        return ManagedServer.attach(Path(undo.managed_folder))
    except ReachFailed:
        return None


def _not_healed(undo: ProxyUndo, error: GamedayError) -> NotHealed:
    command = toxic_command(undo) if isinstance(undo, ToxicUndo) else enabled_command(undo)
    where = f"{undo.proxy} at {undo.api_url}"
    return NotHealed(f"{undo.fault_id} could not be taken off: {error}", where=where, mend=command)
