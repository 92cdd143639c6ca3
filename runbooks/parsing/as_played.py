"""A runbook that is not, or no more, what stands in its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class AsPlayed:
    """`text` stands in for the file's; `locustfile`, if there is one, for the Locust file that the text names."""

    text: str
    locustfile: Path | None = None

    def put_into(self, value: dict[str, Any]) -> None:
        """The Locust file, in the runbook's values."""
        load = value.get("load")
        if self.locustfile is not None and isinstance(load, dict):
            load["locustfile"] = str(self.locustfile.resolve())
