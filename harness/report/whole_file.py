"""Files that appear whole: whoever reads one finds the old text or the new one, never half of it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write(place: Path, text: str) -> None:
    """Put `text` at `place`, by way of a draft beside it. Raises OSError, and leaves what was there then."""
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        draft.replace(place)
    except OSError as error:
        error.filename = str(place)  # a disk that is full does not say which file it was
        raise
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
