"""Waits for the platform to answer, once what it depends on has come back behind its proxies."""

from __future__ import annotations

import threading

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach import http
from harness.reach.allow_list import AllowList

LONGEST_S = 20.0
_ONE_LOOK_S = 2.0
_BETWEEN_LOOKS_S = 0.25


def await_platform(base_url: str, allow: AllowList, longest_s: float = LONGEST_S) -> None:
    """Returns when the platform answers below 500. Raises ReachFailed when it doesn't in `longest_s`."""
    deadline, tick, said = Deadline.after(longest_s), threading.Event(), ""
    while not deadline.passed:
        try:
            status = http.probe(f"{base_url}/", allow=allow, timeout_s=min(_ONE_LOOK_S, deadline.left_s() + 0.1)).status
        except ReachFailed as error:
            said = error.what
        else:
            if status < 500:
                return
            said = f"it answers with {status}"
        tick.wait(_BETWEEN_LOOKS_S)
    raise ReachFailed(
        f"the platform is not up {longest_s:g} s after its proxies: {said}",
        where=base_url,
        mend="see that it reconnects to what it depends on",
    )
