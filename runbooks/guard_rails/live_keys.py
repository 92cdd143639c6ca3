"""The rail "live keys": outside production no payment key that moves real money is in use.

A key that is looked at never leaves where it stands but for this comparison: it is not printed and not written down.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from harness.clock import Deadline
from harness.errors import GamedayError
from harness.reach import http
from harness.reach.allow_list import AllowList
from harness.reach.in_time import in_time
from harness.reach.ssh import SshDoor
from runbooks.bounds import LiveKey
from runbooks.guard_rails.production import is_production
from runbooks.guard_rails.rail import Moment, Objection, Passed
from runbooks.target import Host, Target

MOST_BYTES = 1 << 20
_MOST_AT_ONCE = 8
_MARK = "gameday-keys"
_ERE = re.compile(r"([.\[\]{}()\\+^$|])")
Found = Literal["live", "none"]


class NoLiveKeys:
    """Objects to a live key, and to a place that can't be looked at: unknown is not safe."""

    name = "live keys"
    opt_out = "--live-keys"

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def look(self, moment: Moment) -> Passed | Objection:
        target = moment.target
        if not target.live_keys:
            return Passed("the target names no place of a payment key")
        if is_production(target.environment):
            return Passed(f"not asked: the environment is {target.environment}")
        with ThreadPoolExecutor(min(len(target.live_keys), _MOST_AT_ONCE), "live-keys") as pool:
            found = list(pool.map(lambda key: self._judged(key, target, moment.deadline), target.live_keys))
        live = [said for said in found if said]
        if live:
            return Objection(
                "; ".join(live), "give the platform its test keys, or correct live_keys: in the target file"
            )
        places = ", ".join(key.where for key in target.live_keys)
        return Passed(f"none in {places}")

    def _judged(self, key: LiveKey, target: Target, deadline: Deadline) -> str:
        """What speaks against a key; "" when nothing does."""
        try:
            found = in_time(lambda: self._look(key, target, deadline), timeout_s=deadline.left_s(), where=key.where)
        except GamedayError as error:
            return f"{key.name}: whether {key.where} holds a live key is unknown: {error.what}"
        return f"{key.name}: a live key ({key.pattern}) is in {key.where}" if found == "live" else ""

    def _look(self, key: LiveKey, target: Target, deadline: Deadline) -> Found:
        if key.env:
            return self._in_environment(key)
        if key.url:
            return _at_url(key, target, deadline)
        return _on_host(key, target.hosts[key.host], target, deadline) if key.host else _in_file(key)

    def _in_environment(self, key: LiveKey) -> Found:
        value = self._environment.get(key.env, "")
        if not value:
            raise GamedayError("it is not set here")
        return _in_text(key, value)


def _in_file(key: LiveKey) -> Found:
    try:
        with Path(key.file).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise GamedayError(error.strerror or "it can't be read") from error
    found = _in_text(key, content.decode(errors="replace"))
    if found == "none" and len(content) > MOST_BYTES:
        raise GamedayError("it is longer than 1 MiB")
    return found


def _on_host(key: LiveKey, host: Host, target: Target, deadline: Deadline) -> Found:
    """The host itself compares: what stands in the file does not travel."""
    door = SshDoor(
        host.name, host.ssh, allow=AllowList(target.allow), identity=host.identity, known_hosts=host.known_hosts
    )
    quoted = shlex.quote(_ere(key.pattern)), shlex.quote(key.file)
    try:
        answer = door.run(f"LC_ALL=C grep -Eq -e {quoted[0]} -- {quoted[1]} 2>/dev/null; echo {_MARK} $?", deadline)
    finally:
        door.close()
    said = answer.stdout.decode(errors="replace").split()
    if said == [_MARK, "0"]:
        return "live"
    if said == [_MARK, "1"]:
        return "none"
    raise GamedayError("the account there can't read it")


def _at_url(key: LiveKey, target: Target, deadline: Deadline) -> Found:
    page = http.fetch(
        key.url, allow=AllowList(target.allow), timeout_s=max(0.001, deadline.left_s()), max_bytes=MOST_BYTES
    )
    if not 200 <= page.status < 300:
        raise GamedayError(f"it answers with {page.status}")
    found = _in_text(key, page.body.decode(errors="replace"))
    if found == "none" and (page.truncated or page.missing_bytes):
        raise GamedayError("its answer was cut off")
    return found


def _in_text(key: LiveKey, text: str) -> Found:
    pattern = "".join(r"\S*" if c == "*" else r"\S" if c == "?" else re.escape(c) for c in key.pattern)
    return "live" if re.search(pattern, text) else "none"


def _ere(pattern: str) -> str:
    """The same as an extended regular expression for grep."""
    escaped = _ERE.sub(r"\\\1", pattern)
    return escaped.replace("*", "[^[:space:]]*").replace("?", "[^[:space:]]")
