"""Hears the platform's alerting for the length of a run: Alertmanager is asked, or a webhook is listened on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.clock import Clock
from harness.journal.record import Note, Record
from harness.monitor.alert_webhook import AlertWebhook, Webhook
from harness.monitor.alertmanager import Alertmanager, AlertmanagerSource
from harness.monitor.sampler import Sampler
from harness.reach.allow_list import AllowList
from runbooks.runbook import Runbook
from runbooks.target import Alerting, Target

STOP_S = 2.0


@contextmanager
def heard(target: Target, runbook: Runbook, emit: Callable[[Record], None], clock: Clock) -> Iterator[None]:
    """Every alert that is heard of is a record from here to the end. Raises ReachFailed where the webhook's port can't
    be had; an Alertmanager that does not answer is a gap."""
    alerting = target.alerting
    if alerting is None:
        yield
        return
    wanted = frozenset(level.alert for level in runbook.alerts)
    source: AlertmanagerSource | AlertWebhook
    if alerting.webhook is None:
        source = AlertmanagerSource(server_of(alerting), AllowList(target.allow), emit, clock, wanted)
    else:
        listener = AlertWebhook(webhook_of(alerting.webhook), emit, clock, wanted)
        emit(Note(t=clock.now_s(), text=f"Listening for alerts at {listener.open()}"))
        source = listener
    sampler = Sampler(source, emit, clock)
    sampler.start()
    try:
        yield
    finally:
        sampler.stop(STOP_S)


def server_of(alerting: Alerting) -> Alertmanager:
    """Where Alertmanager is asked."""
    token, password = alerting.token, alerting.password
    return Alertmanager(
        url=alerting.alertmanager,
        token=token.value if token is not None else "",
        user=alerting.user,
        password=password.value if password is not None else "",
    )


def webhook_of(address: tuple[str, int, str]) -> Webhook:
    """Where the webhook listens."""
    return Webhook(*address)
