"""The fence around the load, in a process of its own: once put up it can't be taken down again."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.load.kept_in import MOST_ADDRESSES, OTHER, KeptIn
from harness.load.locust_command import allow_arguments

PLAY = """
import gevent.monkey; gevent.monkey.patch_all()
import json, socket, sys
from gevent.monkey import get_original
from harness.load.fence import Fence, OutsideAllowList, taken_from
refused = []
Fence(taken_from(sys.argv), refused.append).put_up()
V4, V6, TCP, UDP = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM

def outcome(work):
    try:
        work()
    except OutsideAllowList as error:
        return "outside"
    except OSError:
        return "tried"
    return "tried"

def tcp(*address, family=V4, kind=socket.socket):
    with kind(family, TCP) as sock:
        sock.settimeout(0.2)
        sock.connect(address)

def udp(*address):
    with socket.socket(V4, UDP) as sock:
        sock.setblocking(False)
        sock.sendto(b"x", address)

def unix():
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("/nowhere/at/all")

def errno_of(*address):
    with socket.socket() as sock:
        return sock.connect_ex(address)

native = get_original("socket", "socket")
said = {
    "inside": outcome(lambda: tcp("127.0.0.1", 9)),
    "outside": outcome(lambda: tcp("127.0.0.2", 9)),
    "past gevent": outcome(lambda: tcp("127.0.0.2", 9, kind=native)),
    "mapped": outcome(lambda: tcp("::ffff:127.0.0.2", 9, family=V6)),
    "mapped inside": outcome(lambda: tcp("::ffff:127.0.0.1", 9, family=V6)),
    "unspecified": outcome(lambda: tcp("0.0.0.0", 9)),
    "in decimal": outcome(lambda: tcp("2130706434", 9)),
    "name": outcome(lambda: tcp("localhost", 9)),
    "create_connection": outcome(lambda: socket.create_connection(("127.0.0.2", 9), 0.2)),
    "udp": outcome(lambda: udp("127.0.0.2", 9)),
    "dns": outcome(lambda: udp("127.0.0.2", 53)),
    "unix": outcome(unix),
}
code = errno_of("127.0.0.2", 9)
print(json.dumps({"said": said, "code": code, "refused": sorted(set(refused)), "argv": sys.argv[1:]}))
"""


def played(*allow: str) -> dict[str, object]:
    command = [sys.executable, "-P", "-c", PLAY, *allow_arguments(allow), "--users", "5"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


def test_every_way_out_is_closed_and_every_way_in_open() -> None:
    answer = played("127.0.0.1/32")
    assert answer["said"] == {
        "inside": "tried", "outside": "outside", "past gevent": "outside", "mapped": "outside",
        "mapped inside": "tried",
        "unspecified": "tried", "in decimal": "outside", "name": "tried", "create_connection": "outside",
        "udp": "outside", "dns": "tried", "unix": "tried",
    }  # fmt: skip
    assert answer["code"] == 13
    assert answer["refused"] == ["127.0.0.2:9"]
    assert answer["argv"] == ["--users", "5"]


def test_an_allowed_name_opens_what_it_answers_and_no_more() -> None:
    said = played("localhost")["said"]
    assert isinstance(said, dict)
    assert (said["name"], said["outside"]) == ("tried", "outside")
    # nobody had asked for the name yet when the address was tried
    assert said["inside"] == "outside"


def test_connects_are_counted_by_address_and_many_addresses_share_one_entry() -> None:
    kept_in, greenlet = KeptIn(), object()
    assert kept_in.take() == {}
    for number in range(MOST_ADDRESSES + 5):
        assert kept_in.refused(f"10.0.0.{number}:80", greenlet)
        kept_in.refused("10.0.0.0:80", greenlet)
    counts = kept_in.take()
    assert counts["10.0.0.0:80"] == MOST_ADDRESSES + 6
    assert counts[OTHER] == 5
    assert len(counts) == MOST_ADDRESSES + 1
    kept_in.refused("10.0.0.99:80", greenlet)
    assert kept_in.take() == {OTHER: 1}


@pytest.mark.parametrize("depth", [1, 3])
def test_inside_a_request_of_locusts_the_request_itself_is_the_failure(depth: int) -> None:
    kept_in, mine, others = KeptIn(), object(), object()
    for _ in range(depth):
        kept_in.entered(mine)
    assert not kept_in.refused("10.0.0.1:80", mine)
    assert kept_in.refused("10.0.0.1:80", others)
    for _ in range(depth):
        kept_in.left(mine)
    assert kept_in.refused("10.0.0.1:80", mine)
    kept_in.left(mine)
