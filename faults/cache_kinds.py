"""The faults on a cache's server."""

from __future__ import annotations

from faults.kind import FaultKind

CACHE_KINDS: tuple[FaultKind, ...] = ()
