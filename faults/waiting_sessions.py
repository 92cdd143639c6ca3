"""The platform's sessions that wait for locks of a fault's."""

from __future__ import annotations

from contextlib import closing

from faults.fault import Effect, Measurement
from faults.server_slots import CALL_S, ServerSlots
from harness.reach import postgres

# pg_blocking_pids takes the lock manager's lock: only those who wait are asked about
_WAITING = """
/* gameday */ select count(*)::int from pg_stat_activity a
where a.usename = %s and coalesce(a.application_name, '') !~ '^gameday(-|$)'
  and a.pid in (select pid from pg_locks where not granted)
  and pg_blocking_pids(a.pid) && array(select pid from pg_stat_activity where application_name = %s)
"""


def or_waiting(judged: Effect, slots: ServerSlots, *, marker: str, role: str, what: str) -> Effect:
    """The effect at the platform as judged, or by its sessions that wait for `what` of ours. Raises ReachFailed."""
    if judged.effective or not (waiting := _waiting_behind(slots, marker, role)):
        return judged
    values = {**judged.measured.values, "sessions_waiting": float(waiting)}
    text = f"{waiting} of the platform's sessions {'waits' if waiting == 1 else 'wait'} for {what}"
    return Effect(judged.expected, Measurement(text, values), effective=True)


def _waiting_behind(slots: ServerSlots, marker: str, role: str) -> int:
    """How many sessions of `role` wait for a session named `marker` itself; who stands behind them in the queue for a
    row is not counted. Raises ReachFailed."""
    with closing(slots.watch()) as watcher:
        [(number,)] = postgres.query(watcher, _WAITING, (role, marker), timeout_s=CALL_S)
    return int(number)
