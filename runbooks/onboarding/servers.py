"""The database and the cache: where they are, and how a target may say so without a secret in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from psycopg import Error, conninfo

from harness.errors import BadInput
from runbooks.onboarding.compose_file import ComposeFile, Service
from runbooks.onboarding.found_toxiproxy import FoundToxiproxy
from runbooks.onboarding.lookup import check_address, has_address
from runbooks.onboarding.platform import Found, FoundProxy, Place
from runbooks.onboarding.variables import Variables
from runbooks.parsing.address import Address, inline_password, read_dsn, read_redis

ROLE, PASSWORD = "gameday", "GAMEDAY_DB_PASSWORD"


@dataclass(frozen=True, slots=True)
class ServerKind:
    """What is different between a database and a cache."""

    what: str
    flag: str
    variable: str
    inside: int
    read: Callable[[str], Address]
    words: frozenset[str]


DATABASE = ServerKind("database", "--database-env", "DATABASE_URL", 5432, read_dsn,
                      frozenset({"postgres", "postgresql", "pg", "db", "database"}))  # fmt: skip
CACHE = ServerKind("cache", "--cache-env", "REDIS_URL", 6379, read_redis, frozenset({"redis", "valkey", "cache"}))


class ServerSearch:
    """Looks for the servers in what is known of the platform; `notes` say what could not be used and why."""

    def __init__(self, variables: Variables, compose: ComposeFile | None, toxiproxy: FoundToxiproxy | None) -> None:
        self._variables = variables
        self._compose = compose
        self._toxiproxy = toxiproxy
        self.notes: list[str] = []

    def from_url(self, kind: ServerKind, url: str, flag: str) -> Found:
        """The server at an address that a person wrote. Raises BadInput when that can't stand in a file."""
        if inline_password(url) and "${" not in url:
            mend = f"export it and name its variable: {kind.flag} {kind.variable}"
            raise BadInput("a password can't stand in a file or on a command line", where=flag, mend=mend)
        place = _place(kind, self._expanded(url), flag)
        check_address(place.host, flag)
        behind = self._behind(place)
        if behind is not None:
            what = f"that leads through the proxy {behind.name}, and gameday needs the way past it"
            raise BadInput(what, where=flag, mend=f"write the address of the {kind.what} itself: {behind.upstream}")
        return Found(url, place, self._through(kind, place, self._service(kind)))

    def from_variable(self, kind: ServerKind, name: str) -> Found:
        """The server that a variable leads to. Raises BadInput when it is unset or leads nowhere."""
        value = self._variables.get(name)
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise BadInput(f"{name!r} is no variable's name", where=kind.flag, mend=f"{kind.flag} {kind.variable}")
        if not value:
            mend = f"export {name}=..., or name another variable"
            raise BadInput(f"the variable {name} is not set, here or in .env", where=kind.flag, mend=mend)
        place = _place(kind, value, f"{kind.flag} {name}")
        check_address(place.host, f"{kind.flag} {name}", mend="give gameday an address that this machine can reach")
        behind = self._behind(place)
        if behind is not None:
            return self._past_the_proxy(kind, value, name, behind)
        unset = () if name in self._variables.exported else (name,)
        return Found(f"${{{name}}}", place, self._through(kind, place, self._service(kind)), unset)

    def look(self, kind: ServerKind) -> Found | None:
        """The one that is there without anybody saying so: a variable of the usual name, then the Compose file."""
        service = self._service(kind)
        published = service.published(kind.inside) if service is not None else None
        if self._variables.get(kind.variable):
            try:
                return self.from_variable(kind, kind.variable)
            except BadInput as error:
                if published is None:
                    self.notes.append(f"{kind.variable} was left out: {error.what}")
        if service is not None and published is None:
            port = kind.inside
            text = f"publish it (ports: [127.0.0.1:{port}:{port}]) to let gameday watch it"
            self.notes.append(f"the {kind.what} {service.name} of the Compose file was left out: {text}")
        if service is None or published is None:
            return None
        through = self._through(kind, published, service)
        if kind is CACHE:
            return Found(f"redis://{published}/0", published, through)
        return self._own_role(published, _database_name(service), through)

    def _own_role(self, place: Place, database: str, through: str) -> Found:
        unset = () if PASSWORD in self._variables.exported else (PASSWORD,)
        return Found(f"postgresql://{ROLE}:${{{PASSWORD}}}@{place}/{quote(database)}", place, through, unset)

    def _past_the_proxy(self, kind: ServerKind, value: str, name: str, proxy: FoundProxy) -> Found:
        """What the platform uses leads through the proxy; gameday goes to the server itself."""
        upstream = _place_of(proxy.upstream)
        if not has_address(upstream.host):
            mend = f"give gameday its own address of the {kind.what}, past the proxy"
            what = f"{name} leads through the proxy {proxy.name} to {upstream}, which this machine can't look up"
            raise BadInput(what, where=kind.flag, mend=mend)
        self.notes.append(f"{name} leads through the proxy {proxy.name}: the target goes to {upstream} past it")
        if kind is CACHE:
            return Found(f"redis://{upstream}/0", upstream, proxy.name)
        return self._own_role(upstream, _database_of(value), proxy.name)

    def _behind(self, place: Place) -> FoundProxy | None:
        return self._toxiproxy.listening_at(place) if self._toxiproxy is not None else None

    def _service(self, kind: ServerKind) -> Service | None:
        role = "database" if kind is DATABASE else "cache"
        return self._compose.first(role) if self._compose is not None else None  # type: ignore[arg-type]

    def _through(self, kind: ServerKind, place: Place, service: Service | None) -> str:
        if self._toxiproxy is None:
            return ""
        inside = f"{service.name}:{kind.inside}" if service is not None else ""
        return self._toxiproxy.of(place, inside, kind.words)

    def _expanded(self, url: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda match: self._variables.get(match[1]) or "unset", url)


def _place(kind: ServerKind, value: str, where: str) -> Place:
    try:
        address = kind.read(value)
    except ValueError as error:
        what, _, mend = str(error).partition(" -> ")
        # the value may hold a password: it is not repeated
        told = what if not what.startswith("'") else f"is no address of a {kind.what}"
        raise BadInput(f"the address of the {kind.what} {told}", where=where, mend=mend) from None
    return Place(address.host, address.port)


def _place_of(address: str) -> Place:
    host, _, port = address.rpartition(":")
    return Place(host.strip("[]"), int(port))


def _database_name(service: Service) -> str:
    environment = service.environment
    return environment.get("POSTGRES_DB") or environment.get("POSTGRES_USER") or "postgres"


def _database_of(dsn: str) -> str:
    try:
        return str(conninfo.conninfo_to_dict(dsn).get("dbname") or "postgres")
    except Error:
        return "postgres"
