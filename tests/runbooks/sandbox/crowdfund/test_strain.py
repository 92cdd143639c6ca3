"""What the named defects do to requests, each bounded."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbooks.sandbox.crowdfund import strain
from runbooks.sandbox.crowdfund.settings import Settings
from runbooks.sandbox.crowdfund.strain import MOST_KEPT_BYTES, Strain

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

BODY = b"x" * 100_000


def settings(folder: Path, **defect: float) -> Settings:
    return Settings.model_validate(
        {"database_dsn": "", "cache_url": "", "paystack_url": "", "token_secret": "t",
         "application_log": folder / "application.log", "access_log": folder / "access.log", **defect}
    )  # fmt: skip


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY})


def play(app: Strain, path: str = "/", times: int = 1) -> tuple[bytes, float]:
    """The bodies of so many requests, and how long they took."""
    sent: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    async def requests() -> None:
        for _ in range(times):
            scope: dict[str, Any] = {"type": "http", "path": path}
            await app(scope, receive, send)

    begun = time.monotonic()
    asyncio.run(requests())
    return b"".join(sent), time.monotonic() - begun


def test_without_a_defect_nothing_is_changed(tmp_path: Path) -> None:
    assert play(Strain(answer, settings(tmp_path)))[0] == BODY
    assert list(tmp_path.iterdir()) == []


def test_the_front_sends_no_faster_than_it_may_and_loses_nothing(tmp_path: Path) -> None:
    body, took_s = play(Strain(answer, settings(tmp_path, front_bytes_per_s=500_000)), times=2)
    assert body == BODY * 2
    assert took_s >= 0.39


def test_the_health_check_is_spared(tmp_path: Path) -> None:
    slow = settings(tmp_path, front_bytes_per_s=1000, session_key_cpu_s=9, audit_s=9, crash_every=1)
    assert play(Strain(answer, slow), "/health")[0] == BODY


def test_a_session_key_costs_the_cpu_that_it_says(tmp_path: Path) -> None:
    before = time.thread_time()
    play(Strain(answer, settings(tmp_path, session_key_cpu_s=0.1)))
    assert 0.1 <= time.thread_time() - before < 1


def test_the_leak_has_a_bound(tmp_path: Path) -> None:
    app = Strain(answer, settings(tmp_path, leak_bytes=MOST_KEPT_BYTES // 4))
    play(app, times=6)
    assert app._kept_bytes <= MOST_KEPT_BYTES
    assert len(app._kept) == 4


def test_the_audit_log_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    play(Strain(answer, settings(tmp_path, audit_s=0.01)))
    assert list(tmp_path.iterdir()) == []


def test_a_crash_is_due_every_so_many_requests(tmp_path: Path, monkeypatch: Any) -> None:
    killed: list[int] = []
    monkeypatch.setattr(strain.os, "kill", lambda pid, number: killed.append(number))
    monkeypatch.setattr(strain.resource, "setrlimit", lambda what, limits: None)
    play(Strain(answer, settings(tmp_path, crash_every=3)), times=7)
    assert len(killed) == 2
