"""The sandbox's own target file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from faults.toxiproxy_server import ProxySpec
from runbooks.sandbox import postgres
from runbooks.sandbox.port import LOOPBACK

FILE_NAME = "target.yaml"
SSH_USER = "practice"

# A minimal system may lack some of them, and a command that can't run is evidence that is missing.
_COMMANDS = (("df", "df -h"), ("uptime", "uptime"))


@dataclass(frozen=True, slots=True)
class PracticeHost:
    name: str
    port: int
    logs: tuple[Path, ...]
    processes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything of one sandbox is."""

    folder: Path
    base_url: str
    toxiproxy_folder: Path
    proxies: tuple[ProxySpec, ...]
    postgres_port: int
    valkey_port: int
    hosts: tuple[PracticeHost, ...]
    client_key: Path
    known_hosts: Path


def write(addresses: Addresses) -> Path:
    """Writes it into the sandbox's folder; returns its path. It holds no secrets."""
    commands = [command for program, command in _COMMANDS if shutil.which(program)]
    target = {
        "name": "sandbox",
        "environment": "practice",
        "base_url": addresses.base_url,
        "allow": ["127.0.0.0/8"],
        "toxiproxy": {"managed": True, "folder": str(addresses.toxiproxy_folder)},
        "proxies": {spec.name: _proxy(spec) for spec in addresses.proxies},
        "databases": {"main": _database(addresses.postgres_port)},
        "caches": {"main": {"url": f"redis://{LOOPBACK}:{addresses.valkey_port}/0", "through": "redis"}},
        "hosts": {
            host.name: {
                "ssh": f"{SSH_USER}@{LOOPBACK}:{host.port}",
                "identity": str(addresses.client_key),
                "known_hosts": str(addresses.known_hosts),
                "logs": [str(log) for log in host.logs],
                "commands": list(commands),
                "processes": dict(host.processes),
            }
            for host in addresses.hosts
        },
    }
    path = addresses.folder / FILE_NAME
    header = "# Made by the sandbox and gone with it: the practice platform as a target.\n"
    path.write_text(header + yaml.safe_dump(target, sort_keys=False), encoding="utf-8")
    return path


def _database(port: int) -> dict[str, str]:
    return {
        "dsn": postgres.dsn("gameday", port),
        "through": "postgres",
        "exhaust_dsn": postgres.dsn("gameday_exhaust", port),
        "platform_dsn": postgres.dsn("crowdfund", port),
    }


def _proxy(spec: ProxySpec) -> dict[str, object]:
    probe = {"probe": {"http": "/health"}} if spec.name == "paystack" else {}
    return {"listen": spec.listen, "upstream": spec.upstream, **probe}
