"""What may be changed of containers, each call with a deadline. Everything else only reads: see `DockerDoor`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import docker.errors
import requests

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach import container_shape
from harness.reach.docker import DockerDoor
from harness.reach.docker_engine import EngineClient

Attributes = Mapping[str, Any]
_ALREADY: Final = 304
_LATEST_S: Final = 60.0


class ContainerWriter(DockerDoor):
    """The door to one engine for who breaks and heals containers; containers and networks are meant by their full ids.

    All methods raise ReachFailed with the engine's own words, and ReachTimeout when it said nothing in time: what was
    asked may still happen then, even minutes later, since a frozen engine does what it was asked once it wakes.
    """

    def attributes(self, container: str, deadline: Deadline) -> Attributes | None:
        """All that `docker inspect` shows of the container of that id or name; None when there is none. It holds the
        environment of the container: never let it into a record."""
        found: list[Attributes] = []

        def ask(client: EngineClient) -> None:
            with contextlib.suppress(docker.errors.NotFound):
                found.append(container_shape.inspected(client.inspect_container(container)))

        self._call(ask, deadline)
        return found[0] if found else None

    def listed(self, deadline: Deadline, labels: Mapping[str, str] | None = None) -> Sequence[Attributes]:
        """What the engine lists of each container that carries all of `labels`; an empty value means any."""
        wanted = [f"{key}={value}" if value else key for key, value in (labels or {}).items()]

        def ask(client: EngineClient) -> Sequence[Attributes]:
            return container_shape.listed(client.containers(all=True, filters={"label": wanted}))

        return self._call(ask, deadline)

    def machine_cpus(self, deadline: Deadline) -> float:
        """How many CPUs the engine's machine has."""
        return self._call(lambda client: float(client.info().get("NCPU") or 1), deadline)

    def pause(self, container: str, deadline: Deadline) -> None:
        self._post(f"/containers/{container}/pause", deadline)

    def unpause(self, container: str, deadline: Deadline) -> None:
        self._post(f"/containers/{container}/unpause", deadline)

    def start(self, container: str, deadline: Deadline) -> None:
        """Start it; one that runs already is left as it is."""
        self._post(f"/containers/{container}/start", deadline)

    def stop(self, container: str, grace_s: int, deadline: Deadline) -> None:
        """Send its stop signal, and SIGKILL after `grace_s`; returns once it has stopped."""
        self._post(f"/containers/{container}/stop", deadline, params={"t": str(grace_s)})

    def restart(self, container: str, grace_s: int, deadline: Deadline) -> None:
        """As `stop`, and then start it; returns once it runs."""
        self._post(f"/containers/{container}/restart", deadline, params={"t": str(grace_s)})

    def kill(self, container: str, signal: str, deadline: Deadline) -> None:
        """Send a signal to its first process."""
        self._post(f"/containers/{container}/kill", deadline, params={"signal": signal})

    def update(self, container: str, limits: Mapping[str, int], deadline: Deadline) -> None:
        """Set limits, by the names that `inspect` has in HostConfig; 0 leaves a limit as it is."""
        self._post(f"/containers/{container}/update", deadline, body=limits)

    def disconnect(self, network: str, container: str, deadline: Deadline) -> None:
        self._post(f"/networks/{network}/disconnect", deadline, body={"Container": container, "Force": False})

    def connect(self, network: str, container: str, endpoint: Mapping[str, Any], deadline: Deadline) -> None:
        """Connect it, with its endpoint's own settings: IPAMConfig, Links, Aliases, DriverOpts."""
        body = {"Container": container, "EndpointConfig": dict(endpoint)}
        self._post(f"/networks/{network}/connect", deadline, body=body)

    def _post(
        self,
        path: str,
        deadline: Deadline,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        timeout_s = max(0.1, min(deadline.left_s(), _LATEST_S))

        def ask(client: EngineClient) -> None:
            response = client.post(client.url(path), params=params, json=body, timeout=timeout_s)
            if response.status_code == _ALREADY:
                return
            try:
                response.raise_for_status()
            except requests.HTTPError as error:
                refused: Any = docker.errors.create_api_error_from_http_exception(error)
                raise ReachFailed(f"the engine refused: {refused.explanation or refused}", where=self.where) from error

        self._call(ask, deadline, timeout_s=timeout_s)
