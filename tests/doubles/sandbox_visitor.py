"""A sandbox, as those see it who use it, break it, and look for what is left of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
from pathlib import Path
from typing import Any

import requests
import yaml
from eventually import until

from faults.toxiproxy_server import ManagedServer
from runbooks.sandbox.crowdfund.settings import PRACTICE_PAYSTACK_SECRET
from runbooks.sandbox.port import LOOPBACK
from runbooks.sandbox.sandbox import Sandbox
from runbooks.sandbox.state import SandboxState

NAME = f"test-{os.getpid()}"


class Investor:
    """A person with a browser."""

    def __init__(self, box: Sandbox, number: int = 1) -> None:
        self._url = box.base_url
        self._session = requests.Session()
        self._session.trust_env = False
        self.number = number
        answer = self.post(
            "/api/v1/auth/login/", {"email": f"investor-{number:04d}@example.com", "password": "practice"}
        )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._url + path, timeout=10)

    def status(self, path: str) -> int:
        return self.get(path).status_code

    def post(self, path: str, body: object) -> requests.Response:
        return self._session.post(self._url + path, json=body, timeout=10)

    def webhook(self, event: object, secret: str = PRACTICE_PAYSTACK_SECRET) -> requests.Response:
        body = json.dumps(event).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
        headers = {"x-paystack-signature": signature}
        url = f"{self._url}/api/v1/payments/paystack-webhook/"
        return self._session.post(url, data=body, headers=headers, timeout=10)


def toxiproxy(box: Sandbox, method: str, path: str, body: object = None) -> Any:
    url = ManagedServer.attach(box.folder / "toxiproxy").api_url
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, url + path, json=body, timeout=5)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def target_of(box: Sandbox) -> dict[str, Any]:
    target: dict[str, Any] = yaml.safe_load(box.target.read_text())
    return target


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def assert_nothing_is_left(folder: Path, state: SandboxState) -> None:
    assert not folder.exists()
    until(lambda: _left(folder, state) == [], 10, lambda: str(_left(folder, state)))


def _left(folder: Path, state: SandboxState) -> list[str]:
    found = [part.name for part in state.parts if part.alive or is_open(part.port)]
    if state.alive:
        found.append("supervisor")
    mark = f"GAMEDAY_SANDBOX={folder}".encode()
    return found + [str(path) for path in Path("/proc").glob("[0-9]*/environ") if mark in _bytes(path)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
