"""The load obeys the target's allow-list, with the real Locust: what leaves it fails, is counted, and is told."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from served import served

from harness.clock import Clock, Deadline
from harness.errors import BadInput
from harness.journal.record import LoadKeptIn, Note, Record, Window
from harness.load.kept_in import OUTSIDE
from harness.load.locust_file import inspect
from harness.load.locust_process import LoadSpec, LocustProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

LOCUSTFILE = Path(__file__).parent / "locustfiles" / "strays.py"
AWAY = ("away", "fast away", "redirected", "mapped")


class _Page(http.server.BaseHTTPRequestHandler):
    """Answers "fine", and sends whoever asks for /away to 127.0.0.2."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        away = self.path == "/away"
        self.send_response(302 if away else 200)
        if away:
            self.send_header("Location", f"http://127.0.0.2:{self.server.server_address[1]}/ok")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"fine")

    def log_message(self, *_: object) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]


def serve(host: str, port: int, stack: ExitStack) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer((host, port), _Page)
    server.seen = []  # type: ignore[attr-defined]
    return stack.enter_context(served(server))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def test_what_leaves_the_allow_list_fails_is_counted_and_told(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = serve("127.0.0.1", 0, stack)
    port = home.server_address[1]
    away = serve("127.0.0.2", port, stack)
    monkeypatch.setenv("STRAY_PORT", str(port))
    records: list[Record] = []
    enough = threading.Event()

    def count(name: str, what: str) -> int:
        stats = [s for w in records if isinstance(w, Window) for n, s in w.names.items() if n.endswith(name)]
        return sum(s.requests if what == "requests" else s.failures.get("connection", 0) for s in stats)

    def emit(record: Record) -> None:
        records.append(record)
        failed = all(count(f"GET {name}", "connection") for name in AWAY) and count(OUTSIDE, "connection") > 1
        if failed and count("GET home", "requests") and count("GET fast home", "requests"):
            enough.set()

    spec = LoadSpec(locustfile=LOCUSTFILE, host=f"http://localhost:{port}", users=6, spawn_rate=20, cwd=tmp_path,
                    log=tmp_path / "locust.log", allow=("localhost",))  # fmt: skip
    with LocustProcess(spec, Clock.start(), emit) as load:
        load.start(Deadline.after(30))
        assert enough.wait(20), (tmp_path / "locust.log").read_text()[-2000:]

    assert away.seen == []  # type: ignore[attr-defined]
    for name in ("GET home", "GET fast home"):
        assert count(name, "connection") == 0
    for name in AWAY:
        assert count(f"GET {name}", "requests") == count(f"GET {name}", "connection")
    where = f"127.0.0.2:{port}"
    kept_in = [r for r in records if isinstance(r, LoadKeptIn)]
    assert {r.address for r in kept_in} == {where}
    assert sum(r.connects for r in kept_in) > 2
    notes = [r.text for r in records if isinstance(r, Note) and "allow list" in r.text]
    assert notes == [f"load: kept from connecting to {where}, which is outside the target's allow list"]


def test_a_locust_file_that_leaves_the_allow_list_when_imported_says_so_in_preflight(
    tmp_path: Path, stack: ExitStack
) -> None:
    away = serve("127.0.0.2", 0, stack)
    port = away.server_address[1]
    file = tmp_path / "greedy.py"
    file.write_text(
        "import urllib.request\nfrom locust import HttpUser\n"
        f"urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open('http://127.0.0.2:{port}/')\n"
        "class U(HttpUser):\n    tasks = [len]\n"
    )
    with pytest.raises(BadInput, match=r"127.0.0.2:\d+ is outside the target's allow list: add \"127.0.0.2/32\""):
        inspect(file, (), tmp_path, Deadline.after(30), allow=("127.0.0.1/32",))
    assert away.seen == []  # type: ignore[attr-defined]
    assert inspect(file, (), tmp_path, Deadline.after(30), allow=("127.0.0.0/8",)).users == ("U",)
