"""Hosts that are gone for good, and with them what was injected there: nobody can, or need, heal it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from faults.hosts.host_undo import HostUndo
from faults.undo import Undo
from runbooks.sandbox.place import sandboxes_folder


def why_gone(undo: Undo, gone: Collection[str]) -> str:
    """Why what an undo record of a host tells of can't be there any more; "" where it may be, or it is of no host.
    `gone`: hosts that a person says are gone for good."""
    if not isinstance(undo, HostUndo):
        return ""
    if undo.host in gone:
        return f"the host {undo.host} is gone for good, a person says"
    root, identity = sandboxes_folder(), Path(undo.identity)
    if undo.identity and identity.is_relative_to(root) and not (root / identity.relative_to(root).parts[0]).exists():
        return "its sandbox is gone, with all that ran in it"
    return ""
