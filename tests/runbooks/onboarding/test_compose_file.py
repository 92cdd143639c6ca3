"""What is read of a Compose file."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbooks.onboarding.compose_file import ComposeFile, read_compose_file
from runbooks.onboarding.variables import Variables


@pytest.fixture
def compose(tmp_path: Path):
    def read(text: str, **variables: str) -> ComposeFile:
        (tmp_path / "compose.yaml").write_text(text)
        return read_compose_file(tmp_path / "compose.yaml", Variables(variables, frozenset()))

    return read


@pytest.mark.parametrize(
    ("ports", "places"),
    [
        ('["8000:80"]', ["127.0.0.1:8000>80"]),
        ('["0.0.0.0:8000:80/tcp"]', ["127.0.0.1:8000>80"]),
        ('["10.1.2.3:8000:80"]', ["10.1.2.3:8000>80"]),
        ('["[::1]:8000:80"]', ["[::1]:8000>80"]),
        ('["8000-8001:80-81"]', ["127.0.0.1:8000>80", "127.0.0.1:8001>81"]),
        ("[{target: 80, published: 8000}]", ["127.0.0.1:8000>80"]),
        ('["${PORT}:80"]', ["127.0.0.1:9000>80"]),
        ('["${NONE:-8000}:80"]', ["127.0.0.1:8000>80"]),
        ('["$PORT:80"]', ["127.0.0.1:9000>80"]),
        ('["${NONE}:80", "80", 80, "53:53/udp", "x:y", "0:80", "99999:80", {}, null, []]', []),
        ("8000", []),
    ],
)
def test_published_ports_in_every_way_they_are_written(compose, ports, places):
    [service] = compose(f"services: {{web: {{image: nginx, ports: {ports}}}}}", PORT="9000").services

    assert [f"{port.place}>{port.inside}" for port in service.ports] == places


def test_servers_are_known_by_their_images_and_anchors_and_own_tags_are_read(compose):
    found = compose(
        """
x-base: &base {restart: always, ports: !reset []}
services:
  main: {<<: *base, image: "registry.example.org:5000/team/postgis:16"}
  sessions: {image: "${CACHE_IMAGE:-redis}:7"}
  between: {image: "ghcr.io/shopify/toxiproxy:2.12.0"}
  web: {build: ., ports: ["8443:443"]}
  broken: 17
"""
    )

    assert {s.name: s.role for s in found.services} == {
        "main": "database", "sessions": "cache", "between": "toxiproxy", "web": "other",
    }  # fmt: skip
    assert found.web == "https://127.0.0.1:8443"


def test_the_project_is_called_as_compose_calls_it(compose, tmp_path):
    services = "services: {web: {image: nginx}}"

    assert compose(f"name: crowd\n{services}").project == "crowd"
    assert compose(services, COMPOSE_PROJECT_NAME="From.Env").project == "fromenv"
    assert compose(services).project == "".join(c for c in tmp_path.name.lower() if c.isalnum() or c in "_-")
