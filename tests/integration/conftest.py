"""Real servers for the integration tests. A missing system component skips on a laptop and fails in CI."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine import TestEngine, engine_host

from harness.clock import Deadline
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor
from runbooks.sandbox.port import free_port

Require = Callable[[str, str | None], str]


@pytest.fixture(scope="session")
def require() -> Require:
    """`require("sshd", shutil.which("sshd"))` gives the path back, skips without one, and fails instead in CI."""

    def check(component: str, path: str | None) -> str:
        if path:
            return path
        message = f"{component} is not on this machine"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{message}: .ci/run must install it")
        pytest.skip(message)

    return check


class Sshd:
    """Debian's OpenSSH server on a loopback port, with keys and configuration of its own."""

    def __init__(self, program: str, folder: Path, *extra: str, path: str = "/usr/local/bin:/usr/bin:/bin") -> None:
        self.folder = folder
        self.user = getpass.getuser()
        self.port = free_port()
        self.identity = _make_key(folder / "identity")
        self.host_key = _make_key(folder / "host_key")
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(self.known_line())
        self.no_config = folder / "no_ssh_config"
        self.no_config.touch()
        (folder / "sshd_config").write_text(
            "\n".join(
                [
                    f"Port {self.port}",
                    "ListenAddress 127.0.0.1",
                    f"HostKey {self.host_key}",
                    f"AuthorizedKeysFile {self.identity}.pub",
                    "StrictModes no",
                    "UsePAM no",
                    "PidFile none",
                    f"SetEnv SHLVL=5 PATH={path}",  # the first keeps bash from reading the user's ~/.bashrc
                    *extra,
                ]
            )
            + "\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._program = program
        self._process = self._start()

    def known_line(self, key: Path | None = None) -> str:
        kind, blob, *_ = (key or self.host_key).with_suffix(".pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {blob}\n"

    def door(self, *, known_hosts: Path | None = None, ssh_config: Path | None = None, address: str = "") -> SshDoor:
        return SshDoor(
            "app-1",
            address or f"{self.user}@127.0.0.1:{self.port}",
            allow=AllowList(["127.0.0.0/8"]),
            identity=self.identity,
            known_hosts=known_hosts or self.known_hosts,
            ssh_config=ssh_config or self.no_config,
        )

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def drop_connections(self) -> None:
        for pid in _descendants(self._process.pid):
            _send(pid, signal.SIGKILL)

    def close(self) -> None:
        self.thaw()
        self.drop_connections()
        self._process.kill()
        self._process.wait(10)

    def _signal(self, number: signal.Signals) -> None:
        for pid in (self._process.pid, *_descendants(self._process.pid)):
            _send(pid, number)

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "sshd.log").open("wb") as log:
            process = subprocess.Popen([self._program, "-D", "-e", "-f", self.folder / "sshd_config"], stderr=log)
        deadline = Deadline.after(10)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if process.poll() is not None or deadline.passed:
                    raise AssertionError((self.folder / "sshd.log").read_text()) from None
            else:
                return process


@pytest.fixture
def start_sshd(require: Require, tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Start servers with extra lines of configuration, or another PATH; all end with the test."""
    program = require("sshd", shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin"))
    started: list[Sshd] = []

    def start(*extra: str, **options: str) -> Sshd:
        folder = tmp_path / f"sshd-{len(started)}"
        folder.mkdir()
        started.append(Sshd(program, folder, *extra, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def sshd(start_sshd: Callable[..., Sshd]) -> Sshd:
    return start_sshd()


def _make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, timeout=10)
    return path


@pytest.fixture
def make_key() -> Callable[[Path], Path]:
    """Makes a new ed25519 key, without a passphrase, at a path."""
    return _make_key


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *_descendants(int(entry.name))]
    return found


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture(scope="session")
def engine(require: Require) -> Iterator[TestEngine]:
    """A real Docker Engine with an image made of busybox; all that a test runs there is removed at the end."""
    require("busybox", shutil.which("busybox"))
    made = TestEngine(require("a Docker Engine", engine_host()))
    try:
        yield made
    finally:
        made.close()
