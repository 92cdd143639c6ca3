"""A container that stands by as a victim, where a Docker Engine answers."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from docker.models.containers import Container

_IMAGE = "gameday-soak"
_APPLETS = ("sh", "sleep")


def engine_address() -> str | None:
    """The engine that answers, None without one."""
    try:
        with contextlib.closing(docker.from_env(timeout=5)) as client:
            client.ping()
    except DockerException:
        return None
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class StrayContainer:
    """It sleeps. `found` is its state as it was made, for comparison."""

    client: docker.DockerClient
    container: Container
    found: tuple[Any, ...]

    @classmethod
    def run(cls) -> StrayContainer:
        """Makes its image from this machine's busybox, and starts it."""
        client = docker.from_env(timeout=20)
        client.api.import_image_from_data(_root(), repository=_IMAGE)
        name = f"soak-{secrets.token_hex(4)}"
        container = client.containers.run(
            _IMAGE, ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
            name=name, detach=True, mem_limit="64m", restart_policy={"Name": "no"},
        )  # fmt: skip
        made = cls(client, container, ())
        return cls(client, container, made.state())

    @property
    def name(self) -> str:
        return str(self.container.name)

    def state(self) -> tuple[Any, ...]:
        """What a heal must put back, whatever the kind."""
        self.container.reload()
        attrs = self.container.attrs
        state, host = attrs["State"], attrs["HostConfig"]
        # -1 and 0 both mean "no limit", and the engine takes only -1 for it in an update
        limits = tuple(max(0, host.get(k) or 0) for k in ("NanoCpus", "CpuQuota", "CpuPeriod", "Memory", "MemorySwap"))
        return (
            state["Status"],
            state["Paused"],
            limits,
            host["RestartPolicy"],
            sorted(attrs["NetworkSettings"]["Networks"]),
        )

    def remove(self) -> None:
        """Whatever state it is in."""
        with contextlib.suppress(DockerException):
            self.container.unpause()
        with contextlib.suppress(DockerException):
            self.container.remove(force=True)
        self.client.close()


def _root() -> bytes:
    busybox = shutil.which("busybox")
    assert busybox is not None, "busybox is needed for the soak's container"
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(Path(busybox).resolve(), "bin/busybox")
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return buffer.getvalue()
