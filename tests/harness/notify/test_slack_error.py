"""What Slack's failures mean for a message: whether it may be repeated, after how long, and what a person reads."""

from __future__ import annotations

import errno
import socket
import ssl
import urllib.error

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from harness.notify.slack_error import code, explained, not_processed, retry_after_s


def _refusal(data: dict[str, object], status: int = 200, **headers: str) -> SlackApiError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = SlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers=named, status_code=status
    )
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("asked", "waited_s"),
    [("7", 7), ("1.5", 1.5), ("0", 0), ("soon", 1), ("-5", 1), ("nan", 1), ("inf", 1), ("", 1)],
)
@pytest.mark.parametrize("name", ["Retry_After", "retry_after"])
def test_retry_after_is_read_whatever_its_case_and_odd_values_become_a_second(
    name: str, asked: str, waited_s: float
) -> None:
    assert retry_after_s(_refusal({"error": "ratelimited"}, 429, **{name: asked})) == waited_s


def test_only_what_slack_surely_did_not_take_is_repeated() -> None:
    taken_not = [
        _refusal({"error": "ratelimited"}, 429),
        _refusal({"error": "rate_limited"}),
        urllib.error.URLError(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")),
        urllib.error.URLError(socket.gaierror(-2, "Name or service not known")),
        urllib.error.URLError(OSError(errno.ENETUNREACH, "Network is unreachable")),
    ]
    perhaps = [
        _refusal({"error": "internal_error"}),
        _refusal({"error": "<html>"}, 502),
        urllib.error.URLError(TimeoutError("timed out")),
        urllib.error.URLError(ConnectionResetError(errno.ECONNRESET, "reset")),
        TimeoutError(),
        ConnectionResetError(),
    ]
    assert [not_processed(error) for error in taken_not] == [True] * len(taken_not)
    assert [not_processed(error) for error in perhaps] == [False] * len(perhaps)


def test_each_failure_reads_as_one_line_with_its_mend() -> None:
    certificate = ssl.SSLCertVerificationError(1, "certificate verify failed")
    certificate.verify_message = "self-signed certificate"
    lines = {
        "invalid_blocks: must be 1 to 3000 characters": _refusal(
            {"error": "invalid_blocks", "response_metadata": {"messages": ["must be 1 to 3000 characters"]}}
        ),
        "restricted_action_threads_only: a workspace rule": _refusal({"error": "restricted_action_threads_only"}),
        "Slack answered HTTP 502": _refusal({"error": "Received a response in a non-JSON format: <html>"}, 502),
        "Slack's name has no address": urllib.error.URLError(socket.gaierror(-2, "unknown")),
        "Slack's certificate was not accepted: self-signed": urllib.error.URLError(certificate),
        "Slack did not answer in time": TimeoutError(),
        "Slack could not be reached: ConnectionResetError": ConnectionResetError(),
        "Slack is too busy for us: it asks to wait 9 s": _refusal({"error": "ratelimited"}, 429, Retry_After="9"),
    }
    for line, error in lines.items():
        assert explained(error).startswith(line)
        assert "\n" not in explained(error)


def test_html_is_no_word_of_slacks() -> None:
    assert code(_refusal({"error": "Received a response in a non-JSON format: <html>"}, 502)) == ""
    assert code(_refusal({"error": "invalid_auth"})) == "invalid_auth"
