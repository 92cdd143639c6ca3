"""The faults on containers."""

from __future__ import annotations

from faults.kind import FaultKind

CONTAINER_KINDS: tuple[FaultKind, ...] = ()
