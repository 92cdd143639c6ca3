"""Secrets are taken out of any text; what only looks like one stays readable."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from harness.redaction import MASK, Redactor

SECRET = "hunter2-Xy9"

SHAPES = (
    f"postgres://app:{SECRET}@db:5432/shop",
    f"redis://:{SECRET}@cache/0",
    f"amqp://app:p@{SECRET}@mq",
    "https://hunter2-Xy9-hunter2-Xy9@github.com/a/b",
    f"Authorization: Bearer {SECRET}abcdef",
    f'"authorization": "Basic {SECRET}=="',
    f"Proxy-Authorization: AWS4-HMAC-SHA256 Credential=x, Signature={SECRET}",
    f"authorization={SECRET}-abcdef-ghijk",
    f"sent with bearer {SECRET}",
    f"Cookie: a=1; sid={SECRET}; b=2",
    f"Set-Cookie: sid={SECRET}; Path=/",
    f"sessionid={SECRET} user=5",
    f"password={SECRET}",
    f"PGPASSWORD={SECRET} psql",
    f"password = '{SECRET} with spaces {SECRET}'",
    f'{{"password": "{SECRET}", "user": "x"}}',
    f'{{\\"password\\": \\"{SECRET} {SECRET}\\"}}',
    f"{{'client_secret': '{SECRET}'}}",
    f"db.password: {SECRET}",
    f":api_key => {SECRET}",
    f"x-api-key: {SECRET}",
    f"AWS_SECRET_ACCESS_KEY={SECRET}",
    f"X-Auth-Token: {SECRET}",
    f"GET /hook?token={SECRET}&a=1",
    f'{{"token": "{SECRET}"}}',
    f"csrf_token: {SECRET}",
    f"psql --password {SECRET}",
    f"ALTER ROLE app PASSWORD '{SECRET} and ''quoted'''",
    f"CREATE USER x IDENTIFIED BY '{SECRET}'",
    f"requirepass {SECRET}",
    f"Driver=x;UID=sa;PWD={SECRET};",
    "xoxb-hunter2-Xy9-hunter2-Xy9",
    "https://hooks.slack.com/services/T000/B000/hunter2Xy9",
    "sk_live_hunter2Xy9",
    "ghp_hunter2Xy9hunter2Xy9hunter2Xy9",
    "glpat-hunter2-Xy9hunter2-Xy9",
    "eyJhunter2Xy9.eyJhunter2Xy9.hunter2-Xy9",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nhunter2Xy9\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\nhunter2Xy9\\n-----END PRIVATE KEY-----",
    "hunter2Xy9\nhunter2Xy9==\n-----END PRIVATE KEY-----\n",
)

LOOK_ALIKES = (
    "token bucket has 5 tokens left",
    "GET /password-reset?step=2 200",
    "the password reset page: /accounts/reset",
    "password_reset_url=/accounts/reset",
    "password attempts: 3, secret_count=2",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "request_id=550e8400-e29b-41d4-a716-446655440000",
    "ssh-ed25519 SHA256:x85uH2AiNqdFXYMK8q6m/6ewIDOYIAdP4MK/tPVmWRQ",
    "SyntaxError: Unexpected token: identifier in JSON",
    "authorization: denied for user 7",
    "http://127.0.0.1:8000/api/v1/apps/?page=2&by=a@example.com",
    "PWD=/var/lib/app",
    "cookie: consent banner shown",
    "the secretary: Ms Smith",
    "monkey: 5, keyboard=us, primary key: id",
    "duplicate key value violates unique constraint pk_investments",
    'ERROR: password authentication failed for user "app"',
)


@pytest.mark.parametrize("text", SHAPES)
def test_a_secret_is_taken_out_in_each_of_its_shapes(text: str) -> None:
    clean = Redactor().text(f"before it\n{text}\nafter it\n" if "\n" not in text else text)
    assert "hunter2" not in clean
    assert MASK in clean


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_a_look_alike_stays_readable(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize("text", SHAPES)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


def test_what_was_taken_out_and_what_stands_beside_it_stays_readable() -> None:
    clean = Redactor().text(f'{{"user": "ann", "password": "{SECRET}", "took_ms": 12}}')
    assert clean == f'{{"user": "ann", "password": "{MASK}", "took_ms": 12}}'


def test_lines_after_a_broken_key_block_stay_readable() -> None:
    clean = Redactor().text("-----BEGIN PRIVATE KEY-----\nMIIEabc\n[INFO] started (pid 5)\n")
    assert "MIIE" not in clean
    assert "INFO] started (pid 5)" in clean


@pytest.mark.parametrize(
    "written",
    [
        'p/w d&1"x',
        "p%2Fw%20d%261%22x",
        "p/w%20d%261%22x",
        "p%2Fw+d%261%22x",
        'p/w d&1\\"x',
        "p/w d&amp;1&quot;x",
        "cC93IGQmMSJ4",
    ],
    ids=["plain", "URL", "path", "form", "JSON", "HTML", "base64"],
)
def test_a_known_value_is_taken_out_however_it_is_written(written: str) -> None:
    assert Redactor(['p/w d&1"x']).text(f"connecting with {written} failed") == f"connecting with {MASK} failed"


@pytest.mark.parametrize(
    "written",
    [
        "k/\u00e4 'y4711\"",
        "k%2f%c3%a4%20'y4711%22",
        "k%25252F%2525C3%2525A4%252520%252527y4711%252522",
        "k%2F%E4+%27y4711%22",
        r"k\/\u00E4 'y4711\"",
        r"k/\\u00e4 'y4711\\\"",
        r"k/\xc3\xa4 \'y4711" + '"',
        "k&#x2F;&auml; &#39;y4711&quot;",
        "k/&#228; &amp;apos;y4711&amp;#34;",
        "k/\u00e4 ''y4711\"",
        "6B2FC3A420277934373131" + "22",
    ],
    ids=["plain", "URL in small letters", "URL three times", "Latin-1 form", "JSON of others", "JSON in JSON",
         "bytes of Python", "HTML", "HTML twice", "SQL", "hex in capitals"],
)  # fmt: skip
def test_a_known_value_is_taken_out_whoever_has_escaped_it(written: str) -> None:
    assert Redactor(["k/\u00e4 'y4711\""]).text(f"at ({written}) end") == f"at ({MASK}) end"


def test_a_password_with_quotes_in_a_keyword_dsn_is_known_as_the_server_reads_it() -> None:
    assert Redactor([r"host=db password='s3\'cret\\99'"]).text(r"got s3'cret\99 here") == f"got {MASK} here"


def test_each_line_of_a_known_key_file_is_secret() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACDwq8Zr\n-----END"
    assert Redactor([key]).text("wrote QyNTUxOQAAACDwq8Zr twice") == f"wrote {MASK} twice"


@pytest.mark.parametrize("before", ["", "u", "us", "use:", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_known_value_is_taken_out_of_the_base64_of_something_longer(
    before: str, encode: Callable[[bytes], bytes]
) -> None:
    secret = "canary-4711-of-the-provider"
    written = encode(f"{before}{secret}:end".encode()).decode()
    clean = Redactor([secret]).text(f"sent {written} twice")
    head, tail = clean.removeprefix("sent ").removesuffix(" twice").split(MASK)
    # what stays is the neighbours', and at most two letters of the secret at each end
    assert len(head) <= 8
    assert len(tail) <= 8


def test_of_a_known_database_url_only_the_password_is_secret() -> None:
    redactor = Redactor(["postgres://app:s%2Fcret99@db-1:5432/shop"])
    assert (
        redactor.text("using s/cret99 or s%2Fcret99 for db-1:5432/shop") == f"using {MASK} or {MASK} for db-1:5432/shop"
    )


def test_a_password_that_is_the_user_name_does_not_black_out_the_log() -> None:
    text = "/var/log/crowdfund/application.log: crowdfund started"
    assert Redactor(["postgres://crowdfund:crowdfund@127.0.0.1/crowdfund"]).text(text) == text


def test_the_password_of_a_keyword_dsn_is_known() -> None:
    assert Redactor(["host=db password='s3cret 99' user=app"]).text("got s3cret 99, host=db") == f"got {MASK}, host=db"


def test_values_are_redacted_deep_and_by_their_key() -> None:
    value = {"params": [{"password": SECRET, "n": 5}, f"token={SECRET}"], f"secret={SECRET}": None}
    clean = Redactor().value(value)
    assert clean == {"params": [{"password": MASK, "n": 5}, f"token={MASK}"], f"secret={MASK}": None}


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        "a.b://",
        "eyJ-",
        "eyJaaaaaaaaa.",
        "password-",
        'password=\\"',
        "token: ",
        "-----BEGIN PRIVATE KEY-----\nabc\n",
        "QUJD",
        "\\",
        "%25",
        "&amp;",
    ],
)
def test_no_text_keeps_the_patterns_busy(piece: str) -> None:
    text = piece * (256 * 1024 // len(piece))
    start = datetime.now(tz=UTC)
    Redactor(["%\\\\\\&%%&&!"]).text(text)
    assert (datetime.now(tz=UTC) - start).total_seconds() < 5
