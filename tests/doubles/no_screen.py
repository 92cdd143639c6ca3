"""A screen that nobody watches."""

from __future__ import annotations

from runbooks.screen import Status


class NoScreen:
    def event(self, now_s: float, text: str, level: str = "info") -> None:
        """Say nothing."""

    def status(self, status: Status) -> None:
        """Show nothing."""
