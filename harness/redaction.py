"""Secrets never reach a file, a log or a message: one place takes them out, with its rules as a table.

Two ways: the values we know (what `${ENV}` references resolved to), and the shapes that secrets have.
Look-alikes (hashes, ids, "token bucket", "password reset page") stay readable.

The text comes from logs of any content, megabytes of it: each pattern begins with its own word and repeats only
within bounds, so that no text keeps it busy, and a rule is tried only on parts where its word occurs.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.entities import codepoint2name
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

MASK: Final = "[redacted]"

_I = re.IGNORECASE
_QUOTE = r"\\{0,3}['\"]"  # a log line in JSON may be quoted twice
_IS = rf"(?:{_QUOTE})?[ \t]{{0,4}}[:=]>?[ \t]{{0,4}}"
# a value goes up to its closing quote, or to the end of the word; its quotes are groups 2 to 7, so that they stay
_VALUE = (
    r"(?:(\\{1,3}\")(?:(?!\\{1,3}\").){1,4096}(\\{1,3}\")"
    r"|(\")(?:\\.|[^\"\\\r\n]){1,4096}(\")|(')(?:\\.|[^'\\\r\n]){1,4096}(')"
    r"|(?!\[redacted\])[^\s'\",;&<>\\)}\]]{1,4096})"
)
_KEYS = tuple(
    f"{kind}{gap}key" for kind in ("api", "access", "signing", "encryption", "private") for gap in ("", "_", "-")
)
_TOKENS = tuple(f"{kind}{gap}token" for kind in ("auth", "access", "refresh") for gap in ("", "_", "-"))
_WORDS = ("password", "passwd", "passphrase", "secret", *_KEYS, *_TOKENS)
# `password_reset_url` and `secret_count` tell about a secret and are none
_ABOUT = "reset|attempt|count|length|changed|policy|strength|expir|ttl|age|valid|_at|_url|_page"
_SECRET_NAME = rf"(?:{'|'.join(_WORDS)})(?!ary|ion|ly)(?![\w-]{{0,40}}(?:{_ABOUT})\b)[\w-]{{0,40}}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape of a secret. `words`, in lower case: without one of them in a text there is no such secret in it.
    Group 1 is kept: it tells the reader what was taken out."""

    what: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str = rf"\1{MASK}"


