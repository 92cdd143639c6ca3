"""What is left behind, asked of the servers themselves, not of gameday."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from bench.soak.site import Site
from faults.toxiproxy_process import read_state

_CALL_S = 1.0
_QUICK_S = 0.4
_OURS = "gameday_exhaust"


def left(site: Site, run: str) -> list[str]:
    """What of the run `run` is still there, in words; [] when nothing is."""
    found: list[str] = []
    for look in (_proxies, _sessions, _cache, _container, _stopped):
        try:
            found += look(site)
        except Exception as error:  # noqa: BLE001 - what can't be asked is not clean
            found.append(f"{look.__name__.strip('_')} can't be asked: {error!r}"[:120])
    found += [f"file {name}" for name in _folders(run)]
    found += [f"process {p}" for p in _running(site, run)]
    return found


def _folders(run: str) -> list[str]:
    """Folders that the run's faults on hosts may make."""
    return sorted(str(p) for p in Path("/tmp").glob(f"gameday-{run}-f1*"))  # noqa: S108 - where they are made


def _proxies(site: Site) -> Iterator[str]:
    state = read_state(site.sandbox.folder / "toxiproxy")
    assert state is not None, "no server"
    with urllib.request.urlopen(f"{state.api_url}/proxies", timeout=_CALL_S) as answer:  # noqa: S310 - loopback
        proxies: dict[str, Any] = json.load(answer)
    for name, proxy in proxies.items():
        if not proxy["enabled"]:
            yield f"proxy {name} is closed"
        yield from (f"toxic {toxic['name']} on {name}" for toxic in proxy["toxics"])


def _sessions(site: Site) -> Iterator[str]:
    dsn = site.addresses["databases"]["main"]["dsn"]  # type: ignore[index]
    with psycopg.connect(dsn, connect_timeout=2, application_name="soak") as link:
        asked = "select count(*)::int from pg_stat_activity where usename = %s and application_name <> 'gameday-heal'"
        row = link.execute(asked, (_OURS,)).fetchone()
    if row is not None and row[0]:
        yield f"{row[0]} sessions of {_OURS}"


def _cache(site: Site) -> Iterator[str]:
    url = site.addresses["caches"]["main"]["url"]  # type: ignore[index]
    with contextlib.closing(redis.Redis.from_url(url, socket_timeout=_QUICK_S, socket_connect_timeout=_CALL_S)) as link:
        try:
            link.set("soak", "1")
        except redis.RedisError as error:
            yield f"the cache takes no write: {error}"
            return
        held = [c for c in link.client_list() if "exhaust" in str(c["name"])]
    if held:
        yield f"{len(held)} connections to the cache"


def _container(site: Site) -> Iterator[str]:
    if site.container is not None and (now := site.container.state()) != site.container.found:
        yield f"container {now}, found {site.container.found}"


def _stopped(site: Site) -> Iterator[str]:
    for process in site.processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() == psutil.STATUS_STOPPED:
                yield f"stopped process {process.pid} ({process.name()})"


def _running(site: Site, run: str) -> Iterator[str]:
    base_url = str(site.addresses["base_url"])
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        line = " ".join(words)
        # the healer names the run's folder too, and may still be tidying up
        if "faults.healer" in line or process.pid == psutil.Process().pid:
            continue
        if (run and f"{run}-f1" in line) or ("harness.load.locust_entry" in line and base_url in line):
            yield f"{process.pid} {line[:80]}"
