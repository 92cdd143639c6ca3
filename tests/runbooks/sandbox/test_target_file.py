"""The sandbox's own target file."""

from __future__ import annotations

from pathlib import Path

from faults.toxiproxy_server import ProxySpec
from runbooks.parsing.target_file import read_target
from runbooks.sandbox.target_file import Addresses, PracticeHost, write


def test_it_is_a_target_without_defects(tmp_path: Path) -> None:
    for name in ("client", "known_hosts"):
        (tmp_path / name).write_text("")
    addresses = Addresses(
        folder=tmp_path,
        base_url="http://127.0.0.1:8000",
        toxiproxy_folder=tmp_path / "toxiproxy",
        proxies=(
            ProxySpec("postgres", "127.0.0.1:1", "127.0.0.1:2"),
            ProxySpec("redis", "127.0.0.1:3", "127.0.0.1:4"),
            ProxySpec("paystack", "127.0.0.1:5", "127.0.0.1:6"),
        ),
        postgres_port=2,
        valkey_port=4,
        hosts=(
            PracticeHost("app-1", 7, (tmp_path / "application.log", tmp_path / "access.log")),
            PracticeHost("db-1", 8, (tmp_path / "postgresql.log",)),
        ),
        client_key=tmp_path / "client",
        known_hosts=tmp_path / "known_hosts",
    )
    reading = read_target(write(addresses), {})
    assert not reading.defects
    target = reading.target
    assert target is not None
    assert target.environment == "practice"
    assert target.toxiproxy is not None
    assert (target.toxiproxy.managed, target.toxiproxy.folder) == (True, tmp_path / "toxiproxy")
    assert (target.proxies["paystack"].probe, target.proxies["paystack"].probe_path) == ("http", "/health")
    assert target.databases["main"].dsn.value == "postgresql://gameday@127.0.0.1:2/crowdfund"
    assert {d.through for d in target.databases.values()} == {"postgres"}
    assert {c.through for c in target.caches.values()} == {"redis"}
    assert target.hosts["db-1"].logs == (str(tmp_path / "postgresql.log"),)
    assert target.hosts["app-1"].ssh == "practice@127.0.0.1:7"
