"""`${ENV}` references in runbooks and targets; how they are resolved is `harness.reach.reference`."""

from __future__ import annotations

from harness.reach.reference import Expand, Expansion, References

__all__ = ["Expand", "Expansion", "References"]
