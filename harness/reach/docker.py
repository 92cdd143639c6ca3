"""The door to a Docker Engine: reads only, each call with a deadline; nothing in it follows a stream."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import docker.errors
import requests
from docker.types.daemon import CancellableStream

from harness.clock import Deadline, utc_now
from harness.errors import GamedayError, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.container_facts import ContainerEvent, ContainerState, ListedContainer, moment
from harness.reach.docker_engine import EngineClient, connect, engine_address
from harness.reach.in_time import in_time

T = TypeVar("T")

OLDEST_API: Final = "1.24"
_ONE_SHOT_API: Final = (1, 41)
_CHUNK_BYTES: Final = 1 << 16
_CLOCKS_AGREE_S: Final = 2.0  # the engine tells its time to the second
_SLOW = "see whether dockerd is overloaded or frozen"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """An engine that answers. `ahead`: how far its clock is ahead of ours, zero where they agree."""

    where: str
    version: str
    api_version: str
    ahead: timedelta


class DockerDoor:
    """One engine. Thread-safe; it connects when first asked, and anew after a failure.

    `engine` is unix:///path or tcp://host:port, "" for DOCKER_HOST or the default socket. `timeout_s` bounds each call
    besides its own deadline. What the methods raise: ReachFailed, ReachTimeout, NotAllowed.
    """

    def __init__(
        self, engine: str, *, allow: AllowList, timeout_s: float = 3.0, environment: Mapping[str, str] | None = None
    ) -> None:
        self._environment = dict(os.environ if environment is None else environment)
        self.where = engine_address(engine, self._environment)
        self._allow = allow
        self._timeout_s = timeout_s
        self._connecting = threading.Lock()
        self._client: EngineClient | None = None

    @property
    def local(self) -> bool:
        """Whether the engine runs on this machine, by this machine's clock."""
        return self.where.startswith("unix://")

    def facts(self, deadline: Deadline) -> EngineFacts:
        """Who answers there."""

        def ask(client: EngineClient) -> EngineFacts:
            answer = client.answer("/version", {}, timeout_s=self._timeout_s)
            said = answer.json()
            return EngineFacts(
                self.where, str(said.get("Version", "")), client.api_version, self._ahead(answer.headers)
            )

        return self._call(ask, deadline)

    def system_time(self, deadline: Deadline) -> datetime:
        """What the engine's clock says."""

        def ask(client: EngineClient) -> datetime:
            said = moment(client.answer("/info", {}, timeout_s=self._timeout_s).json().get("SystemTime"))
            if said is None:
                raise ReachFailed("the engine does not tell its time", where=self.where)
            return said

        return self._call(ask, deadline)

    def list(self, deadline: Deadline, labels: Mapping[str, str] | None = None) -> tuple[ListedContainer, ...]:
        """All containers that carry all of `labels`, stopped ones too; an empty value means any."""
        filters = {"label": [f"{key}={value}" if value else key for key, value in (labels or {}).items()]}

        def ask(client: EngineClient) -> tuple[ListedContainer, ...]:
            return tuple(ListedContainer.of(entry) for entry in client.containers(all=True, filters=filters))

        return self._call(ask, deadline)

    def inspect(self, container: str, deadline: Deadline) -> ContainerState | None:
        """The container of that id or name; None when there is none."""
        with contextlib.suppress(_Gone):
            return self._call(lambda client: ContainerState.of(client.inspect_container(container)), deadline)
        return None

    def stats(self, container: str, deadline: Deadline) -> dict[str, Any] | None:
        """What the engine measures of it now, as it says it; None when there is no such container.

        Engines answer within a second, and at once only when they were not asked in the last one.
        """

        def ask(client: EngineClient) -> dict[str, Any]:
            new = tuple(int(part) for part in client.api_version.split(".")) >= _ONE_SHOT_API
            try:
                return dict(client.stats(container, stream=False, one_shot=True if new else None))
            except requests.JSONDecodeError:  # it was removed meanwhile
                return {}

        with contextlib.suppress(_Gone):
            return self._call(ask, deadline)
        return None

    def events(self, since: datetime, until: datetime, deadline: Deadline) -> tuple[ContainerEvent, ...]:
        """What happened to containers between two moments of the engine's clock: it remembers the last 256 events."""
        wanted = json.dumps({"type": ["container"]})
        params = {"since": _nanoseconds(since), "until": _nanoseconds(until), "filters": wanted}

        def ask(client: EngineClient) -> tuple[ContainerEvent, ...]:
            text = client.answer("/events", params, timeout_s=self._timeout_s).text
            entries = [json.loads(line) for line in text.splitlines() if line.strip()]
            # health checks fill the list, and the actions of exec hold whole command lines
            return tuple(ContainerEvent.of(e) for e in entries if not str(e.get("Action", "")).startswith("exec_"))

        return self._call(ask, deadline)

    def read_log(
        self, container: str, *, since: datetime, tail: int | None, take: Callable[[bytes], bool], deadline: Deadline
    ) -> None:
        """Hand the log written since a moment of the engine's clock to `take`, piece by piece, as the engine sends it
        (timestamps on), until it answers False. `tail`: the last so many lines of it only."""
        params = {
            "stdout": "1",
            "stderr": "1",
            "timestamps": "1",
            "follow": "0",
            "since": _nanoseconds(since),
            "tail": "all" if tail is None else str(tail),
        }
        reading = _Reading()

        def ask(client: EngineClient) -> None:
            path, left_s = f"/containers/{container}/logs", deadline.left_s()
            reading.play(lambda: client.answer(path, params, timeout_s=max(0.1, left_s), stream=True), take)

        self._call(ask, deadline, release=reading.cut_off, timeout_s=deadline.left_s())

    def close(self) -> None:
        """Lets go of the connections; a later call connects anew."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ahead(self, headers: Mapping[str, str]) -> timedelta:
        try:
            ahead = parsedate_to_datetime(headers.get("Date", "")) - utc_now()
        except (TypeError, ValueError):
            return timedelta()
        agree = self.local or abs(ahead.total_seconds()) <= _CLOCKS_AGREE_S
        return timedelta() if agree else ahead

    def _call(
        self,
        work: Callable[[EngineClient], T],
        deadline: Deadline,
        *,
        release: Callable[[], object] = lambda: None,
        timeout_s: float | None = None,
    ) -> T:
        limit_s = min(deadline.left_s(), self._timeout_s if timeout_s is None else timeout_s)
        late = f"no answer within {limit_s:.3g} s"
        try:
            return in_time(
                lambda: work(self._connected(limit_s)), timeout_s=limit_s, where=self.where, release=release, what=late
            )
        except ReachTimeout as error:
            raise ReachTimeout(error.what, where=self.where, mend=_SLOW) from error
        except GamedayError:
            raise
        except Exception as error:
            raise _mapped(error, self.where, late) from error

    def _connected(self, limit_s: float) -> EngineClient:
        if not self._connecting.acquire(timeout=limit_s):
            raise ReachTimeout("another attempt to connect was still under way", where=self.where, mend=_SLOW)
        try:
            if self._client is None:
                self._client = connect(self.where, self._environment, self._allow, self._timeout_s)
            return self._client
        finally:
            self._connecting.release()


class _Gone(ReachFailed):
    """There is no such container."""


class _Reading:
    """A response that is read piece by piece, and that another thread may cut off."""

    def __init__(self) -> None:
        self._stream: CancellableStream[bytes] | None = None
        self._over = threading.Event()

    def play(self, ask: Callable[[], Any], take: Callable[[bytes], bool]) -> None:
        response = ask()
        pieces: Iterator[bytes] = response.iter_content(_CHUNK_BYTES)
        self._stream = CancellableStream(pieces, response)
        try:
            for piece in pieces:
                if self._over.is_set() or not take(piece):
                    break
        finally:
            response.close()

    def cut_off(self) -> None:
        self._over.set()
        if self._stream is not None:
            with contextlib.suppress(OSError, AttributeError, docker.errors.DockerException):
                self._stream.close()


def _nanoseconds(at: datetime) -> str:
    """Seconds and nanoseconds, as the API wants them: a float would lose what is behind the microseconds."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return f"{since.days * 86400 + since.seconds}.{since.microseconds:06d}000"


def _mapped(error: Exception, where: str, late: str) -> ReachFailed:
    said = " ".join(str(error).split())[:300]
    if isinstance(error, docker.errors.NotFound):
        return _Gone("there is no such container", where=where)
    if isinstance(error, docker.errors.InvalidVersion):
        return ReachFailed("the engine is too old", where=where, mend=f"gameday needs API {OLDEST_API} or newer")
    if isinstance(error, docker.errors.APIError):
        return ReachFailed(f"the engine refused: {error.explanation or said}", where=where)
    if isinstance(error, requests.Timeout) or "timed out" in said:
        return ReachTimeout(late, where=where, mend=_SLOW)
    if isinstance(error, docker.errors.TLSParameterError | docker.errors.DockerException | OSError):
        return ReachFailed(said, where=where)
    return ReachFailed(f"the engine's answer can't be read: {error!r}"[:300], where=where, mend="is it Docker?")
