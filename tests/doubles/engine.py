"""Containers on a real Docker Engine for tests: an image made from this machine's busybox, and what is run from it.

No image is pulled. Everything has one random name and label, and is gone at the end.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import tarfile
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from harness.clock import Deadline

LABEL = "gameday.test"
APPLETS = ("sh", "awk", "cat", "date", "dd", "echo", "env", "head", "httpd", "kill", "nc", "printf", "sed", "seq",
           "sleep", "tail", "tr", "wget", "yes")  # fmt: skip


def engine_host() -> str | None:
    """The address of an engine that answers to this user: DOCKER_HOST or the default socket; None without one."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    scheme, _, rest = host.partition("://")
    with contextlib.suppress(OSError, ValueError):
        if scheme == "unix":
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(2)
                link.connect(rest)
            return host
        address, _, port = rest.rpartition(":")
        socket.create_connection((address, int(port)), timeout=2).close()
        return host
    return None


def image_archive(programs: Mapping[str, Path] | None = None, files: Mapping[str, bytes] | None = None) -> bytes:
    """A root filesystem as a tar: busybox with its applets in /bin, `programs` (path inside -> file here, with the
    shared libraries it needs) and `files`."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "dev", "etc", "lib", "lib64", "proc", "sys", "tmp", "var", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        libraries: set[str] = set()
        for inside, program in {"bin/busybox": Path(busybox), **(programs or {})}.items():
            tar.add(program.resolve(), inside.lstrip("/"))
            libraries |= set(_libraries(program))
        for library in sorted(libraries):
            tar.add(Path(library).resolve(), library.lstrip("/"))
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for inside, content in (files or {}).items():
            entry = tarfile.TarInfo(inside.lstrip("/"))
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class TestEngine:
    """An engine with an image of ours. `prefix` begins all names; `label` is on all containers."""

    __test__ = False  # no test itself

    def __init__(self, host: str) -> None:
        self.host = host
        self.prefix = f"gameday-test-{uuid.uuid4().hex[:8]}"
        self.labels = {LABEL: self.prefix}
        self.image = f"{self.prefix}:busybox"
        self.client = docker.DockerClient(base_url=host, version="auto", timeout=30)
        self.client.api.import_image_from_data(image_archive(), repository=self.prefix, tag="busybox")

    def name(self, short: str) -> str:
        return f"{self.prefix}-{short}"

    def run(self, short: str, script: str, **options: Any) -> Container:
        """A container that runs `script` with sh; it has no network unless `options` say otherwise."""
        labels = {**self.labels, **options.pop("labels", {})}
        network: Mapping[str, Any] = (
            {} if {"network", "network_mode", "ports"} & options.keys() else {"network_mode": "none"}
        )
        image, stop_signal = options.pop("image", self.image), options.pop("stop_signal", "SIGTERM")
        deadline, pause = Deadline.after(20), threading.Event()
        while True:
            try:
                return self.client.containers.run(
                    image,
                    ["/bin/sh", "-c", script],
                    name=self.name(short),
                    labels=labels,
                    detach=True,
                    stop_signal=stop_signal,
                    **network,
                    **options,
                )
            except docker.errors.APIError as error:
                # a busy engine gives a removed container's name back a moment late
                if error.status_code != 409 or deadline.passed:
                    raise
                pause.wait(0.2)

    def clear(self) -> None:
        """Removes the containers that are there."""
        for container in self.client.containers.list(all=True, filters={"label": f"{LABEL}={self.prefix}"}):
            with contextlib.suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)

    def close(self) -> None:
        """Removes everything."""
        self.clear()
        self.client.images.remove(self.image, force=True)
        self.client.close()


@contextlib.contextmanager
def silent_engine(path: Path, answers: Sequence[bytes] = ()) -> Iterator[str]:
    """A socket that takes connections and says `answers`, one for each request, and then nothing at all."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(32)
    links: list[socket.socket] = []
    left = list(answers)

    def serve() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            links.append(link)
            if link.recv(1 << 16) and left:
                link.sendall(left.pop(0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"unix://{path}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for link in links:
            link.close()
        thread.join(5)


def wait_until(true: Any, what: str, seconds: float = 20.0) -> None:
    """Until `true()`; an AssertionError with `what` after `seconds`."""
    deadline, pause = Deadline.after(seconds), threading.Event()
    while not true():
        assert not deadline.passed, f"{what}: not within {seconds:g} s"
        pause.wait(0.05)


def _libraries(program: Path) -> Iterator[str]:
    """The shared libraries of a program, its loader among them; none for a static one."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=10, check=False).stdout
    for line in listed.splitlines():
        if found := re.search(r"(/\S+) \(0x", line):
            yield found[1]
