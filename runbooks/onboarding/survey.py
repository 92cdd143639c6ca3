"""The survey of a platform: flags first, then what is found by looking, then questions."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import BadInput, GamedayError
from harness.reach import http
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import DEFAULT_PORT
from runbooks.onboarding.compose_file import PROJECT_LABEL, ComposeFile, find_compose_file, read_compose_file
from runbooks.onboarding.found_toxiproxy import FoundToxiproxy, ask_toxiproxy, look_for_toxiproxy
from runbooks.onboarding.lookup import check_address
from runbooks.onboarding.platform import Found, FoundHost, Platform
from runbooks.onboarding.questions import NONE, Questions
from runbooks.onboarding.servers import CACHE, DATABASE, ServerKind, ServerSearch
from runbooks.onboarding.ssh_hosts import SshConfig
from runbooks.onboarding.variables import Variables
from runbooks.parsing.address import read_address, read_web
from runbooks.parsing.runbook_entries import NotifyEntry
from runbooks.parsing.validation import quiet

LOCUSTFILE = "locustfile.py"
_LOOK_S = 3.0
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - read, not bound


@dataclass(frozen=True, slots=True)
class Flags:
    """What was said on the command line; "" or None: nothing. "none" leaves a thing out."""

    base_url: str = ""
    environment: str = ""
    database_url: str = ""
    database_env: str = ""
    cache_env: str = ""
    compose: Path | None = None
    toxiproxy: str = ""
    ssh: tuple[str, ...] = ()
    ssh_config: Path | None = None
    slack: str = ""


@dataclass(slots=True)
class _Sought:
    """What is known so far."""

    compose: ComposeFile | None
    toxiproxy: FoundToxiproxy | None = None
    database: Found | None = None
    cache: Found | None = None
    hosts: tuple[FoundHost, ...] = ()
    notes: list[str] = field(default_factory=list)


class Survey:
    """Looks at the platform in and around `folder`. Reads only."""

    def __init__(self, folder: Path, flags: Flags, questions: Questions) -> None:
        self._folder = folder
        self._flags = flags
        self._questions = questions
        self._variables = Variables.read(folder)

    def platform(self) -> Platform:
        """Raises BadInput for a flag or an answer that can't be right, and for one that is missing."""
        flags = self._flags
        path = flags.compose or find_compose_file(self._folder)
        sought = _Sought(read_compose_file(path, self._variables) if path is not None else None)
        ssh_config = SshConfig(flags.ssh_config)
        base_url = self._base_url(sought)
        environment = self._environment(base_url)
        sought.toxiproxy = self._toxiproxy(base_url, sought)
        search = ServerSearch(self._variables, sought.compose, sought.toxiproxy)
        sought.database = self._database(search)
        sought.cache = self._server(search, CACHE, flags.cache_env)
        sought.hosts = self._hosts(ssh_config)
        slack = self._slack()
        sought.notes += [*search.notes, *_odd_proxies(sought.toxiproxy), *_page_note(base_url, self._locustfile())]
        return self._put_together(base_url, environment, slack, sought)

    def _put_together(self, base_url: str, environment: str, slack: str, sought: _Sought) -> Platform:
        compose, toxiproxy = sought.compose, sought.toxiproxy
        proxies = toxiproxy.proxies if toxiproxy is not None else ()
        url = toxiproxy.url if toxiproxy is not None and proxies else ""
        return Platform(
            name=compose.project if compose is not None and compose.project else self._folder.resolve().name,
            environment=environment,
            base_url=base_url,
            allow=_allow(base_url, url, sought),
            toxiproxy_url=url,
            proxies=proxies,
            database=sought.database,
            cache=sought.cache,
            hosts=sought.hosts,
            labels={PROJECT_LABEL: compose.project} if compose is not None and compose.project else {},
            locustfile=self._locustfile(),
            slack=slack,
            notes=tuple(sought.notes),
        )

    def _base_url(self, sought: _Sought) -> str:
        def check(text: str) -> None:
            check_address(read_web(text).host, "--base-url")

        default = sought.compose.web if sought.compose is not None else ""
        url = self._answer(
            "Where does the platform answer?", "--base-url", self._flags.base_url, default or None, check
        )
        return url.rstrip("/")

    def _environment(self, base_url: str) -> str:
        # what is not on this machine may be production, and that nobody guesses
        default = "practice" if _is_loopback(urlsplit(base_url).hostname or "") else None
        question = "Which environment is it (practice, staging, ..., production)?"
        return self._answer(question, "--environment", self._flags.environment, default, _some_text)

    def _toxiproxy(self, base_url: str, sought: _Sought) -> FoundToxiproxy | None:
        asked = self._flags.toxiproxy
        if asked == NONE:
            return None
        if asked:
            _checked("--toxiproxy", asked, read_web)
            return ask_toxiproxy(asked.rstrip("/"))
        service = sought.compose.first("toxiproxy") if sought.compose is not None else None
        published = service.published(DEFAULT_PORT) if service is not None else None
        places = [str(published)] if published is not None else []
        places += [f"127.0.0.1:{DEFAULT_PORT}", _bracketed(urlsplit(base_url).hostname or "", DEFAULT_PORT)]
        found = look_for_toxiproxy(f"http://{place}" for place in places)
        if not self._questions.asks:
            return found

        def check(text: str) -> None:
            if text != NONE:
                read_web(text)
                ask_toxiproxy(text)

        question = f"Where is the API of your Toxiproxy ({NONE}: there is none yet)?"
        answer = self._questions.ask(question, "--toxiproxy", found.url if found else NONE, check)
        return None if answer == NONE else ask_toxiproxy(answer.rstrip("/"))

    def _database(self, search: ServerSearch) -> Found | None:
        url, name = self._flags.database_url, self._flags.database_env
        if url and name:
            raise BadInput("the database is named twice", where="--database-url, --database-env", mend="leave one out")
        return search.from_url(DATABASE, url, "--database-url") if url else self._server(search, DATABASE, name)

    def _server(self, search: ServerSearch, kind: ServerKind, asked: str) -> Found | None:
        if asked:
            return None if asked == NONE else search.from_variable(kind, asked)
        found = search.look(kind)
        if not self._questions.asks:
            return found
        default = found.written if found is not None else NONE

        def read(text: str) -> Found | None:
            if text == NONE:
                return None
            if found is not None and text == found.written:
                return found
            is_name = "://" not in text and "=" not in text
            return search.from_variable(kind, text) if is_name else search.from_url(kind, text, kind.flag)

        question = f"Which environment variable leads to the {kind.what} ({NONE}: leave it out)?"
        return read(self._questions.ask(question, kind.flag, default, read))

    def _hosts(self, config: SshConfig) -> tuple[FoundHost, ...]:
        written = [text for text in self._flags.ssh if text != NONE]
        if self._questions.asks and not self._flags.ssh:
            offered = f" ({', '.join(config.names[:12])})" if config.names else ""
            question = f"Which hosts does it run on, over SSH, with spaces between{offered}?"
            answer = self._questions.ask(question, "--ssh", NONE, lambda text: self._read_hosts(config, text.split()))
            written = [text for text in answer.split() if text != NONE]
        return self._read_hosts(config, written)

    def _read_hosts(self, config: SshConfig, written: list[str]) -> tuple[FoundHost, ...]:
        hosts: list[FoundHost] = []
        for text in written:
            if text != NONE:
                hosts.append(config.host(text, [host.name for host in hosts]))
        return tuple(hosts)

    def _slack(self) -> str:
        def check(text: str) -> None:
            if text != NONE and quiet(NotifyEntry, {"slack": text}) is None:
                raise ValueError(f"{text!r} is no channel -> write #game-day, in quotes")

        channel = self._answer(f"Which Slack channel is told ({NONE})?", "--slack", self._flags.slack, NONE, check)
        return "" if channel == NONE else channel

    def _answer(self, question: str, flag: str, given: str, default: str | None, check: Callable[[str], object]) -> str:
        if given:
            return _checked(flag, given, check)
        return self._questions.ask(question, flag, default, check)

    def _locustfile(self) -> str:
        return LOCUSTFILE if (self._folder / LOCUSTFILE).is_file() else ""


