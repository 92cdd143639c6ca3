"""How long a request waited for the servers behind the application, as nginx's $upstream_response_time would say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class UpstreamTime:
    """The sum over one request, in seconds."""

    def __init__(self) -> None:
        self.total_s = 0.0


_current: ContextVar[UpstreamTime | None] = ContextVar("upstream_time", default=None)


def begin() -> UpstreamTime:
    """A fresh sum for the request that runs in this context."""
    fresh = UpstreamTime()
    _current.set(fresh)
    return fresh


@contextmanager
def upstream() -> Iterator[None]:
    """Counts the time inside as waiting for an upstream."""
    started = time.monotonic()
    try:
        yield
    finally:
        current = _current.get()
        if current is not None:
            current.total_s += time.monotonic() - started
