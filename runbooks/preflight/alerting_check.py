"""The alerting: whether it can be heard, and whether an alert that is waited for fires already."""

from __future__ import annotations

import ipaddress

from harness.errors import GamedayError
from runbooks.preflight.check import Check, good, warning
from runbooks.preflight.scene import Scene, failed
from runbooks.target import Alerting

AREA = "alerting"


def check_alerting(scene: Scene) -> list[Check]:
    """One line for the way, one for each alert of the runbook that fires already."""
    alerting = scene.target.alerting
    if alerting is None:
        return []
    if alerting.webhook is not None:
        return _webhook(scene, alerting.webhook)
    return _alertmanager(scene, alerting)


def _alertmanager(scene: Scene, alerting: Alerting) -> list[Check]:
    try:
        firing = scene.world.alerts(alerting)
    except GamedayError as error:
        if scene.runbook.alerts:
            return [failed(AREA, "alertmanager", error, "is this the address of Alertmanager?")]
        return [warning(AREA, "alertmanager", f"alerts will not be on the timeline: {error}")]
    checks = [good(AREA, "alertmanager", f"{alerting.alertmanager} answers, {len(firing)} alerts fire")]
    names = {name for name, _ in firing}
    for level in scene.runbook.alerts:
        if any(name == level.alert and level.labels.items() <= labels.items() for name, labels in firing):
            text = f"{level.alert} fires already: while it does, it can't tell the fault"
            checks.append(warning(AREA, level.name, text, "wait until it is over"))
        elif level.alert in names:
            checks.append(warning(AREA, level.name, f"{level.alert} fires already, with other labels"))
    return checks


def _webhook(scene: Scene, webhook: tuple[str, int, str]) -> list[Check]:
    host, port, path = webhook
    try:
        scene.world.listens(host, port)
    except GamedayError as error:
        return [failed(AREA, "webhook", error, "choose another port")]
    checks = [good(AREA, "webhook", f"will listen on {host}:{port or 'a free port'}, path {path}")]
    if not _is_loopback(host):
        text = f"{host} is open to the network: whoever reaches the port can post alerts"
        checks.append(warning(AREA, "webhook", text, "listen on 127.0.0.1 if the alerting runs on this machine"))
    return checks


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
