"""What must hold between the parts of a target file, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.errors import NotAllowed, ReachFailed
from harness.reach.allow_list import AllowList
from runbooks.parsing.address import (
    Address,
    check_allowed,
    inline_password,
    is_literal,
    read_address,
    read_dsn,
    read_redis,
    read_ssh,
    read_web,
)
from runbooks.parsing.containers_entry import read_engine
from runbooks.parsing.draft import TargetDraft
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.target_entries import EXTRA_DSNS
from runbooks.parsing.validation import Checked
from runbooks.parsing.yaml_source import Place

_ALL_INTERFACES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - read, not bound
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_TAKEN = ("database.", "cache.", "container.")


class TargetChecks:
    """Adds the defects of one target file; `hidden` are the passwords met on the way, `warnings`
    what is odd and no defect."""

    def __init__(self, checked: Checked, draft: TargetDraft, allow_also: tuple[str, ...] = ()) -> None:
        self._checked = checked
        self._value = checked.source.value
        self._draft = draft
        self._allow = self._allow_list(allow_also)
        self.hidden: list[str] = []
        self.warnings: list[str] = []

    def run(self) -> None:
        self._names()
        self._text(("base_url",), read_web)
        self._toxiproxy()
        self._proxies()
        self._users()
        self._hosts()
        self._text(("containers", "engine"), read_engine)

    def _allow_list(self, also: tuple[str, ...]) -> AllowList | None:
        entries = self._value.get("allow")
        if not isinstance(entries, list) or not all(isinstance(e, str) for e in entries) or not entries:
            return None
        sound = []
        for index, entry in enumerate(entries):
            try:
                check_allowed(entry)
                sound.append(entry)
            except ValueError as error:
                self._add(("allow", index), error)
        return AllowList((*sound, *also)) if len(sound) == len(entries) else None

    def _names(self) -> None:
        for section, names in self._draft.named.items():
            for name in names:
                if not _NAME.fullmatch(name) or name.startswith(_TAKEN) or name == "containers":
                    self._checked.defect(
                        (section, name), f"{name!r} is no name", "use letters, digits, '-', '_' and '.'"
                    )

    def _toxiproxy(self) -> None:
        entry = self._value.get("toxiproxy")
        if entry is None and self._draft.named["proxies"]:
            mend = 'add toxiproxy: {managed: true} or toxiproxy: {url: "http://127.0.0.1:8474"}'
            self._checked.defect(("proxies",), "there are proxies but no toxiproxy", mend)
        if not isinstance(entry, dict):
            return
        managed, url = entry.get("managed") is True, entry.get("url")
        if managed == bool(url):
            what = "is either ours or somebody's own" if managed else "has neither managed: true nor a url"
            self._checked.defect(("toxiproxy",), f"toxiproxy: {what}", "write {managed: true} or {url: ...}")
        if url and entry.get("folder"):
            self._checked.defect(("toxiproxy", "folder"), "a folder is for a managed server only", "take it out")
        self._text(("toxiproxy", "url"), read_web)
        self._toxiproxy_host(entry.get("host"), managed=managed)

    def _toxiproxy_host(self, host: object, *, managed: bool) -> None:
        place = ("toxiproxy", "host")
        if not isinstance(host, str):
            return
        if managed:
            self._checked.defect(place, "a managed server runs on this machine", "take host out")
        elif host not in self._draft.named["hosts"]:
            mend = suggest(host, self._draft.named["hosts"], what="the hosts are")
            self._checked.defect(place, f"unknown host {host!r}", mend)

    def _proxies(self) -> None:
        seen: dict[str, str] = {}
        for name, proxy in self._draft.proxies.items():
            listen = self._text(("proxies", name, "listen"), read_address)
            upstream = self._text(("proxies", name, "upstream"), read_address)
            if listen and listen == upstream:
                self._checked.defect(("proxies", name), f"the proxy {name!r} leads to itself", "check its upstream")
            if proxy.listen in seen:
                what = f"{name!r} listens where {seen[proxy.listen]!r} does"
                self._checked.defect(("proxies", name, "listen"), what, "give each proxy a port of its own")
            seen.setdefault(proxy.listen, name)

    def _users(self) -> None:
        for name, database in self._draft.databases.items():
            self._secret(("databases", name, "dsn"), read_dsn)
            for key in EXTRA_DSNS:
                self._secret(("databases", name, key), read_dsn)
            self._through(("databases", name, "through"), database.through)
        for name, cache in self._draft.caches.items():
            self._secret(("caches", name, "url"), read_redis)
            self._through(("caches", name, "through"), cache.through)

    def _through(self, place: Place, proxy: str) -> None:
        """A slip of the pen is a defect. Another proxy, that this file doesn't list, only can't be faulted."""
        known = self._draft.named["proxies"]
        if not proxy or proxy in known:
            return
        mend = suggest(proxy, known, what="the proxies are")
        if mend.startswith("did you mean"):
            self._checked.defect(place, f"unknown proxy {proxy!r}", mend)
        else:
            section, name = str(place[0]).removesuffix("s"), place[1]
            self.warnings.append(
                f"the {section} {name} goes through {proxy!r}, which is no proxy of this file: no fault can sit on it"
            )

    def _hosts(self) -> None:
        for name, host in self._draft.hosts.items():
            self._text(("hosts", name, "ssh"), read_ssh)
            for index, log in enumerate(host.logs):
                if not log.startswith("/") or "\0" in log or "\n" in log:
                    self._checked.defect(
                        ("hosts", name, "logs", index), f"the log {log!r} is no absolute path", "begin it with /"
                    )

    def _secret(self, place: Place, read: Callable[[str], Address]) -> None:
        value = self._checked.source.at(place)
        if isinstance(value, str) and inline_password(self._checked.source.written(place, value)):
            self.hidden.extend(part.group() for part in re.finditer(r"(?<=:)[^:@/]+(?=@)", value))
            self._checked.defect(
                place, "a password stands in the file", 'export it and write a reference, such as "${DATABASE_URL}"'
            )
            return
        address = self._text(place, read)
        if address is not None:
            self.hidden.extend(address.passwords)

    def address(self, place: Place) -> None:
        """A web address somewhere in the file."""
        self._text(place, read_web)

    def _text(self, place: Place, read: Callable[[str], Address | None]) -> Address | None:
        """The address at `place`, checked against the allow list where it is an IP address."""
        value = self._checked.source.at(place)
        if not isinstance(value, str) or not value or place in self._checked.source.broken:
            return None
        try:
            address = read(value)
        except ValueError as error:
            self._add(place, error)
            return None
        # a listener on all interfaces is reached at the API's host, which is checked by itself
        if address is not None and is_literal(address.host) and address.host not in _ALL_INTERFACES:
            self._check_allowed(place, address)
        return address

    def _check_allowed(self, place: Place, address: Address) -> None:
        if self._allow is None:
            return
        try:
            self._allow.resolve(address.host, address.port)
        except NotAllowed as error:
            self._checked.defect(place, error.what, error.mend, refusal=True)
        except ReachFailed:
            return  # an address family that this machine lacks: preflight says so

    def _add(self, place: Place, error: ValueError) -> None:
        what, _, mend = str(error).partition(" -> ")
        reference = self._checked.source.references.get(place)
        if reference is not None:
            what, mend = f"what {reference} means {_after_value(what)}", mend or "check the variable's value"
        self._checked.defect(place, f"{_key(place)}: {what}", mend)


def _key(place: Place) -> str:
    return next((part for part in reversed(place) if isinstance(part, str)), "here")


def _after_value(what: str) -> str:
    """ "'10.0.0.1' is no address" without the value: it came from the environment."""
    return "is" + what.partition(" is")[2] if what.startswith("'") else what