def _checked(flag: str, given: str, check: Callable[[str], object]) -> str:
    try:
        check(given)
    except ValueError as error:
        what, _, mend = str(error).partition(" -> ")
        # an address with a password in it is refused for that, and not said again
        raise BadInput(what, where=flag if "@" in given else f"{flag} {given}", mend=mend) from None
    return given


def _some_text(text: str) -> None:
    if not text.strip() or "\n" in text:
        raise ValueError("is empty -> write practice, staging or production")


def _allow(base_url: str, toxiproxy_url: str, sought: _Sought) -> tuple[str, ...]:
    """Every host that a door will open to, each by itself, and no network."""
    hosts = [str(urlsplit(base_url).hostname), *(h for host in sought.hosts for h in host.allow)]
    if toxiproxy_url and sought.toxiproxy is not None:
        hosts.append(str(urlsplit(toxiproxy_url).hostname))
        ends = [end for proxy in sought.toxiproxy.proxies for end in (proxy.listen, proxy.upstream)]
        hosts += [read_address(end).host for end in ends]
    hosts += [found.place.host for found in (sought.database, sought.cache) if found is not None]
    return tuple(dict.fromkeys(host for host in hosts if host not in _EVERYWHERE))


def _odd_proxies(toxiproxy: FoundToxiproxy | None) -> list[str]:
    if toxiproxy is None:
        return []
    if not toxiproxy.proxies:
        return [f"the Toxiproxy at {toxiproxy.url} has no proxies yet: it was left out"]
    return [f"the proxy {name!r} was left out: a target can't have that name" for name in toxiproxy.unusable]


def _page_note(base_url: str, locustfile: str) -> list[str]:
    """Whether the page that our own Locust file asks for is there."""
    if locustfile:
        return []
    try:
        status = http.probe(
            f"{base_url}/", allow=AllowList([str(urlsplit(base_url).hostname)]), timeout_s=_LOOK_S
        ).status
    except GamedayError as error:
        return [f"{base_url} does not answer now: {error.what}"]
    if status < 400:
        return []
    return [f"GET / answers with {status}: name a page in {LOCUSTFILE} that your platform has"]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bracketed(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
