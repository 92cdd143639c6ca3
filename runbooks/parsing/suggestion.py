"""What a person may have meant by a word that is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 12


def suggest(word: str, known: Iterable[str], *, what: str = "there is") -> str:
    """ "did you mean 'latency'?", else the list of what there is."""
    names = sorted(set(known))
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f"did you mean {by_lower[close[0]]!r}?"
    if not names:
        return f"{what}: none"
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{what}: {', '.join(names[:_MOST])}{more}"
