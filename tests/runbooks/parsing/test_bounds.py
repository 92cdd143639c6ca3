"""The bounds of a target: hours, blast radius and live keys, read, and each slip told with its line and its mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import BadInput
from runbooks.bounds import BlastRadius, Hours, LiveKey
from runbooks.parsing.inputs import load_target
from runbooks.target import Target

HEAD = """environment: staging
base_url: http://127.0.0.1:1
allow: [127.0.0.0/8]
hosts: {app-1: {ssh: deploy@127.0.0.1}}
"""
DOCS = Path(__file__).parents[3] / "docs"


def read(text: str, **options: object) -> Target:
    return load_target(Path("t.yaml"), text=HEAD + text, environment={"TZ_OF": "UTC"}, **options)  # type: ignore[arg-type]


def test_hours_are_one_entry_or_a_list_of_them() -> None:
    one = read('hours: {days: mon-fri, from: "09:00", to: "17:30", zone: Africa/Lagos}')
    assert one.hours == (Hours(frozenset(range(5)), 540, 1050, "Africa/Lagos"),)
    assert str(one.hours[0]) == "mon-fri 09:00-17:30 Africa/Lagos"
    several = read(
        'hours:\n  - {days: "sat, Sunday", from: "9:00", to: "24:00", zone: "${TZ_OF}"}\n'
        '  - {days: [wed], from: "22:00", to: "06:00", zone: UTC}\n'
        '  - {days: fri-mon, from: "00:00", to: "01:00", zone: UTC}'
    )
    assert [str(h) for h in several.hours] == [
        "sat, sun 09:00-24:00 UTC", "wed 22:00-06:00 UTC", "mon, fri, sat, sun 00:00-01:00 UTC",
    ]  # fmt: skip
    assert read("").hours == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("hours: {from: 17:00, to: \"18:00\", zone: UTC}", 5, ['"09:00"']),
        ('hours: {from: "25:00", to: "18:00", zone: UTC}', 5, ["'25:00' is no time of day"]),
        ('hours: {from: "24:30", to: "18:00", zone: UTC}', 5, ["is no time of day"]),
        ('hours: {from: "09:00", zone: UTC}', 5, ["'to' is missing"]),
        ('hours: {from: "09:00", to: "9:00", zone: UTC}', 5, ["the same"]),
        ('hours: {from: "09:00", to: "17:00", zone: Africa/Lagoss}', 5, ["did you mean 'Africa/Lagos'?"]),
        ('hours: {from: "09:00", to: "17:00", zone: ../../etc/passwd}', 5, ["is no time zone"]),
        ('hours: {from: "09:00", to: "17:00", zone: UTC, days: moon}', 5, ["did you mean 'mon'?"]),
        ('hours: {from: "09:00", to: "17:00", zone: UTC, days: ""}', 5, ["names no day"]),
        ('hours: {from: "09:00", to: "17:00", zone: UTC, days: [1]}', 5, ["must be days"]),
        ('hours:\n  - {from: "09:00", to: "17:00", zone: UTC}\n  - {dys: mon, from: "09:00", to: "9:01", zone: UTC}', 7,
         ["did you mean 'days'?"]),
        ("hours:", 5, ["has no value"]),
        ("hours: []", 5, ["has no value"]),
        ("hours: always", 5, ["hours"]),
        ("blast_radius: {fault_at_once: 2}", 5, ["did you mean 'faults_at_once'?"]),
        ("blast_radius: {hosts: 0}", 5, ["must be more than 0"]),
        ("blast_radius: {containers: 0%}", 5, ["more than 0%"]),
        ("blast_radius: {containers: 150%}", 5, ["containers"]),
        ("blast_radius: {containers: 0.5}", 5, ["a share such as 50%"]),
        ("blast_radius: {longest: 30}", 5, ["30s"]),
        ("live_keys: [{env: A, pattern: sk_live_*, file: /a}]", 5, ["in one place"]),
        ("live_keys: [{pattern: sk_live_*}]", 5, ["in one place"]),
        ("live_keys: [{env: A}]", 5, ["'pattern' is missing"]),
        ("live_keys: [{env: $A, pattern: sk_live_*}]", 5, ["without $"]),
        ('live_keys: [{env: A, pattern: "*"}]', 5, ["fits too many keys"]),
        ("live_keys: [{host: app1, file: /a, pattern: sk_live_*}]", 5, ["did you mean 'app-1'?"]),
        ("live_keys: [{host: app-1, env: A, pattern: sk_live_*}]", 5, ["a host goes with a file"]),
        ("live_keys: [{file: a.env, pattern: sk_live_*}]", 5, ["begin it with /"]),
        ("live_keys:\n  - {env: A, pattern: sk_live_*}\n  - {url: \"ftp://x\", pattern: sk_live_*}", 7, ["http"]),
        ('live_keys: [{env: A, pattern: "sk_live_*\\nx"}]', 5, ["one line"]),
        ("live_keys: {env: A, pattern: sk_live_*}", 5, ["must be a list"]),
    ],
)  # fmt: skip
def test_each_slip_is_a_defect_with_its_line_and_its_mend(text: str, line: int, words: list[str]) -> None:
    with pytest.raises(BadInput) as bad:
        read(text)
    assert bad.value.exit_code == 2
    [defect] = bad.value.defects
    assert defect.line == line
    for word in words:
        assert word in str(defect)


def test_a_blast_radius_has_numbers_and_shares() -> None:
    assert read("blast_radius: {faults_at_once: 2, containers: 50%, longest: 2m}").blast_radius == BlastRadius(
        faults_at_once=2, containers_share=0.5, longest_s=120.0
    )
    assert read("blast_radius: {containers: 3, sessions: 9}").blast_radius == BlastRadius(containers=3, sessions=9)
    assert read("").blast_radius is None


def test_live_keys_stand_in_four_kinds_of_places() -> None:
    keys = read(
        "live_keys:\n  - {env: KEY, pattern: sk_live_*}\n"
        "  - {host: app-1, file: /etc/a.env, pattern: sk_live_*, name: app}\n"
        "  - {file: /etc/b.env, pattern: sk_live_*}\n  - {url: 'http://127.0.0.1:1/mode', pattern: live*}\n"
    ).live_keys
    assert [(k.name, k.where) for k in keys] == [
        ("KEY", "the environment variable KEY"), ("app", "app-1:/etc/a.env"), ("b.env", "/etc/b.env"),
        ("http://127.0.0.1:1/mode", "http://127.0.0.1:1/mode"),
    ]  # fmt: skip
    assert isinstance(keys[0], LiveKey)


def test_what_is_allowed_on_the_command_line_holds_for_every_address_of_the_file() -> None:
    text = "toxiproxy: {url: 'http://10.1.1.1:8474'}"
    with pytest.raises(BadInput) as refused:
        read(text)
    assert refused.value.exit_code == 14
    assert "--allow 10.1.1.1/32" in str(refused.value.defects[0])
    target = read(text, allow_also=("10.1.1.1/32",))
    assert (target.allow, target.allow_also) == (("127.0.0.0/8", "10.1.1.1/32"), ("10.1.1.1/32",))


@pytest.mark.parametrize("entry", ["0x7f.1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "fe80::1%eth0"])
def test_an_odd_spelling_of_an_address_is_no_host_name_that_could_be_allowed(entry: str) -> None:
    with pytest.raises(BadInput):
        load_target(Path("t.yaml"), text=HEAD.replace("127.0.0.0/8", f'"{entry}"'), environment={})


def test_the_examples_of_the_guard_rails_page_are_read() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (DOCS / "guard-rails.md").read_text(), flags=re.DOTALL)
    text = "".join(examples).replace("https://staging.example.org", "http://127.0.0.1:1")
    target = read(text)
    assert (len(target.hours), len(target.live_keys)) == (1, 3)
    assert target.blast_radius is not None
