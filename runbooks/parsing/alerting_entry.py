"""The alerting of a target: checked as a whole, and read into a value."""

from __future__ import annotations

from collections.abc import Callable

from harness.reach.allow_list import split_address
from runbooks.parsing.target_entries import AlertingEntry
from runbooks.parsing.validation import Checked, quiet
from runbooks.parsing.yaml_source import Place, YamlSource
from runbooks.target import Alerting, Secret

_AT: Place = ("alerting",)
_MEND = 'write {alertmanager: "http://127.0.0.1:9093"} or {webhook: {listen: "127.0.0.1:9099"}}'


def check_alerting(checked: Checked, check_address: Callable[[Place], None]) -> None:
    """Defects of the section. `check_address` checks a web address against the allow list."""
    entry = quiet(AlertingEntry, checked.source.at(_AT))
    if entry is None:
        return
    if (entry.alertmanager is None) == (entry.webhook is None):
        what = "alerting: either we ask, or we are told" if entry.webhook else "alerting: neither asked nor listened to"
        checked.defect(_AT, what, _MEND)
    check_address((*_AT, "alertmanager"))
    _check_login(entry, checked)
    if entry.webhook is not None:
        try:
            read_listen(entry.webhook.listen)
        except ValueError as error:
            what, place = str(error).partition(": write")[0], (*_AT, "webhook", "listen")
            checked.defect(place, f"listen: {what}", "write host:port, such as 127.0.0.1:9099")


def read_alerting(source: YamlSource, entry: AlertingEntry | None) -> Alerting | None:
    """The value of a sound section."""
    if entry is None:
        return None
    webhook = None
    if entry.webhook is not None:
        webhook = (*read_listen(entry.webhook.listen), entry.webhook.path)
    return Alerting(
        alertmanager=(entry.alertmanager or "").rstrip("/"),
        token=_secret(source, "token", entry.token),
        user=entry.user or "",
        password=_secret(source, "password", entry.password),
        webhook=webhook,
    )


def read_listen(text: str) -> tuple[str, int]:
    """host:port; port 0 lets the system choose. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"{text!r} is no address")
    if colon and host and port == "0":
        return host.removeprefix("[").removesuffix("]"), 0
    return split_address(text)


def _check_login(entry: AlertingEntry, checked: Checked) -> None:
    logins = {key: getattr(entry, key) for key in ("token", "user", "password")}
    given = [key for key, value in logins.items() if value is not None]
    if given and entry.alertmanager is None:
        checked.defect((*_AT, given[0]), f"{given[0]} is for alertmanager only", "take it out")
    elif entry.token is not None and len(given) > 1:
        checked.defect((*_AT, "token"), "a token, and a user as well", "keep one of the two logins")
    elif (entry.user is None) != (entry.password is None):
        checked.defect((*_AT, given[0]), "a user goes with a password", "write both, or neither")
    for key in ("token", "password"):
        place, value = (*_AT, key), logins[key]
        if value is not None and place not in checked.source.references:
            checked.defect(
                place, f"a {key} stands in the file", 'export it and write a reference, such as "${ALERT_TOKEN}"'
            )
        elif value is not None and not (value.isascii() and value.isprintable()):
            checked.defect(place, f"{key}: what the reference means holds a line break or the like", "check its value")


def _secret(source: YamlSource, key: str, value: str | None) -> Secret | None:
    return None if value is None else Secret(reference=source.written((*_AT, key), value), value=value)
