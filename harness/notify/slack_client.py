"""slack_sdk's client as we use it: one try a call, silent logs, and no proxy in front of this machine."""

from __future__ import annotations

import ipaddress
import logging
import math
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient

SLACK_URL = "https://slack.com/api/"

# The SDK logs every failure as an error, and requests at debug: the door says it in Notified.error, once.
_SILENT = logging.getLogger("harness.notify.slack_sdk")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_SILENT.setLevel(logging.CRITICAL)


class _DirectClient(WebClient):
    """Goes to a server on this machine: the SDK takes HTTPS_PROXY from the environment even then."""

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        del url  # the request has it
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(req, timeout=self.timeout) as answer:
            return {
                "status": answer.status,
                "headers": answer.headers,
                "body": answer.read().decode("utf-8", "replace"),
            }


def client(token: str, base_url: str | None, timeout_s: float) -> WebClient:
    """A client for one message or question; `timeout_s` bounds each socket operation only."""
    url = base_url or SLACK_URL
    kind = _DirectClient if _on_this_machine(url) else WebClient
    seconds = max(1, math.ceil(timeout_s))
    return kind(token=token, base_url=url, timeout=seconds, retry_handlers=[], logger=_SILENT)


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
