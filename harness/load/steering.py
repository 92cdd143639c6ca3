"""Tells what is done to the load on Locust's own web page. Runs in the load process that steers the users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_UNDER_WAY = ("spawning", "running")
_OVER = ("stopping", "stopped", "cleanup")


class Steering:
    """`look` at it often: sends where the page is, a changed number of users, and a stop that leaves Locust up."""

    def __init__(self, environment: Any, send: Callable[[dict[str, Any]], None]) -> None:
        self._environment = environment
        self._send = send
        self._page_told = False
        self._users = 0
        self._began = False
        self._over = False

    def look(self) -> None:
        """Cheap; sends only what is new."""
        if self._environment.web_ui is None:
            return
        self._look_at_page()
        runner = self._environment.runner
        if runner.state in _UNDER_WAY:
            self._began = True
            self._look_at_users(runner.target_user_count)
        elif runner.state in _OVER and self._began and not self._over:
            self._over = True
            run_time = getattr(self._environment.parsed_options, "run_time", None)
            self._send({"type": "halted", "by_person": not run_time})

    def _look_at_page(self) -> None:
        server = self._environment.web_ui.server
        if not self._page_told and server is not None and server.started:
            self._page_told = True
            host, port = server.address[:2]
            base = getattr(self._environment.parsed_options, "web_base_path", "") or ""
            self._send({"type": "page", "url": f"http://{host}:{port}{base}"})

    def _look_at_users(self, wanted: int) -> None:
        if self._environment.shape_class is not None or not wanted or wanted == self._users:
            return
        known, self._users = self._users, wanted
        if known:
            self._send({"type": "steered", "users": wanted})