# the only secrets of more than one line
BLOCK_RULES: Final = (
    Rule(
        "private key block",
        ("private key-----",),
        re.compile(
            r"()-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----)[A-Za-z0-9+/=\s:,.\\-]){0,20000}"
            r"(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
        ),
    ),
    Rule(
        "end of a private key block, where a text begins or was cut",
        ("private key-----",),
        re.compile(r"(\A|(?<=\.\.\.\]\n))(?:[A-Za-z0-9+/=]{1,80}\r?\n){1,200}-----END [A-Z ]{0,40}PRIVATE KEY-----"),
    ),
)
RULES: Final = (
    Rule(
        "password in a URL",
        ("://",),
        re.compile(r"(://[^\s:/@'\"]{0,256}:)[^\s/?#'\"]{1,1024}@"),
        rf"\1{MASK}@",
    ),
    Rule("token as the user of a URL", ("://",), re.compile(r"(://)[^\s:/?#@'\"]{20,1024}@"), rf"\1{MASK}@"),
    Rule("Slack webhook", ("hooks.slack",), re.compile(r"(hooks\.slack\.com/\w{1,20}/)[\w/-]{10,}")),
    Rule(
        "Authorization header",
        ("authorization",),
        re.compile(
            rf"(authorization{_IS}(?:{_QUOTE})?(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)[ \t]+)"
            r"[^\r\n'\"\\]+",
            _I,
        ),
    ),
    Rule(
        "Authorization header without a scheme",
        ("authorization",),
        re.compile(rf"(authorization{_IS}(?:{_QUOTE})?)[\w.~+/=-]{{16,}}", _I),
    ),
    Rule("bearer token", ("bearer",), re.compile(r"(\bbearer[ \t]{1,4})[A-Za-z0-9._~+/=-]{8,}", _I)),
    Rule(
        "cookie header",
        ("cookie",),
        re.compile(
            rf"(cookie(?:{_QUOTE})?[ \t]{{0,4}}:[ \t]{{0,4}}(?:{_QUOTE})?)(?=[^\r\n'\"\\=]{{1,64}}=)[^\r\n'\"\\]+", _I
        ),
    ),
    Rule(
        "session cookie", ("sess", "csrftoken"), re.compile(r"((?:sess(?:ion)?[_-]?id|csrftoken)=)[^\s'\",;&]{8,}", _I)
    ),
    Rule(
        "named secret",
        _WORDS,
        re.compile(rf"({_SECRET_NAME}{_IS}){_VALUE}", _I),
        rf"\1\2\4\6{MASK}\3\5\7",
    ),
    Rule(
        "token in JSON",
        ("token",),
        re.compile(rf"(token{_QUOTE}[ \t]{{0,4}}:[ \t]{{0,4}}{_QUOTE})[^\s'\"\\]{{8,}}", _I),
    ),
    Rule("token assignment", ("token",), re.compile(rf"(token=(?:{_QUOTE})?)[^\s'\",;&\\]{{8,}}", _I)),
    Rule(
        "token after a colon, if there is a digit in it: a parser's unexpected token has none",
        ("token:",),
        re.compile(r"(token:[ \t]{0,4})(?=[^\s\d'\",;&]{0,64}\d)[^\s'\",;&\\]{8,}", _I),
    ),
    Rule(
        "password option",
        ("-pass", "-token", "-secret", "-api-key"),
        re.compile(r"((?<!\w)--?(?:password|passwd|passphrase|token|secret|api-key)[ \t]{1,4})(?![ \t-])\S+", _I),
    ),
    Rule(
        "password in SQL",
        ("password", "identified"),
        re.compile(r"(\b(?:password|identified by)[ \t]{1,4}E?)'(?:[^'\r\n]|''){1,1024}'", _I),
        rf"\1'{MASK}'",
    ),
    Rule(
        "password of Redis",
        ("requirepass", "masterauth"),
        re.compile(r"((?:requirepass|masterauth)[\"']?[ \t]{1,4})\S+", _I),
    ),
    Rule("pwd assignment", ("pwd=",), re.compile(r"(\bpwd=)(?![/~.$])[^\s'\",;&]+", _I)),
    Rule("Slack token", ("xox", "xapp"), re.compile(r"(\b)x(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10,}")),
    Rule(
        "Paystack or Stripe key",
        ("_live_", "_test_", "whsec_"),
        re.compile(r"(\b)(?:[spr]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9]{16,})"),
    ),
    Rule(
        "GitHub or GitLab token",
        ("gh", "glpat-"),
        re.compile(r"(\b)(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})"),
    ),
    Rule("AWS key id", ("akia", "asia"), re.compile(r"(\b)A[KS]IA[0-9A-Z]{16}\b")),
    Rule("Google key", ("aiza",), re.compile(r"(\b)AIza[\w-]{35}")),
    Rule(
        "JSON web token",
        ("eyj",),
        re.compile(r"((?<![\w-]))eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}"),
    ),
)

_ENTITIES = codepoint2name | {ord("'"): "apos"}
_SHORTEST_KNOWN = 6
_SHORTEST_LINE = 16  # of a known value of many lines, such as a key file, that is secret by itself
_PART = re.compile(r"(?:[^\n]*\n){1,64}|[^\n]+\Z")
_SECRET_KEY = re.compile(rf"[\w-]*{_SECRET_NAME}", _I)
_DATA_URL = re.compile(r"(?:postgres(?:ql)?|redis|rediss|valkey|mysql|amqps?|mongodb)(?:\+\w+)?://", _I)
_KEYWORD_PASSWORD = re.compile(r"(?:^|\s)password\s*=\s*(?:'((?:\\.|[^'\\])*)'|(\S+))")


