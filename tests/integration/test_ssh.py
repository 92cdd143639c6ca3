"""The SSH door against a real OpenSSH server."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventually import until

from harness.clock import Deadline
from harness.errors import HostKeyRefused, NotAllowed, ReachFailed, ReachTimeout
from harness.monitor.host import HostSource
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor

pytestmark = pytest.mark.integration
StartSshd = Callable[..., Any]
FIRST_S, SECOND_S = f"1{os.getpid()}", f"2{os.getpid()}"  # sleeps that no other test run has


def soon(seconds: float = 10) -> Deadline:
    return Deadline.after(seconds)


def seconds_of(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def running(marker: str) -> bool:
    """Whether a process of this machine has `marker` in its command line."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_a_command_answers_with_both_outputs_and_its_exit_code(sshd: Any) -> None:
    door = sshd.door()
    result = door.run("echo out; echo err >&2; exit 7", soon())
    door.close()
    assert (result.stdout, result.stderr, result.exit_code, result.truncated) == (b"out\n", b"err\n", 7, False)


def test_bytes_of_any_value_pass_through_and_five_megabytes_of_errors_do_not_stall_it(sshd: Any) -> None:
    door = sshd.door()
    blob = bytes(range(256)) * 64
    assert door.run("cat; exit 3", soon(), input=blob).stdout == blob
    result = door.run("head -c 5000000 /dev/zero >&2; head -c 2000000 /dev/zero", soon())
    door.close()
    assert len(result.stdout) == 2_000_000
    assert result.truncated


def test_a_long_output_is_cut_and_its_command_ended(sshd: Any) -> None:
    door = sshd.door()
    result = door.run(f"yes {FIRST_S}", soon(), max_bytes=1000)
    door.close()
    assert len(result.stdout) == 1000
    assert result.truncated
    until(lambda: not running(FIRST_S))


def test_a_command_that_hangs_is_ended_with_its_children_and_costs_no_connection(sshd: Any) -> None:
    door = sshd.door()
    door.open(soon())
    with pytest.raises(ReachTimeout, match="did not end in time"):
        door.run(f"sleep {FIRST_S}; echo never", soon(1))
    until(lambda: not running(FIRST_S))
    assert seconds_of(lambda: door.run("true", soon())) < 5
    door.close()


def test_a_command_ends_when_we_are_gone(sshd: Any) -> None:
    door = sshd.door()

    def run() -> None:
        with pytest.raises(ReachFailed):
            door.run(f"sleep {SECOND_S}; echo x", soon(30))

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: running(SECOND_S))
    door.close()
    thread.join(5)
    assert not thread.is_alive()
    until(lambda: not running(SECOND_S))


def test_an_unknown_host_key_is_refused_before_anything_is_sent(sshd: Any, tmp_path: Path) -> None:
    empty = tmp_path / "known_hosts"
    empty.touch()
    with pytest.raises(HostKeyRefused, match="unknown") as refused:
        sshd.door(known_hosts=empty).open(soon())
    assert f"ssh-keyscan -t ed25519 -p {sshd.port} 127.0.0.1" in refused.value.mend
    assert "fingerprint" in refused.value.mend
    assert refused.value.exit_code == 14
    assert "Accepted" not in (sshd.folder / "sshd.log").read_text()


