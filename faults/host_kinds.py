"""The faults on hosts, over SSH."""

from __future__ import annotations

from faults.kind import FaultKind

HOST_KINDS: tuple[FaultKind, ...] = ()
