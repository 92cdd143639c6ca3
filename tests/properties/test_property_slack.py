"""Slack, or the proxy in front of it, answering anything: a post never raises, and says why it wasn't delivered."""

# ruff: noqa: PT017 - a call may go well or fail, and how it fails is what is looked at

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from spoilt_http import Spoilt, SpoiltHttp, serving, whole

from harness.errors import ReachFailed
from harness.notify.slack import SlackDoor, auth_test
from harness.redaction import Redactor

# urllib, which Slack's client is built on, leaves the socket of an answer that it can't read to the garbage collection
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]
TOKEN = "xoxb-canary-0123456789"
ERRORS = [
    "ratelimited",
    "invalid_blocks",
    "thread_not_found",
    "invalid_auth",
    "no_text",
    "not_in_channel",
    "missing_scope",
    "%s",
    "restricted_action_x",
    "fatal_error",
    "",
    TOKEN,
]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "ok": st.booleans() | ODD,
        "error": st.sampled_from(ERRORS) | ODD,
        "ts": st.just("1.000001") | ODD,
        "response_metadata": st.just({"messages": ["no"]}) | ODD,
        "needed": st.just("chat:write") | ODD,
        "user": ODD,
        "team": ODD,
    },
)
BODIES = st.one_of(
    SAID.map(lambda value: json.dumps(value).encode()),
    ODD.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"", b"<html>502</html>", b"ok", b'{"ok": tru', b"\xff\xfe", b"null", b"[1]", b'"ok"', TOKEN.encode()]
    ),
    st.binary(max_size=20),
)
# a wait that is asked for and fits into the deadline is waited for: only such as don't
RETRY_AFTER = st.sampled_from(
    ["600", "1e9", "0", "-5", "nan", "inf", "soon", "", "Wed, 21 Oct 2099 07:28:00 GMT", "9" * 400]
)
HEADERS = st.lists(
    st.tuples(st.just("Retry-After"), RETRY_AFTER)
    | st.sampled_from(
        [
            ("Content-Type", "application/json; charset=utf-99"),
            ("Content-Encoding", "gzip"),
            ("Content-Type", "text/html"),
            ("Location", "http://[::1"),
            ("Set-Cookie", "=;"),
        ]
    ),
    max_size=2,
)
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 301, 302, 400, 401, 403, 404, 429, 500, 503, 999])
ANSWERS = st.one_of(
    st.builds(whole, STATUSES, BODIES, HEADERS),
    st.builds(lambda raw, end: raw[:end], st.builds(whole, STATUSES, BODIES), st.integers(0, 90)),
    st.sampled_from(
        [
            b"",
            b"HTTP/1.1 200\r\n\r\n",
            b"HTTP/1.1 x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"SSH-2.0-x\r\n",
        ]
    ),
)
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "halt"}}]


@pytest.fixture(scope="module")
def server() -> Iterator[SpoiltHttp]:
    with serving() as server:
        yield server
    gc.collect()  # here, where its warnings are expected


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slack")


@example(answers=[whole(200, b"false")])
@example(answers=[whole(500, b"[1]")])
@given(answers=st.lists(ANSWERS, min_size=1, max_size=3))
def test_a_message_is_delivered_or_it_is_said_why_not(server: SpoiltHttp, folder: Path, answers: list[bytes]) -> None:
    script = [Spoilt(done=False, raw=raw) for raw in answers]
    # the last answer goes on for ever: who repeats without end is cut off by the deadline
    server.play([*script, *[script[-1]] * 30], lambda *_: (503, None))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            patch.delenv(name, raising=False)
        door = SlackDoor(
            TOKEN,
            "#game-day",
            base_url=f"{server.url}/api/",
            outbox=folder / "slack.jsonl",
            redactor=Redactor((TOKEN,)),
            deadline_s=0.8,
        )
        first = door.post("halt", "halted", BLOCKS)
        second = door.post("summary", "over", BLOCKS, in_thread_of="halt")
    for notified in (first, second):
        assert notified.delivered or notified.error
        assert TOKEN not in notified.error
        assert "\n" not in notified.error
    assert TOKEN not in (folder / "slack.jsonl").read_text()


@given(answer=ANSWERS)
def test_who_a_token_is_can_be_told_or_it_is_said_why_not(server: SpoiltHttp, answer: bytes) -> None:
    server.play([Spoilt(done=False, raw=answer)] * 5, lambda *_: (503, None))
    try:
        assert auth_test(TOKEN, f"{server.url}/api/", 5.0)
    except ReachFailed as error:
        assert error.what