def test_the_command_of_the_refusal_mends_it(sshd: Any, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with pytest.raises(HostKeyRefused) as refused:
        sshd.door(known_hosts=known).open(soon())
    command = refused.value.mend.partition("if it is the same: ")[2].partition(" (or")[0]
    subprocess.run(["sh", "-c", command], check=True, stderr=subprocess.DEVNULL, timeout=10)
    door = sshd.door(known_hosts=known)
    door.open(soon())
    door.close()


def test_a_changed_host_key_is_refused_with_both_fingerprints(
    sshd: Any, make_key: Callable[[Path], Path], tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other")
    known = tmp_path / "known_hosts"
    known.write_text(sshd.known_line(other))
    with pytest.raises(HostKeyRefused, match="CHANGED") as refused:
        sshd.door(known_hosts=known).open(soon())
    assert refused.value.what.count("SHA256:") == 2


@pytest.mark.parametrize(("kind", "bits"), [("ecdsa", "256"), ("rsa", "2048")])
def test_the_type_of_key_that_is_known_is_asked_for(
    start_sshd: StartSshd, tmp_path: Path, kind: str, bits: str
) -> None:
    key = tmp_path / "second"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-f", key], check=True, timeout=20)
    sshd = start_sshd(f"HostKey {key}")
    known = tmp_path / "known_hosts"
    known.write_text("@revoked * ssh-rsa broken\n" + sshd.known_line(key))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=False, timeout=10, capture_output=True)
    door = sshd.door(known_hosts=known)
    door.open(soon())
    door.close()
    assert door.warnings


def test_an_address_outside_the_allow_list_is_not_dialled(sshd: Any) -> None:
    door = SshDoor("x", f"root@127.0.0.1:{sshd.port}", allow=AllowList(["10.0.0.0/8"]), ssh_config=sshd.no_config)
    with pytest.raises(NotAllowed, match=r"127\.0\.0\.1"):
        door.open(soon())


@pytest.mark.parametrize("before", ["connecting", "running"])
def test_a_frozen_server_never_holds_us_past_the_deadline(sshd: Any, before: str) -> None:
    door = sshd.door()
    if before == "running":
        door.open(soon())
    sshd.freeze()
    start = time.monotonic()
    with pytest.raises(ReachTimeout):
        door.run("true", soon(1))
    assert time.monotonic() - start < 5
    assert seconds_of(door.close) < 3
    sshd.thaw()
    assert door.run("echo back", soon()).stdout == b"back\n"
    door.close()


def test_a_server_frozen_in_the_middle_of_a_command(sshd: Any) -> None:
    door = sshd.door()
    door.open(soon())
    threading.Timer(0.4, sshd.freeze).start()
    start = time.monotonic()
    with pytest.raises(ReachTimeout):
        door.run("while :; do echo x; sleep 0.05; done", soon(1.5))
    assert time.monotonic() - start < 6
    door.close()


def test_a_port_that_takes_the_connection_and_says_nothing(sshd: Any, silent_port: int) -> None:
    start = time.monotonic()
    with pytest.raises(ReachTimeout):
        sshd.door(address=f"root@127.0.0.1:{silent_port}").open(soon(1))
    assert time.monotonic() - start < 5


def test_a_dead_connection_is_made_anew(sshd: Any) -> None:
    door = sshd.door()
    door.run("true", soon())
    sshd.drop_connections()
    assert door.run("echo again", soon()).stdout == b"again\n"
    door.close()


def test_a_command_whose_connection_died_is_not_sent_twice(sshd: Any, tmp_path: Path) -> None:
    door = sshd.door()
    count = tmp_path / "count"

    def drop() -> None:
        until(count.exists)
        sshd.drop_connections()

    dropping = threading.Thread(target=drop)
    dropping.start()
    with pytest.raises(ReachFailed, match="unknown"):
        door.run(f"echo once >> {count}; sleep 30", soon(20))
    dropping.join()
    assert count.read_text() == "once\n"
    door.close()


@pytest.mark.parametrize("sessions", [1, 10])
def test_parallel_commands_share_a_connection_within_the_hosts_limit(start_sshd: StartSshd, sessions: int) -> None:
    sshd = start_sshd(f"MaxSessions {sessions}")
    door = sshd.door()
    door.open(soon())
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(door.run(f"sleep 0.05; echo {n}", soon()).stdout))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    door.close()
    assert sorted(answers) == sorted(f"{n}\n".encode() for n in range(12))
    assert (sshd.folder / "sshd.log").read_text().count("Accepted publickey") == 1


def test_the_ssh_config_is_honoured_through_a_gateway_whose_key_is_verified_too(
    sshd: Any, start_sshd: StartSshd, tmp_path: Path
) -> None:
    gateway = start_sshd()
    gateway_key = sshd.folder / "both"
    gateway_key.write_text(gateway.known_line() + sshd.known_line())
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host inner\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n  ProxyJump jump\n"
        f"Host jump\n  HostName 127.0.0.1\n  Port {gateway.port}\n  IdentityFile {gateway.identity}\n"
    )
    door = sshd.door(address="inner", ssh_config=config, known_hosts=gateway_key)
    assert door.run("echo $SSH_CONNECTION", soon()).stdout.split()[-1] == str(sshd.port).encode()
    door.close()
    assert "Accepted publickey" in (gateway.folder / "sshd.log").read_text()
    with pytest.raises(HostKeyRefused, match="unknown") as refused:
        sshd.door(address="inner", ssh_config=config).open(soon())
    assert str(gateway.port) in refused.value.where


def test_a_key_that_the_host_does_not_take(sshd: Any, make_key: Callable[[Path], Path], tmp_path: Path) -> None:
    door = SshDoor(
        "app-1",
        f"{sshd.user}@127.0.0.1:{sshd.port}",
        allow=AllowList(["127.0.0.1"]),
        identity=make_key(tmp_path / "wrong"),
        known_hosts=sshd.known_hosts,
        ssh_config=sshd.no_config,
    )
    with pytest.raises(ReachFailed, match="does not take our user or key") as refused:
        door.open(soon())
    assert "app-1" in refused.value.where
    assert refused.value.mend


def test_no_thread_or_socket_is_left_after_failures(sshd: Any, silent_port: int) -> None:
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(ReachTimeout):
            sshd.door(address=f"root@127.0.0.1:{silent_port}").open(soon(0.2))
    until(lambda: threading.active_count() <= before)


def test_a_reading_of_a_real_host_costs_one_command(sshd: Any) -> None:
    door = sshd.door()
    source = HostSource("app-1", door)
    first = source.read()
    door.run("sleep 0.3", soon())
    second = source.read()
    source.close()
    assert {"memory", "load", "swap"} <= first.keys()
    assert "cpu" not in first
    assert all(0 <= second[key] <= 1 for key in ("cpu", "memory", "steal", "iowait"))
    assert second["cpus"] >= 1
