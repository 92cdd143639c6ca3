"""The platform as a whole, as a fault sees it that sits on nothing which the target names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.reach.allow_list import AllowList


@dataclass(frozen=True, slots=True)
class Platform:
    """`name` and `base_url` are the target's; `folder`: where its file lies, which its paths are relative to."""

    name: str
    base_url: str
    allow: AllowList
    folder: Path
