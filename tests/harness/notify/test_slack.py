"""The way to Slack, against a local Slack that refuses and fails as the real one does."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.clock import boot_s
from harness.errors import ReachFailed
from harness.journal.record import Notified
from harness.notify.slack import NO_TOKEN, SlackDoor, auth_test
from harness.redaction import Redactor

BLOCKS: list[dict[str, object]] = [{"type": "section", "text": {"type": "plain_text", "text": "It stopped."}}]
Open = Callable[..., SlackDoor]


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "slack.jsonl"


@pytest.fixture
def door(slack: Any, outbox: Path, good_token: str) -> Open:
    def opened(**how: Any) -> SlackDoor:
        settings = {"base_url": slack.url, "outbox": outbox, "redactor": Redactor(), "deadline_s": 3.0} | how
        token, channel = settings.pop("token", good_token), settings.pop("channel", "#game-day")
        return SlackDoor(token, channel, **settings)

    return opened


def _written(outbox: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outbox.read_text().splitlines()]


def _post(door: SlackDoor, what: str = "halt", **how: Any) -> Notified:
    return door.post(what, "It stopped.", BLOCKS, **how)


class TestWhenAllIsWell:
    def test_a_message_is_delivered_once_and_kept_as_sent(self, slack: Any, door: Open, outbox: Path) -> None:
        notified = _post(door())
        assert (notified.delivered, notified.attempts, notified.error) == (True, 1, "")
        assert (notified.channel, notified.what) == ("#game-day", "halt")
        [message] = slack.posted
        assert (message["text"], message["blocks"], message["unfurl_links"]) == ("It stopped.", BLOCKS, False)
        [line] = _written(outbox)
        assert (line["text"], line["blocks"], line["delivered"], line["ts"]) == (
            "It stopped.",
            BLOCKS,
            True,
            message["ts"],
        )

    def test_the_summary_answers_in_the_thread_of_a_delivered_halt(self, slack: Any, door: Open) -> None:
        opened = door()
        _post(opened)
        _post(opened, "summary", in_thread_of="halt")
        halt, summary = slack.posted
        assert summary["thread_ts"] == halt["ts"]

    def test_the_summary_stands_by_itself_where_the_halt_did_not_arrive(self, slack: Any, door: Open) -> None:
        opened = door()
        slack.refuses("fatal_error")
        assert not _post(opened).delivered
        assert _post(opened, "summary", in_thread_of="halt").delivered
        assert "thread_ts" not in slack.posted[0]

    def test_a_thread_that_is_gone_costs_the_thread_only(self, slack: Any, door: Open) -> None:
        opened = door()
        _post(opened)
        slack.posted[0]["ts"] = "1.000000"
        notified = _post(opened, "summary", in_thread_of="halt")
        assert notified.delivered
        assert "not in its thread" in notified.error

    def test_secrets_go_neither_to_slack_nor_into_the_outbox(self, slack: Any, door: Open, outbox: Path) -> None:
        secret = "hunter2-hunter2"
        blocks: list[dict[str, object]] = [{"type": "section", "text": {"type": "mrkdwn", "text": f"dsn {secret}"}}]
        door(redactor=Redactor([secret])).post("halt", f"with {secret}", blocks)
        assert secret not in json.dumps(slack.posted)
        assert secret not in outbox.read_text()
        assert slack.posted[0]["text"] == "with [redacted]"


class TestWithoutSlack:
    @pytest.mark.parametrize("token", [None, "", "  "])
    def test_without_a_token_it_is_shown_and_nothing_is_sent(
        self, slack: Any, door: Open, outbox: Path, token: str | None
    ) -> None:
        notified = _post(door(token=token))
        assert (notified.delivered, notified.attempts, notified.error) == (False, 0, NO_TOKEN)
        assert slack.hits == 0
        assert _written(outbox)[0]["blocks"] == BLOCKS

    def test_a_slack_that_is_down_is_said_within_the_deadline(self, door: Open) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        begun = boot_s()
        notified = _post(door(base_url=f"http://127.0.0.1:{port}/api/", deadline_s=1.2))
        assert boot_s() - begun < 1.8
        assert not notified.delivered
        assert notified.attempts >= 2, "a refused connection was surely not processed: it is tried again"
        assert "refused" in notified.error

    def test_after_a_slack_that_gave_no_answer_the_next_message_waits_less(
        self, slack: Any, door: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("harness.notify.slack.AFTER_SILENCE_S", 0.2)
        opened = door(deadline_s=0.8)
        slack.hangs()
        slack.hangs()
        assert "within 0.8 s" in _post(opened).error
        assert "within 0.2 s" in _post(opened, "summary").error
        assert _post(opened, "summary").delivered

    def test_a_full_disk_does_not_keep_a_message_from_slack(self, slack: Any, door: Open, tmp_path: Path) -> None:
        notified = _post(door(outbox=tmp_path / "no such folder" / "slack.jsonl"))
        assert notified.delivered
        assert "slack.jsonl could not be written" in notified.error
        assert len(slack.posted) == 1


class TestWhatSlackRefuses:
    @pytest.mark.parametrize(
        ("how", "says"),
        [
            ({"token": "xoxb-unknown-1"}, "invalid_auth: copy the app's Bot User OAuth Token"),
            ({"token": "xoxb-revoked-1"}, "token_revoked"),
            ({"token": "xoxb-narrow-1"}, "missing_scope (needs chat:write)"),
            ({"channel": "#secret"}, "not_in_channel: invite the bot: /invite @gameday"),
            ({"channel": "#nowhere"}, "channel_not_found"),
            ({"channel": "#old"}, "is_archived"),
        ],
    )
    def test_is_explained_with_its_mend_and_not_repeated(
        self, slack: Any, door: Open, how: dict[str, str], says: str
    ) -> None:
        notified = _post(door(**how))
        assert not notified.delivered
        assert notified.error.startswith(says)
        assert slack.hits == 1

    @pytest.mark.parametrize(
        "blocks",
        [
            [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
            [{"type": "divider"}] * 51,
            [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5,
            [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
            [{"type": "no-such-block"}],
            [{"type": "context", "elements": []}],
        ],
    )
    def test_blocks_that_slack_refuses_go_out_as_plain_text(
        self, slack: Any, door: Open, outbox: Path, blocks: list[dict[str, object]]
    ) -> None:
        notified = door().post("summary", "It stopped.", blocks)
        assert notified.delivered
        assert notified.error.startswith("sent as plain text: ")
        [message] = slack.posted
        assert message["text"] == "It stopped."
        assert "blocks" not in message
        assert _written(outbox)[0]["blocks"] == [], "the outbox has it as sent"

    def test_an_empty_message_still_says_what_it_is(self, slack: Any, door: Open) -> None:
        assert door().post("halt", " ", []).delivered
        assert slack.posted[0]["text"] == "gameday: halt"

    def test_a_line_of_advice_is_all_the_terminal_gets(
        self, slack: Any, door: Open, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            slack.answers(502, "<html>Bad Gateway</html>")
            _post(door())
        assert "xoxb" not in caplog.text
        assert capfd.readouterr() == ("", "")


class TestWhenSlackFails:
    def test_a_busy_slack_is_asked_again_after_the_time_it_asks_for(self, slack: Any, door: Open) -> None:
        slack.is_busy("1")
        begun = boot_s()
        notified = _post(door())
        assert 1.0 <= boot_s() - begun < 2.9
        assert (notified.delivered, notified.attempts, len(slack.posted)) == (True, 2, 1)

    def test_a_wait_beyond_the_deadline_is_not_begun(self, slack: Any, door: Open) -> None:
        slack.is_busy("3600")
        begun = boot_s()
        notified = _post(door())
        assert boot_s() - begun < 1.8
        assert not notified.delivered
        assert "asks to wait 3600 s" in notified.error

    @pytest.mark.parametrize("retry_after", ["soon", "0.2"])
    def test_an_odd_retry_after_is_survived(self, slack: Any, door: Open, retry_after: str) -> None:
        slack.is_busy(retry_after)
        assert _post(door()).delivered

    @pytest.mark.parametrize(
        ("status", "body"),
        [(500, "<html>"), (502, "<html>Bad Gateway</html>"), (503, ""), (200, "<html>Please log in</html>"), (200, "")],
    )
    def test_an_answer_that_is_not_slacks_is_not_repeated(self, slack: Any, door: Open, status: int, body: str) -> None:
        slack.answers(status, body)
        notified = _post(door())
        assert (notified.delivered, slack.hits) == (False, 1)
        assert f"HTTP {status}" in notified.error
        assert "<" not in notified.error

    @pytest.mark.parametrize("error", ["internal_error", "fatal_error", "request_timeout", "something_new"])
    def test_a_failure_that_may_have_posted_is_not_repeated(self, slack: Any, door: Open, error: str) -> None:
        slack.refuses(error)
        notified = _post(door())
        assert (notified.delivered, slack.hits, notified.error) == (False, 1, error)

    @pytest.mark.parametrize("after_processing", [True, False])
    def test_a_reset_connection_makes_no_second_message(self, slack: Any, door: Open, after_processing: bool) -> None:
        slack.resets(after_processing=after_processing)
        notified = _post(door())
        assert (notified.delivered, slack.hits) == (False, 1)
        assert len(slack.posted) == int(after_processing)

    @pytest.mark.parametrize("fails", ["hangs", "drips"])
    def test_a_slow_slack_costs_the_deadline_and_no_more(self, slack: Any, door: Open, fails: str) -> None:
        if fails == "hangs":
            slack.hangs()
        else:
            slack.drips(0.2)
        begun = boot_s()
        notified = _post(door(deadline_s=0.6))
        assert 0.6 <= boot_s() - begun < 1.8
        assert not notified.delivered
        assert notified.attempts == 1
        assert "may have been delivered" in notified.error

    @pytest.mark.parametrize("late", ["invalid_blocks", "ratelimited"])
    def test_nothing_is_sent_any_more_once_the_deadline_has_passed(self, slack: Any, door: Open, late: str) -> None:
        slack.refuses_after_the_end(late)
        _post(door(deadline_s=0.3))
        slack.over.set()
        threading.Event().wait(0.4)
        assert slack.hits == 1


class TestProxies:
    def test_a_proxy_of_the_environment_does_not_stand_before_this_machine(
        self, slack: Any, door: Open, monkeypatch: pytest.MonkeyPatch, good_token: str
    ) -> None:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert _post(door()).delivered
        assert auth_test(good_token, slack.url, 2) == "gameday in Crowdfund"

    def test_the_real_slack_is_reached_through_the_proxy_of_the_environment(
        self, slack: Any, door: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
            asked: list[bytes] = []

            def listen() -> None:
                connection, _ = proxy.accept()
                with connection:
                    asked.append(connection.recv(100))

            listener = threading.Thread(target=listen, daemon=True)
            listener.start()
            _post(door(base_url=None, deadline_s=1))
            listener.join(2)
        assert asked[0].startswith(b"CONNECT slack.com:443")


class TestAuthTest:
    def test_names_the_bot_and_its_workspace(self, slack: Any, good_token: str) -> None:
        assert auth_test(good_token, slack.url, 2) == "gameday in Crowdfund"

    def test_a_bad_token_is_refused_with_a_mend(self, slack: Any) -> None:
        with pytest.raises(ReachFailed, match="invalid_auth") as caught:
            auth_test("xoxb-unknown-1", slack.url, 2)
        assert "SLACK_BOT_TOKEN" in str(caught.value)
        assert "xoxb-unknown" not in str(caught.value)

    def test_a_silent_slack_costs_the_deadline_and_no_more(self, slack: Any, good_token: str) -> None:
        slack.hangs()
        begun = boot_s()
        with pytest.raises(ReachFailed):
            auth_test(good_token, slack.url, 0.4)
        assert boot_s() - begun < 1.8
