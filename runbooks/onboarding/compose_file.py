"""A Docker Compose file, as far as a target needs it: which servers it has and where they are published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from harness.errors import BadInput
from runbooks.onboarding.platform import Place
from runbooks.onboarding.variables import Variables

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""What Compose itself looks for, in its order."""
PROJECT_LABEL = "com.docker.compose.project"
_LARGEST_BYTES = 1 << 20
_LOOPBACK = "127.0.0.1"
_EVERYWHERE = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 - read, not bound
_ROLES = (
    ("toxiproxy", re.compile(r"toxiproxy")),
    ("database", re.compile(r"postgres|postgis|timescale|pgvector")),
    ("cache", re.compile(r"redis|valkey")),
)
_WEB_PORTS = (80, 8080, 8000, 3000, 5000, 443, 8443)
_TLS_PORTS = frozenset({443, 8443})

Role = Literal["database", "cache", "toxiproxy", "other"]


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a container, and where this machine publishes it."""

    place: Place
    inside: int


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    role: Role
    ports: tuple[Port, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def published(self, inside: int) -> Place | None:
        """Where the container's port is reached from this machine."""
        return next((port.place for port in self.ports if port.inside == inside), None)


@dataclass(frozen=True, slots=True)
class ComposeFile:
    path: Path
    project: str
    services: tuple[Service, ...]

    def first(self, role: Role) -> Service | None:
        return next((service for service in self.services if service.role == role), None)

    @property
    def web(self) -> str:
        """The address that most likely is the platform's, or ""."""
        ports = [port for service in self.services if service.role == "other" for port in service.ports]
        ports.sort(key=lambda p: _WEB_PORTS.index(p.inside) if p.inside in _WEB_PORTS else len(_WEB_PORTS))
        if not ports:
            return ""
        return f"{'https' if ports[0].inside in _TLS_PORTS else 'http'}://{ports[0].place}"


def find_compose_file(folder: Path) -> Path | None:
    """The file that Compose would use in `folder`."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def read_compose_file(path: Path, variables: Variables) -> ComposeFile:
    """Raises BadInput when it is none; what of a service can't be understood is left out."""
    value = _load(path)
    services = value.get("services")
    if not isinstance(services, dict) or not services:
        raise BadInput("the Compose file has no services", where=str(path), mend="name another with --compose")
    project = variables.expand(str(value.get("name") or "")) or variables.get("COMPOSE_PROJECT_NAME")
    return ComposeFile(
        path=path,
        project=_project_name(project or path.resolve().parent.name),
        services=tuple(
            _service(str(name), entry, variables) for name, entry in services.items() if isinstance(entry, dict)
        ),
    )


class _Loader(yaml.SafeLoader):
    """Compose has tags of its own, such as !reset: what carries one reads as nothing."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def _load(path: Path) -> dict[str, Any]:
    mend = "name another with --compose"
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST_BYTES + 1)
        if len(raw) > _LARGEST_BYTES:
            raise BadInput("the Compose file is larger than 1 MiB", where=str(path), mend=mend)
        value = yaml.load(raw.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise BadInput(f"the Compose file can't be read: {error.strerror}", where=str(path), mend=mend) from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadInput(f"no Compose file: {_why(error)}", where=str(path), mend=mend) from None
    if not isinstance(value, dict):
        raise BadInput("no Compose file: it is no mapping of keys to values", where=str(path), mend=mend)
    return value


def _why(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or 'no valid YAML'}"
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "no valid YAML"


def _project_name(text: str) -> str:
    """As Compose makes it of a folder's name."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def _service(name: str, entry: dict[Any, Any], variables: Variables) -> Service:
    image = variables.expand(str(entry.get("image") or "")).rpartition("/")[2].partition(":")[0].lower()
    role = next((role for role, pattern in _ROLES if pattern.search(image)), "other")
    ports = entry.get("ports")
    return Service(
        name=name,
        role=role,  # type: ignore[arg-type]  # the words of _ROLES
        ports=tuple(p for item in (ports if isinstance(ports, list) else []) for p in _ports(item, variables)),
        environment=dict(_environment(entry.get("environment"), variables)),
    )


def _environment(entry: Any, variables: Variables) -> Iterator[tuple[str, str]]:
    if isinstance(entry, dict):
        yield from ((str(key), variables.expand(str(value))) for key, value in entry.items() if value is not None)
    elif isinstance(entry, list):
        for item in entry:
            key, _, value = str(item).partition("=")
            yield key, variables.expand(value)


def _ports(item: Any, variables: Variables) -> Iterator[Port]:
    """The short form "127.0.0.1:8000:80/tcp" with its ranges, or the long one; a port of no fixed number is none."""
    if isinstance(item, dict):
        parts = (str(item.get("host_ip") or ""), str(item.get("published") or ""), str(item.get("target") or ""))
        yield from _pairs(*map(variables.expand, parts))
        return
    text, _, protocol = variables.expand(str(item)).partition("/")
    if protocol not in ("", "tcp") or text.count(":") == 0:
        return
    outside, _, inside = text.rpartition(":")
    host, _, published = outside.rpartition(":")
    yield from _pairs(host, published, inside)


def _pairs(host: str, published: str, inside: str) -> Iterator[Port]:
    outer, inner = _range(published), _range(inside)
    place = _LOOPBACK if host in _EVERYWHERE else host.strip("[]")
    yield from (Port(Place(place, out), into) for out, into in zip(outer, inner, strict=False))


def _range(text: str) -> range:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if match is None:
        return range(0)
    first, last = int(match[1]), int(match[2] or match[1])
    return range(first, last + 1) if 0 < first <= last < 65536 else range(0)
