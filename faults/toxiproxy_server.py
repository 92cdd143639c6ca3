"""The managed Toxiproxy server: ours to start, to restart and to stop, and found again by its state file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from faults import process
from faults.file_lock import locked
from faults.toxiproxy_binary import Say, find_or_build
from faults.toxiproxy_process import (
    CALL_S,
    CONFIG,
    LOOPBACK,
    STATE,
    STOP_S,
    ServerState,
    answers,
    kill,
    read_state,
    reap,
    replace_file,
    start,
)
from harness.clock import Deadline
from harness.errors import GamedayError, ReachFailed
from harness.reach.toxiproxy import ToxiproxyApi, ToxiproxyRejected
from harness.reach.toxiproxy_state import ProxyState, same_address

_LOCK = "toxiproxy-server.lock"
_DYING_S = 0.2  # a killed one loses its connections first, and is gone a little later


@dataclass(frozen=True, slots=True)
class ProxySpec:
    """A proxy that the managed server must have; addresses are "host:port", and listen port 0 is any free port."""

    name: str
    listen: str
    upstream: str


class ManagedServer:
    """A running (or dead) server of ours, described by the files in `folder`."""

    def __init__(self, folder: Path, state: ServerState, *, started_here: bool) -> None:
        self.folder = folder
        self.started_here = started_here
        self._state = state

    @classmethod
    def ensure(
        cls,
        folder: Path,
        proxies: Sequence[ProxySpec],
        deadline: Deadline,
        *,
        say: Say = lambda _: None,
        binary: Path | None = None,
    ) -> ManagedServer:
        """The server of `folder` with these proxies on it: found running, else started.

        Raises GamedayError when there is no program, or a listen port is somebody else's.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, deadline):
            state = read_state(folder)
            running = state is not None and answers(state)
            if state is None or not running:
                if state is not None:
                    kill(state)
                # what a dead server had is not asked for any more
                (folder / CONFIG).unlink(missing_ok=True)
                state = start(folder, binary or find_or_build(deadline, say=say), deadline, port=0)
            server = cls(folder, state, started_here=not running)
            try:
                server._put_proxies(proxies)
            except GamedayError:
                if server.started_here:
                    server._end()
                raise
        return server

    @classmethod
    def attach(cls, folder: Path) -> ManagedServer:
        """The server that `folder` describes, dead or alive. Raises ReachFailed when it describes none."""
        state = read_state(folder)
        if state is None:
            raise ReachFailed("no managed toxiproxy-server is described there", where=str(folder))
        return cls(folder, state, started_here=False)

    @property
    def api_url(self) -> str:
        return self._state.api_url

    @property
    def pid(self) -> int:
        return self._state.pid

    @property
    def start_ticks(self) -> int:
        return self._state.start_ticks

    @property
    def replaces_dead(self) -> bool:
        return self._state.replaces_dead

    @property
    def alive(self) -> bool:
        return process.is_alive(self.pid, self.start_ticks)

    @property
    def proxies(self) -> tuple[ProxySpec, ...]:
        """The proxies as they are to be, with the ports that were given."""
        return _read_config(self.folder)

    def restart(self, deadline: Deadline) -> None:
        """SIGKILL, and start again on the same ports with the same proxies, without any toxic.

        When another process has just restarted it, that is as good. Raises GamedayError when it does not come up.
        """
        with _locked(self.folder, deadline):
            found = read_state(self.folder)
            if found is not None and found != self._state and answers(found):
                self._state = found
                return
            dead = process.wait_gone(self.pid, self.start_ticks, Deadline.after(_DYING_S))
            kill(self._state)
            port = urlsplit(self.api_url).port or 0
            self._state = start(self.folder, Path(self._state.binary), deadline, port=port, replaces_dead=dead)
            self._put_proxies(self.proxies)

    def restore_proxies(self) -> None:
        """Create again what is missing of its proxies. Raises ReachFailed, or GamedayError for a taken port."""
        self._put_proxies(self.proxies)

    def stop(self) -> None:
        """End it in order, and forget it. Nothing happens when it is gone already."""
        with _locked(self.folder, Deadline.after(STOP_S)):
            found = read_state(self.folder)
            if found is not None and found.api_url == self.api_url:
                self._state = found
            self._end()

    def _end(self) -> None:
        try:
            process.end_process(self.pid, self.start_ticks, Deadline.after(STOP_S))
        except TimeoutError as error:
            raise GamedayError(str(error), where=str(self.folder), mend=f"kill -9 {self.pid}") from None
        reap(self.pid)
        for name in (STATE, CONFIG):
            (self.folder / name).unlink(missing_ok=True)

    def _put_proxies(self, specs: Sequence[ProxySpec]) -> None:
        api = ToxiproxyApi(self.api_url, LOOPBACK, CALL_S)
        known = {spec.name: spec for spec in self.proxies}
        for spec in specs:
            state = _put_proxy(api, spec)
            known[spec.name] = ProxySpec(spec.name, state.listen, state.upstream)
        wanted = [{"name": s.name, "listen": s.listen, "upstream": s.upstream, "enabled": True} for s in known.values()]
        replace_file(self.folder / CONFIG, json.dumps(wanted, indent=1))


def _put_proxy(api: ToxiproxyApi, spec: ProxySpec) -> ProxyState:
    try:
        there = api.proxy(spec.name)
    except ToxiproxyRejected as error:
        if error.status != 404:
            raise
    else:
        if same_address(there.listen, spec.listen) and there.upstream == spec.upstream:
            return there
        api.delete_proxy(spec.name)
    try:
        return api.create_proxy(spec.name, spec.listen, spec.upstream)
    except ToxiproxyRejected as error:
        raise _refused_listen(spec, error) from error


def _refused_listen(spec: ProxySpec, error: ToxiproxyRejected) -> GamedayError:
    port = spec.listen.rpartition(":")[2]
    if "address already in use" not in error.what:
        return GamedayError(f"the proxy {spec.name} can't listen there: {error.what}", where=spec.listen)
    return GamedayError(
        f"the proxy {spec.name} can't listen on port {port}: another program does",
        where=spec.listen,
        mend=f"see who holds it with: ss -ltnp 'sport = :{port}' (or: lsof -iTCP:{port} -sTCP:LISTEN); end it, or "
        "give the proxy another listen address",
    )


def _read_config(folder: Path) -> tuple[ProxySpec, ...]:
    try:
        entries = json.loads((folder / CONFIG).read_bytes())
        return tuple(ProxySpec(str(e["name"]), str(e["listen"]), str(e["upstream"])) for e in entries)
    except (OSError, ValueError, KeyError, TypeError):
        return ()


@contextlib.contextmanager
def _locked(folder: Path, deadline: Deadline) -> Iterator[None]:
    try:
        with locked(folder / _LOCK, deadline):
            yield
    except TimeoutError as error:
        raise GamedayError(str(error), where=str(folder), mend="try again when it is done") from error
