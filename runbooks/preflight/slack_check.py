"""Slack: whether the token is good, when there is a channel to post to."""

from __future__ import annotations

from harness.errors import GamedayError
from runbooks.preflight.check import Check, good, warning
from runbooks.preflight.scene import Scene

AREA = "slack"


def check_slack(scene: Scene) -> list[Check]:
    """A token that fails is a warning: Slack never stands in the way of a game day."""
    channel, environment = scene.runbook.slack_channel, scene.options.environment
    if not channel:
        return []
    if not environment.slack_token:
        return [warning(AREA, channel, "SLACK_BOT_TOKEN is not set: messages will be shown, not sent")]
    try:
        who = scene.world.slack(environment.slack_token, environment.slack_url)
    except GamedayError as error:
        return [warning(AREA, channel, f"messages will not be sent: {error.what}", error.mend)]
    return [good(AREA, channel, f"as {who}")]
