"""A wait that somebody may end early."""

from __future__ import annotations

from collections.abc import Callable

Wait = Callable[[float], bool]
"""Waits so many seconds; False: there is no point in waiting on, since whoever asked has given up."""
