"""What a person may write in a target file, key by key."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from runbooks.parsing.amount import Text
from runbooks.parsing.bounds_entry import BlastRadiusEntry, HoursSection, LiveKeyEntry
from runbooks.parsing.validation import Entry


class ToxiproxyEntry(Entry):
    """The server that holds the proxies: ours (`managed: true`) or somebody's own (`url`)."""

    managed: bool = Field(default=False, description="gameday starts, stops and restarts a server of its own")
    folder: Text | None = Field(default=None, description="where the managed server keeps its state and its log")
    url: Text | None = Field(default=None, description="the API of a server that runs already")
    host: Text | None = Field(
        default=None, description="the one of `hosts` that this server runs on, where that is another machine"
    )


class ProbeEntry(Entry):
    """What is asked through the proxy, to measure the wire: `tcp`, or `{http: /path}`."""

    http: Annotated[str, Field(pattern=r"^/[!-~]*$")] | None = None
    tcp: Literal[True] | None = None


def _probe(value: object) -> object:
    if isinstance(value, str) and value != "tcp":
        raise ValueError(f"unknown probe {value!r} -> write tcp or {{http: /path}}")
    if isinstance(value, dict) and len(value) != 1:
        raise ValueError("is tcp or an http path -> write tcp or {http: /path}")
    return {"tcp": True} if value == "tcp" else value


Probe = Annotated[
    ProbeEntry,
    BeforeValidator(_probe),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "tcp"},
                {
                    "type": "object",
                    "properties": {"http": {"type": "string", "pattern": "^/"}},
                    "required": ["http"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class ProxyEntry(Entry):
    """A proxy of Toxiproxy: the platform connects to `listen`, Toxiproxy to `upstream`."""

    listen: Text = Field(description="host:port that the platform connects to")
    upstream: Text = Field(description="host:port of the real server")
    probe: Probe | None = Field(default=None, description="how the wire is measured where no database or cache is")


class DatabaseEntry(Entry):
    """A PostgreSQL database. The dsn goes to the server directly, the platform goes through the proxy."""

    dsn: Text = Field(description="a URL or key=value string, as ${REFERENCE}: never a password in the file")
    through: str = Field(default="", description="the proxy that the platform reaches it through")
    exhaust_dsn: Text | None = Field(
        default=None, description="for faults on the database: the role whose sessions they are, as ${REFERENCE}"
    )
    platform_dsn: Text | None = Field(
        default=None, description="for faults on the database: the platform's own role, to prove them, as ${REFERENCE}"
    )


EXTRA_DSNS = ("exhaust_dsn", "platform_dsn")
"""The keys of a database's further ways in."""


class CacheEntry(Entry):
    """A Redis or Valkey cache."""

    url: Text = Field(description="redis://host:port/0, as ${REFERENCE}: never a password in the file")
    through: str = Field(default="", description="the proxy that the platform reaches it through")


class HostEntry(Entry):
    """A host that is watched and whose logs are collected, over SSH."""

    ssh: Text = Field(description="user@host:port, or a name from your ssh_config")
    logs: list[Text] = Field(default=[], description="log files, absolute; globs are allowed")
    commands: list[Text] = Field(default=[], description="commands whose output is collected; they change nothing")
    identity: Text | None = Field(default=None, description="the private key file")
    known_hosts: Text | None = Field(default=None, description="a known_hosts file instead of your own")
    processes: dict[str, Text] = Field(
        default={}, description="processes to watch, by name: a part of the command line, * for anything"
    )


class ContainersEntry(Entry):
    """Which Docker containers belong to the platform: all that carry the labels and have one of the names."""

    names: list[Text] = Field(default=[], description="their own names, or their Docker Compose services'")
    labels: dict[str, str] = Field(default={}, description="containers that carry all of these labels")
    engine: Text | None = Field(
        default=None, description="unix:///path or tcp://host:port; left out: DOCKER_HOST, else the default socket"
    )


class WebhookEntry(Entry):
    """Where gameday listens while a run goes on."""

    listen: Text = Field(description="host:port; 127.0.0.1 unless the alerting runs on another machine")
    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = "/alerts"


class AlertingEntry(Entry):
    """How gameday hears of alerts: Alertmanager is asked, or the alerting posts to a webhook of ours."""

    alertmanager: Text | None = Field(default=None, description="the address of Alertmanager")
    token: Text | None = Field(default=None, description="a bearer token for it, as ${REFERENCE}")
    user: Text | None = Field(default=None, description="or a user, with a password")
    password: Text | None = Field(default=None, description="as ${REFERENCE}")
    webhook: WebhookEntry | None = None


class TargetFile(Entry):
    """A target: the platform under test."""

    name: Text | None = Field(default=None, description="what reports call it; the file's name by default")
    environment: Text = Field(description="practice, staging, ...; production is refused without its opt-out")
    base_url: Text = Field(description="where Locust sends the load")
    allow: list[Text] = Field(min_length=1, description="networks and host names that may be touched, nothing else")
    toxiproxy: ToxiproxyEntry | None = None
    proxies: dict[str, ProxyEntry] = Field(default={})
    databases: dict[str, DatabaseEntry] = Field(default={})
    caches: dict[str, CacheEntry] = Field(default={})
    hosts: dict[str, HostEntry] = Field(default={})
    containers: ContainersEntry | None = None
    alerting: AlertingEntry | None = Field(default=None, description="where alerts are heard of")
    hours: HoursSection = Field(default=None, description="when game days may be played")
    blast_radius: BlastRadiusEntry | None = Field(default=None, description="the most that faults may hit at once")
    live_keys: list[LiveKeyEntry] = Field(default=[], description="payment keys that must not be live")
