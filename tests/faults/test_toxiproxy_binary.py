"""Where the server's program comes from, way by way, with programs that only pretend."""

from __future__ import annotations

import io
import socket
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from faults.toxiproxy_binary import IMAGE, VERSION, find_or_build
from harness.clock import Deadline, boot_s
from harness.errors import GamedayError


@dataclass
class Machine:
    """A machine with its own PATH and cache."""

    root: Path
    said: list[str] = field(default_factory=list)
    docker_host: str = "unix:///nowhere/docker.sock"

    @property
    def cached(self) -> Path:
        return self.root / "cache" / "gameday" / f"toxiproxy-server-{VERSION}"

    def program(self, path: str, script: str) -> Path:
        program = self.root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    def find(self, within_s: float = 20.0) -> Path:
        env = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "XDG_CACHE_HOME": f"{self.root}/cache", "HOME": str(self.root)}
        # a wheel can't be had here, nor an image
        env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "DOCKER_HOST": self.docker_host}
        return find_or_build(Deadline.after(within_s), say=self.said.append, env=env)


SERVER = f'echo "toxiproxy-server version {VERSION}"'
GO = """
if [ "$1" = env ]; then echo go1.26.1; exit; fi
case "$GOFLAGS$GOTOOLCHAIN" in *-mod=mod*local) ;; *) exit 9;; esac
printf '#!/bin/sh\\necho "toxiproxy-server version 2.12.0"\\n' > "$GOBIN/server"; chmod +x "$GOBIN/server"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_one_on_path_comes_first(machine: Machine) -> None:
    on_path = machine.program("bin/toxiproxy-server", SERVER)
    assert machine.find() == on_path
    assert machine.said == []


def test_then_the_cached_one(machine: Machine) -> None:
    machine.program(f"cache/gameday/toxiproxy-server-{VERSION}", SERVER)
    assert machine.find() == machine.cached


def test_one_on_path_that_is_too_old_is_passed_over(machine: Machine) -> None:
    machine.program("bin/toxiproxy-server", 'echo "toxiproxy-server version 2.4.0"')
    machine.program(f"cache/gameday/toxiproxy-server-{VERSION}", SERVER)
    assert machine.find() == machine.cached


def test_go_builds_it_once_into_the_cache(machine: Machine) -> None:
    machine.program("bin/go", GO)
    assert machine.find() == machine.cached
    assert machine.said == [f"building toxiproxy-server {VERSION} once, about 30 s"]
    assert machine.find() == machine.cached
    assert len(machine.said) == 1
    assert {p.name for p in machine.cached.parent.iterdir()} == {machine.cached.name, "toxiproxy-server.lock"}


def test_a_broken_one_in_the_cache_is_built_again(machine: Machine) -> None:
    machine.program(f"cache/gameday/toxiproxy-server-{VERSION}", "exit 1")
    machine.program("bin/go", GO)
    assert machine.find() == machine.cached
    assert len(machine.said) == 1


def test_nothing_at_all_is_one_error_with_the_three_ways(machine: Machine) -> None:
    machine.program("bin/go", "echo go1.19.8")
    with pytest.raises(GamedayError) as failure:
        machine.find()
    assert "go1.19.8 on PATH is older than 1.23" in failure.value.what
    assert "docker:" in failure.value.what
    for way in ("PATH", "Go 1.23", "Docker"):
        assert way in failure.value.mend
    assert not machine.cached.exists()


def test_a_build_that_hangs_ends_with_the_deadline(machine: Machine) -> None:
    machine.program("bin/go", 'if [ "$1" = env ]; then echo go1.26.1; exit; fi\nsleep 30')
    begun = boot_s()
    with pytest.raises(GamedayError, match="not done in time"):
        machine.find(within_s=1.0)
    assert boot_s() - begun < 8


def test_a_cache_that_can_not_be_written_is_an_error(machine: Machine) -> None:
    (machine.root / "cache").write_text("a file")
    with pytest.raises(GamedayError, match="cache"):
        machine.find()


@dataclass
class FakeDocker:
    """The SDK's client as far as it is used, holding an image with one program."""

    program: bytes
    calls: list[str] = field(default_factory=list)

    @property
    def images(self) -> FakeDocker:
        return self

    @property
    def containers(self) -> FakeDocker:
        return self

    def pull(self, image: str) -> None:
        self.calls.append(f"pull {image}")

    def create(self, image: str) -> FakeDocker:
        self.calls.append(f"create {image}")
        return self

    def get_archive(self, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            entry = tarfile.TarInfo(path.strip("/"))
            entry.size = len(self.program)
            tar.addfile(entry, io.BytesIO(self.program))
        return iter([content.getvalue()]), {}

    def remove(self, *, force: bool) -> None:
        self.calls.append("remove")

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> Iterator[Callable[[FakeDocker], FakeDocker]]:
    def install(fake: FakeDocker) -> FakeDocker:
        monkeypatch.setattr(docker, "from_env", lambda **_: fake)
        return fake

    # a short path: the system cuts the names of unix sockets off
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{short}/docker.sock")
        listening.listen()
        machine.docker_host = f"unix://{short}/docker.sock"
        yield install


def test_the_image_gives_its_program_and_no_container_stays(machine: Machine, engine: Any) -> None:
    fake = engine(FakeDocker(f"#!/bin/sh\n{SERVER}\n".encode()))
    assert machine.find() == machine.cached
    assert fake.calls == [f"pull {IMAGE}", f"create {IMAGE}", "remove", "close"]


def test_an_image_for_another_machine_is_no_way(machine: Machine, engine: Any) -> None:
    engine(FakeDocker(b"\x7fELF of another architecture"))
    with pytest.raises(GamedayError, match="does not run here"):
        machine.find()
