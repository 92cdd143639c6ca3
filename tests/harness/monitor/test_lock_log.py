"""Looks at sessions, summed up: shares, roots, what is waited for."""

from __future__ import annotations

from harness.monitor.lock_log import Lock, LockLog
from harness.monitor.session_log import Session


def session(pid, *, blocked_by=(), state="active", wait="", query="select 1", name="api"):
    kind, _, event = ("Lock:relation" if blocked_by else wait).partition(":")
    return Session(
        pid=pid, application_name=name, role="crowdfund", state=state, state_age_s=2.0, wait_event_type=kind,
        wait_event=event, transaction_age_s=3.0, query_age_s=2.0, blocked_by=tuple(blocked_by), query=query,
    )  # fmt: skip


ROOT = session(1, state="idle in transaction", wait="Client:ClientRead", query="update a set b = 'x@y.z'", name="job")


def test_shares_and_waits_are_means_over_the_looks():
    log = LockLog()
    assert not log.add([session(2), session(3, state="idle")])
    assert log.add([ROOT, session(2, blocked_by=[1]), session(3, blocked_by=[1])]), "the detail of the locks is wanted"
    record = log.take("database.main", 10.0, 11.0)
    assert (record.samples, record.blocked_samples, record.blocked, record.most_blocked) == (2, 1, 1.0, 2)
    assert record.waits == {"none": 0.5, "Client:ClientRead": 0.5, "Lock:relation": 1.0}
    assert log.take("database.main", 11.0, 12.0) is None, "it begins anew"


def test_the_root_is_at_the_end_of_the_chain_and_its_statement_has_no_values():
    log = LockLog()
    log.add([ROOT, session(2, blocked_by=[1]), session(3, blocked_by=[2]), session(4, blocked_by=[3, 2])])
    [root] = log.take("database.main", 0, 1).roots
    assert (root.pid, root.application_name, root.state, root.blocked) == (1, "job", "idle in transaction", 3)
    assert root.statement == "update a set b = '?'"


def test_a_root_that_is_no_session_of_ours_to_see_is_named_by_its_number():
    log = LockLog()
    log.add([session(2, blocked_by=[0])])
    [root] = log.take("database.main", 0, 1).roots
    assert (root.pid, root.state) == (0, "")


def test_a_deadlock_has_no_root():
    log = LockLog()
    log.add([session(2, blocked_by=[3]), session(3, blocked_by=[2])])
    record = log.take("database.main", 0, 1)
    assert (record.roots, record.blocked) == ((), 2)


def test_the_detail_says_which_table_in_which_mode_and_what_the_root_holds():
    log = LockLog()
    log.add([ROOT, session(2, blocked_by=[1])])
    assert sorted(log.pids) == [1, 2]
    log.detail(
        [
            Lock(1, "relation", "AccessShareLock", True, "public.apps", "r"),
            Lock(1, "relation", "AccessExclusiveLock", True, "public.apps", "r"),
            Lock(1, "relation", "AccessExclusiveLock", True, "public.apps_pkey", "i"),
            Lock(2, "relation", "AccessShareLock", False, "public.apps", "r"),
        ]
    )
    assert not log.add([ROOT, session(2, blocked_by=[1])]), "once is enough"
    record = log.take("database.main", 0, 1)
    assert record.relations == ("public.apps",)
    assert record.wanted == ("AccessShareLock",)
    assert record.roots[0].holds == ("AccessExclusiveLock on public.apps",)


def test_who_waits_for_a_row_waits_in_the_table_that_both_write():
    log = LockLog()
    log.add([ROOT, session(2, blocked_by=[1])])
    log.detail(
        [
            Lock(1, "relation", "RowExclusiveLock", True, "public.apps", "r"),
            Lock(1, "relation", "RowExclusiveLock", True, "public.audit", "r"),
            Lock(2, "relation", "RowExclusiveLock", True, "public.apps", "r"),
            Lock(2, "relation", "RowExclusiveLock", True, "public.apps_pkey", "i"),
            Lock(2, "transactionid", "ShareLock", False, "", ""),
        ]
    )
    assert log.take("database.main", 0, 1).relations == ("public.apps",)
