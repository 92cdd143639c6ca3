"""The way to Slack. It never raises, never takes longer than its deadline, and never posts a message twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential
from tenacity.nap import sleep_using_event

from harness.clock import Deadline, utc_now
from harness.errors import ReachFailed, ReachTimeout
from harness.journal.record import Notified
from harness.notify.slack_client import SLACK_URL, client
from harness.notify.slack_error import LOST_THREAD, TOO_RICH, code, explained, not_processed, retry_after_s, said
from harness.reach.in_time import in_time
from harness.redaction import Redactor

NO_TOKEN = "no SLACK_BOT_TOKEN: shown, not sent"  # noqa: S105 - a sentence, no token
AFTER_SILENCE_S = 3.0  # what the next message gets where one found no Slack in the whole of its deadline
_BACKOFF = wait_exponential(multiplier=0.5, max=4)


@dataclass(slots=True)
class _Message:
    """A message on its way, and what has become of it."""

    text: str
    blocks: list[dict[str, object]]
    thread_ts: str | None
    attempts: int = 0
    lessened: str = ""  # why it went out with less than was asked
    stop: threading.Event = field(default_factory=threading.Event)


class SlackDoor:
    """Posts to one channel and writes each message to `outbox` (slack.jsonl), as sent or as it would have been.

    Without a token nothing is sent. `deadline_s` bounds each post as a whole, retries and waiting included; once
    Slack gave no answer to one, `AFTER_SILENCE_S` is all that the next one gets.
    Secrets are taken out by `redactor` before anything leaves.
    """

    def __init__(
        self,
        token: str | None,
        channel: str,
        *,
        base_url: str | None,
        outbox: Path,
        redactor: Redactor,
        deadline_s: float,
    ) -> None:
        self.channel = channel
        self._token = (token or "").strip()
        self._base_url = base_url
        self._outbox = outbox
        self._redactor = redactor
        self._deadline_s = self._patience_s = deadline_s
        self._lock = threading.Lock()
        self._delivered: dict[str, str] = {}  # what -> ts

    def post(
        self, what: str, text: str, blocks: Sequence[dict[str, object]], *, in_thread_of: str | None = None
    ) -> Notified:
        """Post a message ("halt", "summary"); never raises. With `in_thread_of="halt"` it answers in the thread of
        that message where it was delivered, else it stands by itself."""
        message = _Message(
            text=self._redactor.text(text).strip() or f"gameday: {what}",
            blocks=[self._redacted(block) for block in blocks],
            thread_ts=self._delivered.get(in_thread_of or ""),
        )
        ts, error = self._send(message) if self._token else ("", NO_TOKEN)
        if ts:
            self._delivered[what] = ts
        error = self._redactor.text(error or message.lessened)
        notified = Notified(channel=self.channel, what=what, delivered=bool(ts), attempts=message.attempts, error=error)
        unwritten = self._write(notified, message, ts)
        return notified.model_copy(update={"error": "; ".join(filter(None, (error, unwritten)))})

    def _send(self, message: _Message) -> tuple[str, str]:
        """The ts of the delivered message, or "" and why it was not."""
        patience_s = self._patience_s
        deadline = Deadline.after(patience_s)
        where = self._base_url or SLACK_URL
        try:
            answer = in_time(
                lambda: self._deliver(message, deadline),
                timeout_s=patience_s,
                where=where,
                release=message.stop.set,
            )
        except SlackApiError as error:
            return "", explained(error)
        except ReachTimeout:
            self._patience_s = min(self._deadline_s, AFTER_SILENCE_S)
            return "", f"no answer from Slack within {patience_s:g} s: it may have been delivered"
        except Exception as error:  # noqa: BLE001 - Slack may fail in any way; the game day goes on and says so
            self._patience_s = min(self._deadline_s, AFTER_SILENCE_S)
            return "", explained(error)
        self._patience_s = self._deadline_s
        if not said(answer):
            return "", "Slack answered with something else than JSON: it may have been delivered"
        return str(said(answer).get("ts") or "unknown"), ""

    def _deliver(self, message: _Message, deadline: Deadline) -> SlackResponse:
        """Posts, with less where Slack takes no more: not in the thread, then without blocks."""
        while True:
            try:
                return self._retrying(message, deadline)(self._post_once, message, deadline)
            except SlackApiError as error:
                word = code(error)
                if word in LOST_THREAD and message.thread_ts:
                    message.thread_ts, lost = None, "not in its thread"
                elif word in TOO_RICH and message.blocks:
                    message.blocks, lost = [], "as plain text"
                else:
                    raise
                message.lessened = f"sent {lost}: {explained(error)}"

    def _retrying(self, message: _Message, deadline: Deadline) -> Retrying:
        def given_up(state: RetryCallState) -> bool:
            return message.stop.is_set() or state.upcoming_sleep >= deadline.left_s()

        return Retrying(
            retry=retry_if_exception(not_processed),
            wait=_wait,
            stop=given_up,
            sleep=sleep_using_event(message.stop),
            reraise=True,
        )

    def _post_once(self, message: _Message, deadline: Deadline) -> SlackResponse:
        if message.stop.is_set():
            raise ReachTimeout("nobody waits for this message any more")
        message.attempts += 1
        slack = client(self._token, self._base_url, deadline.left_s())
        return slack.chat_postMessage(
            channel=self.channel,
            text=message.text,
            blocks=message.blocks or None,
            thread_ts=message.thread_ts,
            parse="none",
            link_names=False,
            unfurl_links=False,
            unfurl_media=False,
        )

    def _redacted(self, block: dict[str, object]) -> dict[str, object]:
        clean = self._redactor.value(block)
        assert isinstance(clean, dict)
        return clean

    def _write(self, notified: Notified, message: _Message, ts: str) -> str:
        """Append to the outbox; why it could not be, or ""."""
        line = {
            "at": utc_now().isoformat(timespec="milliseconds"),
            **notified.model_dump(include={"channel", "what", "delivered", "attempts", "error"}),
            "ts": ts,
            "thread_ts": message.thread_ts,
            "text": message.text,
            "blocks": message.blocks,
        }
        try:
            with self._lock, self._outbox.open("a", encoding="utf-8", errors="replace") as out:
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            return f"{self._outbox.name} could not be written: {error.strerror}"
        return ""


def auth_test(token: str, base_url: str | None, timeout_s: float) -> str:
    """Who the token is, as "bot in workspace", within `timeout_s`. Raises ReachFailed with a mend."""
    where = base_url or SLACK_URL
    try:
        answer = in_time(lambda: client(token, base_url, timeout_s).auth_test(), timeout_s=timeout_s, where=where)
    except ReachFailed:
        raise
    except Exception as error:
        mend = "leave out notify: in the runbook to play without Slack"
        raise ReachFailed(explained(error), where=where, mend=mend) from error
    if not said(answer):
        raise ReachFailed("what answers is not Slack", where=where, mend="is a proxy in between?")
    return f"{said(answer).get('user') or 'the bot'} in {said(answer).get('team') or 'its workspace'}"


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = retry_after_s(error)
    return _BACKOFF(state) if asked is None else asked
