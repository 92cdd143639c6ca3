"""Collects evidence from all hosts, and from containers, at once: one that hangs delays no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.clock import Deadline
from harness.evidence.bundle import Bundle
from harness.evidence.host_collection import HostCollection, HostPlan
from harness.journal.record import EvidenceMissing

__all__ = ["Collection", "HostPlan", "LogCollector"]

_GRACE_S = 1.0


class Collection(Protocol):
    """One place that evidence comes from. Nothing in it raises: what could not be had is missing, with its reason."""

    @property
    def name(self) -> str: ...

    def remember(self, deadline: Deadline) -> tuple[EvidenceMissing, ...]: ...

    def collect(self, bundle: Bundle, deadline: Deadline, wanted: Callable[[], bool]) -> None: ...


class LogCollector:
    """Remembers the positions of all logs at the start of a run and collects what was written since at its end."""

    def __init__(self, hosts: Sequence[HostPlan], others: Sequence[Collection] = ()) -> None:
        self._hosts: tuple[Collection, ...] = (*(HostCollection(plan) for plan in hosts), *others)

    def remember(self, deadline: Deadline) -> tuple[EvidenceMissing, ...]:
        """Note where all logs stand, before the run writes to them.

        What comes back could not be looked at: worth a warning, and tried again at the end (a log may appear during
        the run). Ends by `deadline`; never raises.
        """
        problems: dict[str, tuple[EvidenceMissing, ...]] = {}

        def look(host: Collection) -> None:
            problems[host.name] = host.remember(deadline)

        late = _in_parallel(self._hosts, look, deadline)
        for host, why in late.items():
            problems[host.name] = (EvidenceMissing(source=host.name, what="logs", reason=why),)
        return tuple(problem for host in self._hosts for problem in problems.get(host.name, ()))

    def collect(self, bundle: Bundle, deadline_s_per_host: float = 20.0) -> None:
        """Put the new bytes of all logs, and the output of all commands, into `bundle`; what is missing, too.

        Ends at most a second after the deadline; never raises.
        """
        deadline = Deadline.after(deadline_s_per_host)
        over = threading.Event()

        def fetch(host: Collection) -> None:
            host.collect(bundle, deadline, lambda: not over.is_set())

        late = _in_parallel(self._hosts, fetch, deadline)
        over.set()
        for host, why in late.items():
            bundle.add_missing(host.name, "what is not listed", why)


def _in_parallel(
    hosts: Sequence[Collection], work: Callable[[Collection], None], deadline: Deadline
) -> dict[Collection, str]:
    """`work` for each host in a thread of its own; which hosts did not finish, and why."""
    failed: dict[Collection, str] = {}

    def body(host: Collection) -> None:
        try:
            work(host)
        except Exception as error:  # noqa: BLE001 - what one host does to us must not cost the others' evidence
            failed[host] = f"the collection failed: {error!r}"

    threads = {
        host: threading.Thread(target=body, args=(host,), name=f"evidence-{host.name}", daemon=True) for host in hosts
    }
    for thread in threads.values():
        thread.start()
    patience = Deadline(deadline.at_boot_s + _GRACE_S)
    for host, thread in threads.items():
        thread.join(patience.left_s())
        if thread.is_alive():
            failed[host] = "the host did not answer by the deadline"
    return dict(failed)
