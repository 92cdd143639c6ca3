"""What the door to PostgreSQL refuses before it touches a server, and how it bounds one that says nothing.

A real server answers in tests/integration/test_databases.py.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from harness.clock import boot_s
from harness.errors import NotAllowed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.postgres import connect

LOOPBACK = AllowList(["127.0.0.0/8"])
SECRET = "hunter2-hunter2"


def _open(dsn: str, *, allow: AllowList = LOOPBACK, via: tuple[str, int] | None = None, timeout_s: float = 0.4) -> None:
    connect(dsn, allow=allow, via=via, timeout_s=timeout_s, application_name="test").close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.mark.parametrize(
    ("dsn", "what"),
    [
        ("postgresql:///name", "unix socket"),
        ("dbname=name user=me", "unix socket"),
        ("host=/var/run/postgresql dbname=name", "unix socket"),
        ("postgresql://%2Fvar%2Frun%2Fpostgresql/name", "unix socket"),
        ("postgresql://a.example,b.example/name", "several servers"),
        ("host=a.example port=1,2", "several servers"),
        ("host=127.0.0.1 port=five", "port"),
        (f"password {SECRET}", "can't be read"),
        (f"host=127.0.0.1 {SECRET}", "can't be read"),
        (f"postgresql://me:{SECRET}@[::1/name", "can't be read"),
        (f"mysql://me:{SECRET}@127.0.0.1/name", "can't be read"),
    ],
)
def test_a_dsn_that_leads_nowhere_is_refused_with_a_mend_and_without_its_password(dsn: str, what: str) -> None:
    with pytest.raises(ReachFailed, match=what) as caught:
        _open(dsn)
    assert "postgresql://user@127.0.0.1:5432/name" in caught.value.mend
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("dsn", ["host=127.0.0.1 user=me", "hostaddr=127.0.0.1 host=db.invalid user=me"])
def test_no_packet_goes_to_an_address_outside_the_list(listener: socket.socket, dsn: str) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(NotAllowed):
        _open(f"{dsn} port={port}", allow=AllowList(["10.0.0.0/8"]))
    with pytest.raises(NotAllowed):
        _open("host=10.0.0.1 user=me", allow=AllowList(["10.0.0.0/8"]), via=("127.0.0.1", port))
    listener.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listener.accept()


def test_a_refused_connection_says_where_and_asks_the_right_question() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ReachFailed) as caught:
        _open(f"postgresql://me:{SECRET}@127.0.0.1:{port}/name", timeout_s=2)
    assert caught.value.where == f"127.0.0.1:{port}"
    assert "is PostgreSQL running" in caught.value.mend
    assert SECRET not in str(caught.value)


def test_a_server_that_says_nothing_costs_less_than_the_two_seconds_of_libpq(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    begun = boot_s()
    with pytest.raises(ReachTimeout) as caught:
        _open(f"postgresql://me@127.0.0.1:{port}/name", timeout_s=0.3)
    assert 0.3 <= boot_s() - begun < 1.8
    assert caught.value.where == f"127.0.0.1:{port}"


def test_what_a_server_says_about_the_password_is_not_passed_on(listener: socket.socket) -> None:
    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            if connection.recv(8)[4:] == struct.pack("!i", 80877103):  # "may we speak TLS?"
                connection.sendall(b"N")
                connection.recv(4096)
            text = f"SFATAL\0C28000\0Mthe password {SECRET} is wrong\0\0".encode()
            connection.sendall(b"E" + struct.pack("!i", len(text) + 4) + text)

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    with pytest.raises(ReachFailed, match=r"the password \[redacted\] is wrong"):
        _open(f"postgresql://me:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/name", timeout_s=2)
    thread.join(2)
