"""What Slack's refusals mean: what to mend, what may be repeated, where fewer words help."""

from __future__ import annotations

import errno
import socket
import ssl
import urllib.error
from collections.abc import Mapping

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

# the message itself was refused: the same in plain text may go through
TOO_RICH = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "metadata_too_large",
        "markdown_text_conflict",
    }
)
LOST_THREAD = frozenset({"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", "message_not_found"})
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
_UNREACHABLE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
_DEFAULT_RETRY_AFTER_S = 1.0

_NEW_TOKEN = "copy the app's Bot User OAuth Token (xoxb-...) into SLACK_BOT_TOKEN again"  # noqa: S105 - advice, no token
_MENDS = {
    "invalid_auth": _NEW_TOKEN,
    "not_authed": _NEW_TOKEN,
    "token_revoked": _NEW_TOKEN,
    "token_expired": _NEW_TOKEN,
    "not_allowed_token_type": _NEW_TOKEN,
    "account_inactive": "the bot's account is deactivated: install the app again",
    "not_in_channel": "invite the bot: /invite @gameday",
    "channel_not_found": "check notify: slack: in the runbook; for a private channel invite the bot: /invite @gameday",
    "is_archived": "the channel is archived: name another one in the runbook",
    "missing_scope": "give the app the scope chat:write and install it again",
    "no_permission": "give the app the scope chat:write and install it again",
    "restricted_action": "a workspace rule forbids the bot to post there: ask an administrator",
    "org_login_required": "the workspace is being moved: try again later",
    "ekm_access_denied": "the workspace's encryption keys are suspended: ask an administrator",
}


def code(error: SlackApiError) -> str:
    """Slack's own word for its refusal, or "" where the answer is not Slack's."""
    word = str(said(error.response).get("error") or "")
    return word if word.replace("_", "").isalnum() else ""


def said(response: SlackResponse) -> Mapping[str, object]:
    """What an answer says; nothing where it is not Slack's: a proxy in between may answer any JSON, or none."""
    return response.data if isinstance(response.data, dict) else {}


def explained(error: Exception) -> str:
    """One line for a person: what happened, and what to do about it."""
    return " ".join((_refusal(error) if isinstance(error, SlackApiError) else _unreached(error)).split())


def _unreached(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"Slack's certificate was not accepted: {reason.verify_message} (is a proxy in between? set SSL_CERT_FILE)"
        )
    if isinstance(reason, socket.gaierror):
        return "Slack's name has no address (is this machine on the network?)"
    if isinstance(reason, TimeoutError):
        return "Slack did not answer in time"
    text = (reason.strerror if isinstance(reason, OSError) else "") or str(reason)
    return f"Slack could not be reached: {text or type(reason).__name__}"


def not_processed(error: BaseException) -> bool:
    """True only where Slack surely did not take the message, so that repeating it makes no second one."""
    if isinstance(error, SlackApiError):
        return error.response.status_code == 429 or code(error) in _RATE_LIMITED
    if isinstance(error, urllib.error.URLError):
        reason = error.reason
        return isinstance(reason, socket.gaierror) or (isinstance(reason, OSError) and reason.errno in _UNREACHABLE)
    return False


def retry_after_s(error: BaseException | None) -> float | None:
    """The seconds that Slack asks to wait; None where it asks nothing."""
    if not isinstance(error, SlackApiError) or not not_processed(error):
        return None
    headers = {str(name).lower(): value for name, value in (error.response.headers or {}).items()}
    try:
        seconds = float(headers.get("retry-after", _DEFAULT_RETRY_AFTER_S))
    except ValueError:
        return _DEFAULT_RETRY_AFTER_S
    return seconds if 0 <= seconds < float("inf") else _DEFAULT_RETRY_AFTER_S


def _refusal(error: SlackApiError) -> str:
    word = code(error)
    if error.response.status_code == 429 or word in _RATE_LIMITED:
        return f"Slack is too busy for us: it asks to wait {retry_after_s(error):g} s"
    if not word:
        return f"Slack answered HTTP {error.response.status_code} with something else than JSON"
    needed = said(error.response).get("needed")
    mend = _MENDS.get(word) or (_MENDS["restricted_action"] if word.startswith("restricted_action") else "")
    details = said(error.response).get("response_metadata") or {}
    messages = details.get("messages") if isinstance(details, dict) else None
    because = f": {messages[0]}" if isinstance(messages, list) and messages else ""
    return word + (f" (needs {needed})" if needed else "") + because + (f": {mend}" if mend else "")
