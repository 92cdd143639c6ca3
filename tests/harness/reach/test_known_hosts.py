"""known_hosts files as OpenSSH has them, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from harness.errors import HostKeyRefused
from harness.reach.known_hosts import KnownHosts, KnownHostsPolicy, fingerprint


def blob(kind: str = "ssh-ed25519", body: bytes = b"one") -> bytes:
    return len(kind).to_bytes(4, "big") + kind.encode() + body


def line(names: str, kind: str = "ssh-ed25519", body: bytes = b"one") -> str:
    return f"{names} {kind} {base64.b64encode(blob(kind, body)).decode()}"


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def read(tmp_path: Path, *lines: str) -> KnownHosts:
    file = tmp_path / "known_hosts"
    file.write_text("\n".join(lines) + "\n")
    return KnownHosts.read([file])


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("db-1", "db-1", 22),
        ("DB-1,other", "db-1", 22),
        ("[db-1]:2222", "DB-1", 2222),
        ("db-1", "db-1", 2222),
        ("*.internal", "db-1.internal", 22),
        ("10.0.0.?", "10.0.0.7", 22),
        ("[10.0.*]:2222", "10.0.0.7", 2222),
        (hashed("db-1"), "db-1", 22),
        (hashed("[db-1]:2222"), "db-1", 2222),
        ("*,!bad", "db-1", 22),
    ],
)
def test_a_known_key_is_found_by_each_way_of_naming_a_host(tmp_path: Path, names: str, host: str, port: int) -> None:
    read(tmp_path, line(names)).verify(host, port, "ssh-ed25519", blob())


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("db-1", "db-2", 22),
        ("[db-1]:2222", "db-1", 22),
        ("*,!db-1", "db-1", 22),
        (hashed("db-2"), "db-1", 22),
        ("db[12]", "db1", 22),
    ],
)
def test_a_key_noted_for_another_host_does_not_count(tmp_path: Path, names: str, host: str, port: int) -> None:
    with pytest.raises(HostKeyRefused, match="unknown"):
        read(tmp_path, line(names)).verify(host, port, "ssh-ed25519", blob())


def test_during_a_rotation_the_old_and_the_new_key_are_both_good(tmp_path: Path) -> None:
    known = read(tmp_path, line("db-1", body=b"old"), line("db-1", body=b"new"))
    known.verify("db-1", 22, "ssh-ed25519", blob(body=b"old"))
    known.verify("db-1", 22, "ssh-ed25519", blob(body=b"new"))


def test_a_changed_key_is_refused_with_both_fingerprints_and_their_place(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRefused, match="CHANGED") as refused:
        read(tmp_path, line("db-1")).verify("db-1", 22, "ssh-ed25519", blob(body=b"evil"))
    assert fingerprint(blob()) in refused.value.what
    assert fingerprint(blob(body=b"evil")) in refused.value.what
    assert "known_hosts:1" in refused.value.what
    assert "ssh-keygen -R 'db-1'" in refused.value.mend


def test_an_unknown_key_is_refused_with_the_command_that_adds_it(tmp_path: Path) -> None:
    with pytest.raises(HostKeyRefused, match="unknown") as refused:
        read(tmp_path).verify("db-1", 2222, "ecdsa-sha2-nistp256", blob("ecdsa-sha2-nistp256"))
    assert f"ssh-keyscan -t ecdsa -p 2222 db-1 >> {tmp_path}/known_hosts" in refused.value.mend
    assert "compare the fingerprint" in refused.value.mend


def test_a_revoked_key_is_refused_even_where_it_is_known(tmp_path: Path) -> None:
    known = read(tmp_path, line("db-1"), "@revoked " + line("*"))
    with pytest.raises(HostKeyRefused, match="revoked"):
        known.verify("db-1", 22, "ssh-ed25519", blob())


@pytest.mark.parametrize(
    "bad",
    [
        "@cert-authority " + line("*"),
        "@new-marker " + line("*"),
        "db-1 ssh-ed25519",
        "db-1 ssh-ed25519 !!!",
        line("db-1").replace("ssh-ed25519 ", "ssh-rsa "),
    ],
)
def test_a_bad_line_is_sorted_out_with_a_warning_and_the_rest_holds(tmp_path: Path, bad: str) -> None:
    known = read(tmp_path, bad, line("db-2").replace(" ", "  "), "# comment", "")
    known.verify("db-2", 22, "ssh-ed25519", blob())
    assert len(known.warnings) == 1
    assert "known_hosts:1" in known.warnings[0]
    with pytest.raises(HostKeyRefused, match="unknown"):
        known.verify("db-1", 22, "ssh-ed25519", blob())


def test_a_comment_that_is_no_text_and_a_missing_file_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(line("db-1").encode() + b" caf\xe9\n")
    known = KnownHosts.read([tmp_path / "none", file])
    known.verify("db-1", 22, "ssh-ed25519", blob())
    assert known.warnings == ()


def test_the_types_of_the_known_keys_come_first(tmp_path: Path) -> None:
    offered = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")
    known = read(tmp_path, line("db-1", "ssh-rsa"), line("db-2", "ecdsa-sha2-nistp256"))
    assert known.algorithms("db-1", 22, offered)[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    assert known.algorithms("db-2", 22, offered)[0] == "ecdsa-sha2-nistp256"
    assert known.algorithms("db-3", 22, offered) == offered


def test_the_policy_looks_the_key_up_under_the_hosts_alias(tmp_path: Path) -> None:
    class Offered:
        def get_name(self) -> str:
            return "ssh-ed25519"

        def asbytes(self) -> bytes:
            return blob()

    policy = KnownHostsPolicy(read(tmp_path, line("alias")), "alias", 22)
    policy.missing_host_key(None, "10.0.0.1", Offered())
