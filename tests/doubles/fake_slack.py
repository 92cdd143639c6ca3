"""A Slack on this machine that refuses what Slack refuses, and fails in the ways in which Slack fails."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from served import served

GOOD_TOKEN = "xoxb-good-0123456789"
TOTAL_TEXT = 13_200
_MENTION = re.compile(r"<(?:!channel|!here|!everyone|!subteam|@|#)")
_TS = re.compile(r"\d+\.\d{6}")


class Refusal(Exception):
    def __init__(self, error: str, *messages: str, **more: object) -> None:
        super().__init__(error, *messages)
        self.answer: dict[str, object] = {"ok": False, "error": error, **more}
        if messages:
            self.answer["response_metadata"] = {"messages": list(messages)}


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def check_blocks(blocks: object) -> int:
    """The sum of all text in the blocks; Refusal where Slack would refuse them."""
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    if not 1 <= len(blocks) <= 50:
        raise Refusal("invalid_blocks", f"no more than 50 items allowed [json-pointer:/blocks] ({len(blocks)})")
    checker = _Checker()
    for number, block in enumerate(blocks):
        checker.block(block, f"/blocks/{number}")
    if checker.total > TOTAL_TEXT:
        raise Refusal("msg_blocks_too_long", str(checker.total))
    return checker.total


class _Checker:
    def __init__(self) -> None:
        self.total = 0
        self.ids: set[str] = set()

    def must(self, holds: bool, what: str, pointer: str) -> None:
        if not holds:
            raise Refusal("invalid_blocks", f"{what} [json-pointer:{pointer}]")

    def keys(self, value: object, allowed: str, pointer: str) -> dict[str, Any]:
        self.must(isinstance(value, dict), "must be an object", pointer)
        assert isinstance(value, dict)
        unknown = set(value) - set(allowed.split())
        self.must(not unknown, f"unknown keys {sorted(unknown)}", pointer)
        return value

    def text(
        self, value: object, longest: int, pointer: str, types: tuple[str, ...] = ("plain_text", "mrkdwn")
    ) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        self.must(kind in types, f"must be one of {types}", pointer)
        allowed = "type text emoji" if kind == "plain_text" else "type text verbatim"
        text = self.keys(value, allowed, pointer)["text"]
        self.must(isinstance(text, str), "text must be a string", pointer)
        self.must(1 <= units(text) <= longest, f"must be 1 to {longest} characters, is {units(text)}", pointer)
        self.must(bool(text.strip()), "must not be blank", pointer)
        self.total += units(text)

    def block(self, block: object, pointer: str) -> None:
        kind = block.get("type") if isinstance(block, dict) else None
        check: Callable[[Any, str], None] | None = getattr(self, f"{kind}_block", None)
        if check is None:
            raise Refusal("invalid_blocks", f"unsupported type: {kind} [json-pointer:{pointer}/type]")
        assert isinstance(block, dict)
        block_id = block.get("block_id")
        if block_id is not None:
            self.must(isinstance(block_id, str) and len(block_id) <= 255, "bad block_id", pointer)
            self.must(block_id not in self.ids, "block_id is not unique", pointer)
            self.ids.add(block_id)
        check(block, pointer)

    def header_block(self, block: dict[str, Any], pointer: str) -> None:
        self.keys(block, "type text block_id", pointer)
        self.text(block.get("text"), 150, f"{pointer}/text", ("plain_text",))

    def section_block(self, block: dict[str, Any], pointer: str) -> None:
        self.keys(block, "type text fields block_id expand", pointer)
        self.must("text" in block or "fields" in block, "needs text or fields", pointer)
        if "text" in block:
            self.text(block["text"], 3000, f"{pointer}/text")
        if "fields" in block:
            fields = block["fields"]
            self.must(isinstance(fields, list) and 1 <= len(fields) <= 10, "1 to 10 fields", pointer)
            for number, item in enumerate(fields):
                self.text(item, 2000, f"{pointer}/fields/{number}")

    def context_block(self, block: dict[str, Any], pointer: str) -> None:
        elements: Any = self.keys(block, "type elements block_id", pointer).get("elements")
        self.must(isinstance(elements, list) and 1 <= len(elements) <= 10, "1 to 10 elements", pointer)
        for number, item in enumerate(elements):
            self.text(item, 3000, f"{pointer}/elements/{number}")

    def divider_block(self, block: dict[str, Any], pointer: str) -> None:
        self.keys(block, "type block_id", pointer)


@dataclass
class Channel:
    id: str
    member: bool = True
    archived: bool = False


@dataclass
class FakeSlack:
    """`script` holds what the next requests meet; after it, requests are answered as Slack would."""

    channels: dict[str, Channel] = field(
        default_factory=lambda: {
            "#game-day": Channel("C0GAMEDAY"),
            "#secret": Channel("C0SECRET", member=False),
            "#old": Channel("C0OLD", archived=True),
        }
    )
    tokens: dict[str, str] = field(
        default_factory=lambda: {GOOD_TOKEN: "", "xoxb-revoked-1": "token_revoked", "xoxb-narrow-1": "missing_scope"}
    )
    script: deque[Callable[[Handler], None]] = field(default_factory=deque)
    hits: int = 0
    posted: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, object]] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    truncated: int = 0
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def serves(self) -> None:
        """As Slack would; for what comes after it in the script."""
        self.script.append(lambda handler: handler.serve())

    def answers(self, status: int, body: str, **headers: str) -> None:
        self.script.append(lambda handler: handler.say(status, body, headers))

    def refuses(self, error: str) -> None:
        self.answers(200, json.dumps({"ok": False, "error": error}))

    def is_busy(self, retry_after: str) -> None:
        self.answers(429, '{"ok":false,"error":"ratelimited"}', **{"Retry-After": retry_after})

    def hangs(self) -> None:
        self.script.append(lambda handler: handler.hang())

    def refuses_after_the_end(self, error: str) -> None:
        """The refusal comes once `over` is set: later than anyone waits."""

        def late(handler: Handler) -> None:
            handler.hang()
            handler.say(200, json.dumps({"ok": False, "error": error}))

        self.script.append(late)

    def drips(self, pause_s: float) -> None:
        self.script.append(lambda handler: handler.drip(pause_s))

    def resets(self, *, after_processing: bool) -> None:
        self.script.append(lambda handler: handler.reset(after_processing=after_processing))

    def handle(self, method: str, headers: dict[str, str], body: bytes) -> dict[str, object]:
        """What Slack answers."""
        try:
            self._authorise(headers)
            if method == "auth.test":
                return {"ok": True, "user": "gameday", "team": "Crowdfund", "user_id": "U1", "team_id": "T1"}
            if method == "chat.postMessage":
                return self._post(self._json(headers, body))
        except Refusal as refusal:
            self.refused.append(refusal.answer)
            return refusal.answer
        return {"ok": False, "error": "unknown_method"}

    def _authorise(self, headers: dict[str, str]) -> None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise Refusal("not_authed")
        if token not in self.tokens:
            raise Refusal("invalid_auth")
        if self.tokens[token] == "missing_scope":
            raise Refusal("missing_scope", needed="chat:write", provided="channels:read")
        if self.tokens[token]:
            raise Refusal(self.tokens[token])

    def _json(self, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        if "application/json" not in headers.get("content-type", ""):
            raise Refusal("invalid_post_type")
        try:
            payload = json.loads(body)
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(payload, dict):
            raise Refusal("json_not_object")
        return payload

    def _post(self, payload: dict[str, Any]) -> dict[str, object]:
        channel = self.channels.get(payload.get("channel", ""))
        channel = channel or next((c for c in self.channels.values() if c.id == payload.get("channel")), None)
        if channel is None:
            raise Refusal("channel_not_found")
        if channel.archived:
            raise Refusal("is_archived")
        if not channel.member:
            raise Refusal("not_in_channel")
        text, blocks = payload.get("text") or "", payload.get("blocks")
        if not isinstance(text, str) or (not text.strip() and not blocks):
            raise Refusal("no_text")
        if blocks is not None:
            check_blocks(json.loads(blocks) if isinstance(blocks, str) else blocks)
        if len(text) > 40_000:
            self.truncated += 1
        thread = payload.get("thread_ts")
        if thread is not None and (not _TS.fullmatch(thread) or thread not in [m["ts"] for m in self.posted]):
            raise Refusal("thread_not_found")
        self._listen_for_mentions(payload)
        ts = f"1790000000.{len(self.posted) + 1:06d}"
        self.posted.append({**payload, "ts": ts})
        return {"ok": True, "channel": channel.id, "ts": ts, "message": {"text": text}}

    def _listen_for_mentions(self, value: object) -> None:
        """Only where Slack reads markup: mrkdwn and the top-level text."""
        if isinstance(value, dict):
            parsed = value.get("type") == "mrkdwn" or "channel" in value
            if parsed and _MENTION.search(str(value.get("text", ""))):
                self.mentions.append(str(value["text"]))
            for part in value.values():
                self._listen_for_mentions(part)
        if isinstance(value, list):
            for part in value:
                self._listen_for_mentions(part)


class Handler(BaseHTTPRequestHandler):
    slack: FakeSlack

    def do_POST(self) -> None:
        self.slack.hits += 1
        assert self.headers["Host"].startswith("127.0.0.1:"), "a test must not leave this machine"
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.slack.script:
            self.slack.script.popleft()(self)
        else:
            self.serve()

    def serve(self) -> None:
        self.say(200, json.dumps(self.processed()))

    def processed(self) -> dict[str, object]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self.slack.handle(self.path.removeprefix("/api/"), headers, self.body)

    def say(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        kind = "application/json" if body.startswith("{") else "text/html"
        for name, value in {"Content-Type": f"{kind}; charset=utf-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def hang(self) -> None:
        self.slack.over.wait(20)

    def drip(self, pause_s: float) -> None:
        body = json.dumps(self.processed()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            for byte in body:
                if self.slack.over.wait(pause_s):
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()

    def reset(self, *, after_processing: bool) -> None:
        if after_processing:
            self.processed()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Silent."""

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A reset connection is what was asked for."""


@contextlib.contextmanager
def serving() -> Iterator[FakeSlack]:
    """A Slack on a port of its own, while the context lasts."""
    fake = FakeSlack()
    server = _Server(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"slack": fake}))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    with served(server):
        try:
            yield fake
        finally:
            fake.over.set()
