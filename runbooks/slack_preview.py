"""The summary as Slack would show it, for a terminal: what was not sent is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text


def unsent_summary(run_folder: Path) -> Text | None:
    """The summary message of a run's `slack.jsonl`; None when it was sent, or there is none."""
    try:
        lines = (run_folder / "slack.jsonl").read_text(encoding="utf-8").splitlines()
        messages = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return None
    unsent = [m for m in messages if m["what"] == "summary" and not m["delivered"]]
    if not unsent:
        return None
    message = unsent[-1]
    shown = Text(f"\nThe message for {message['channel']}, as it would have been posted ({message['error']}):\n")
    for line in "\n".join(_texts(message["blocks"])).strip("\n").splitlines():
        shown.append("  │ ", style="dim").append(line + "\n")
    return shown


def _texts(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block.get("text"), dict):
            text = block["text"]["text"]
            yield f"\n{text}" if block["type"] == "header" or text.startswith("*") else text
        parts = [*block.get("fields", ()), *block.get("elements", ())]
        if parts:
            yield " | ".join(part["text"].replace("\n", " ") for part in parts)
