"""What the SSH door does without a server: the route, the command it sends, and its errors."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import paramiko
import pytest

from harness.clock import Deadline
from harness.errors import HostKeyRefused, NotAllowed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.remote_command import watched
from harness.reach.ssh import SshDoor
from harness.reach.ssh_failure import mapped
from harness.reach.ssh_route import SshRoute, check_behind_gateway


def route(tmp_path: Path, config: str = "", identity: Path | None = None) -> SshRoute:
    file = tmp_path / "ssh_config"
    file.write_text(config)
    return SshRoute(file, identity, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deploy@10.0.0.1:2222", "deploy@10.0.0.1:2222"),
        ("deploy@db-1", "deploy@db-1:22"),
        ("deploy@[::1]:2222", "deploy@::1:2222"),
        ("deploy@::1", "deploy@::1:22"),
        ("ssh://deploy@db-1:23", "deploy@db-1:23"),
    ],
)
def test_an_address_is_read_as_ssh_does(tmp_path: Path, text: str, expected: str) -> None:
    assert [str(hop) for hop in route(tmp_path).hops(text)] == [expected]


@pytest.mark.parametrize("text", ["", "deploy@", "a@b:0", "a@b:port", "a@b:70000", "-oProxyCommand=x"])
def test_a_bad_address_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReachFailed, match="no SSH address"):
        route(tmp_path).hops(text)


def test_what_the_address_says_goes_over_the_ssh_config(tmp_path: Path) -> None:
    config = "Host db\n HostName 10.0.0.5\n Port 2200\n User admin\n HostKeyAlias db-key\n IdentitiesOnly yes\n"
    named = route(tmp_path, config).hops("db")[0]
    assert (named.host, named.port, named.user, named.key_host, named.identities_only) == (
        *("10.0.0.5", 2200, "admin", "db-key"),
        True,
    )
    assert str(route(tmp_path, config).hops("me@db:23")[0]) == "me@10.0.0.5:23"


def test_jumps_are_gone_through_in_the_order_they_are_written(tmp_path: Path) -> None:
    config = "Host inner\n ProxyJump first,you@second:23\n User deploy\nHost first\n HostName 10.0.0.1\n User me\n"
    assert [str(h) for h in route(tmp_path, config).hops("inner")] == [
        "me@10.0.0.1:22",
        "you@second:23",
        "deploy@inner:22",
    ]


def test_a_jump_over_the_same_host_is_not_silently_left_out(tmp_path: Path) -> None:
    config = "Host inner\n HostName 10.0.0.1\n Port 2222\n User a\n ProxyJump b@10.0.0.1\n"
    assert [str(h) for h in route(tmp_path, config).hops("inner")] == ["b@10.0.0.1:22", "a@10.0.0.1:2222"]


def test_jumps_in_a_circle_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReachFailed, match="circles"):
        route(tmp_path, "Host *\n ProxyJump other\n").hops("inner")


def test_the_targets_identity_is_for_the_host_and_not_for_its_gateway(tmp_path: Path) -> None:
    key = tmp_path / "key"
    gateway, host = route(tmp_path, "Host inner\n ProxyJump jump\n", key).hops("a@inner")
    assert (gateway.identities, host.identities) == ((), (key,))


def test_a_host_behind_a_gateway_is_allowed_by_its_literal_name_or_address(tmp_path: Path) -> None:
    hops = route(tmp_path)
    allow = AllowList(["db.internal", "10.0.0.0/8"])
    check_behind_gateway(allow, hops.hops("a@DB.internal")[0])
    check_behind_gateway(allow, hops.hops("a@10.1.2.3")[0])
    for text in ("a@localhost", "a@192.168.0.1"):
        with pytest.raises(NotAllowed):
            check_behind_gateway(allow, hops.hops(text)[0])


def test_a_missing_identity_says_which(tmp_path: Path) -> None:
    door = SshDoor("db-1", "a@127.0.0.1:1", allow=AllowList(["127.0.0.1"]), identity=tmp_path / "no-key")
    with pytest.raises(ReachFailed, match="identity") as failed:
        door.open(Deadline.after(5))
    assert "no-key" in failed.value.where


def test_a_port_where_nothing_listens(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.touch()
    door = SshDoor("db-1", "a@127.0.0.1:1", allow=AllowList(["127.0.0.1"]), ssh_config=config)
    with pytest.raises(ReachFailed, match="nothing listens") as failed:
        door.run("true", Deadline.after(5))
    assert "db-1" in failed.value.where
    assert failed.value.mend


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (paramiko.AuthenticationException("Authentication timeout."), ReachTimeout, "does not answer"),
        (paramiko.SSHException("No existing session"), ReachTimeout, "does not answer"),
        (TimeoutError("timed out"), ReachTimeout, "does not answer"),
        (paramiko.AuthenticationException("failed"), ReachFailed, "user or key"),
        (paramiko.PasswordRequiredException("locked"), ReachFailed, "passphrase"),
        (paramiko.ssh_exception.IncompatiblePeer("no kex"), ReachFailed, "outdated"),
        (paramiko.SSHException("Error reading SSH protocol banner"), ReachFailed, "no SSH server"),
        (EOFError(), ReachFailed, "EOFError"),
        (HostKeyRefused("unknown"), HostKeyRefused, "unknown"),
    ],
)
def test_errors_of_the_library_become_errors_with_a_place(error: Exception, kind: type[ReachFailed], text: str) -> None:
    found = mapped(error, "db-1")
    assert type(found) is kind
    assert text in found.what
    assert found.where == "db-1"


def shell(command: str, seconds: int, *, fed: bytes | None = None) -> subprocess.Popen[bytes]:
    """The command line as sshd would start it: in a session of its own, standard input open."""
    process = subprocess.Popen(
        ["sh", "-c", watched(command, seconds, fed=fed is not None)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if fed is not None:
        assert process.stdin
        process.stdin.write(fed)
        process.stdin.close()
        process.stdin = None
    return process


def ended(process: subprocess.Popen[bytes], within_s: float) -> int:
    try:
        return process.wait(within_s)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


def test_a_watched_command_keeps_its_exit_code_and_its_quotes() -> None:
    process = shell("printf '%s' \"it's $((1+1))\" '\n{}%'; exit 7", 5)
    assert process.stdout
    assert process.stdout.read() == b"it's 2\n{}%"
    assert ended(process, 5) == 7


def test_a_watched_command_ends_when_its_input_closes() -> None:
    process = shell("sleep 60; echo never", 60)
    assert process.stdin
    process.stdin.close()
    process.stdin = None
    assert ended(process, 5) != 0


def test_a_watched_command_ends_when_its_time_is_over_even_if_it_ignores_being_asked() -> None:
    process = shell("trap '' TERM; echo begun; sleep 60; sleep 60", 1)
    assert process.stdout
    assert process.stdout.read() == b"begun\n"  # the end of its output is the end of its last process
    assert ended(process, 10) > 128


def test_a_server_that_kills_what_it_started_leaves_no_command_behind() -> None:
    process = shell("echo begun; sleep 60; echo never", 60)
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == b"begun\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.stdin.close()
    process.stdin = None
    assert process.stdout.read() == b""
    ended(process, 5)


def test_a_command_that_is_fed_reads_its_input_and_keeps_its_exit_code() -> None:
    process = shell("cat; exit 3", 5, fed=b"\x00\xffdata")
    assert process.stdout
    assert process.stdout.read() == b"\x00\xffdata"
    assert ended(process, 5) == 3