class Redactor:
    """Takes known secret values (in all the ways they are usually written) and secret shapes out of text."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        parts = {part for value in known for part in _secret_parts(value) if len(part) >= _SHORTEST_KNOWN}
        forms = {form for part in parts for form in _written_forms(part)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._escaped = tuple(_escaped(part) for part in sorted(parts, key=len, reverse=True) if not part.isalnum())

    def text(self, text: str) -> str:
        """`text` without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for core, pattern in self._escaped:
            if core in text:
                text = pattern.sub(MASK, text)
        text = _apply(BLOCK_RULES, text)
        return _PART.sub(lambda part: _apply(RULES, part[0]), text)

    def value(self, value: object) -> object:
        """A JSON-like value with every string in it redacted, keys too; what its key calls a secret goes as a whole."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(k) if isinstance(k, str) else k: self._under(k, v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(v) for v in value]
        return value

    def _under(self, key: object, value: object) -> object:
        if isinstance(key, str) and isinstance(value, str) and value and _SECRET_KEY.fullmatch(key):
            return MASK
        return self.value(value)


def _apply(rules: tuple[Rule, ...], text: str) -> str:
    lower = text.lower()
    for rule in rules:
        if any(word in lower for word in rule.words):
            text = rule.pattern.sub(rule.replacement, text)
    return text


def _secret_parts(value: str) -> Iterator[str]:
    """What of a known value is secret: of a database's or cache's URL only the password, else all of it."""
    if _DATA_URL.match(value):
        try:
            yield from _url_passwords(value)
        except ValueError:
            yield value
    elif words := _KEYWORD_PASSWORD.search(value):
        yield re.sub(r"\\(.)", r"\1", words[1] or words[2])
    else:
        yield value
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORTEST_LINE)


def _url_passwords(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    given = [unquote(parts.password or ""), *(v for k, v in parse_qsl(parts.query) if "password" in k)]
    # a password that is also the user, the database or the host is no secret, and its mask would cover half the log
    shown = {unquote(parts.username or ""), parts.path.strip("/"), parts.hostname or ""}
    yield from (word for word in given if word and word not in shown)


def _written_forms(secret: str) -> set[str]:
    """A secret as it is, as hex and as base64; `_escaped` knows how its signs may be written one by one."""
    encoded = secret.encode("utf-8", "surrogateescape")
    return {secret, encoded.hex(), encoded.hex().upper(), *_base64_forms(encoded)}


def _escaped(secret: str) -> tuple[str, re.Pattern[str]]:
    """A secret as it may stand in a URL, JSON, HTML, SQL or a program's own quotes, escaped once or several times; and
    its longest run of plain letters and digits, without which it stands nowhere in a text."""
    core = max(re.findall(r"[A-Za-z0-9]*", secret), key=len)
    runs = (found[0] for found in re.finditer(r"[A-Za-z0-9]+|(.)\1*", secret, re.DOTALL))
    return core, re.compile("".join(run if run.isascii() and run.isalnum() else _escaped_sign(run[0]) for run in runs))


def _escaped_sign(sign: str) -> str:
    """A pattern for a run of one sign that is neither an ASCII letter nor a digit. It is matched as a whole or not at
    all: where a run could be split in many ways, a text of such signs would keep it busy."""
    slashes, percent, point = r"\\{1,8}+", "%(?:25){0,4}", ord(sign)
    encoded = {sign.encode("utf-8", "surrogateescape"), sign.encode("latin-1", "ignore")} - {b""}
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    forms = [
        "".join(f"{slashes}u{units[at : at + 4]}" for at in range(0, len(units), 4)),
        *("".join(f"{lead}{byte:02x}" for byte in code) for code in encoded for lead in (percent, rf"{slashes}x")),
        rf"&(?:amp;){{0,3}}(?:#0*{point}|#x0*{point:x}|{_ENTITIES.get(point, 'none')});",
        *((r"\+", f"{percent}2b") if sign == " " else ()),
        *(f"{slashes}{letter}" for letter in {"\n": "n", "\r": "r", "\t": "t"}.get(sign, "")),
        r"\\" if sign == "\\" else rf"\\{{0,8}}+{re.escape(sign)}",  # last: it begins the others
    ]
    return f"(?i:{'|'.join(forms)}){{1,32}}+"


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Base64 by itself, and as it stands inside the base64 of something longer ("user:password"): what depends on the
    secret alone, at each of the three ways in which its bytes can fall."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).decode()
        for skew in range(3):
            inside = secret[(3 - skew) % 3 :]
            inside = inside[: len(inside) // 3 * 3]
            if len(inside) >= _SHORTEST_KNOWN:
                yield encode(inside).decode()
