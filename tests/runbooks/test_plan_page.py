"""The page for approval: whole, safe as Markdown, without secrets, read from the files alone."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

import pytest

from runbooks.books import list_books
from runbooks.cli import main

TARGET = """
name: shop
environment: staging
base_url: https://shop.example.org
allow: [10.20.0.0/16, shop.example.org]
toxiproxy: {url: "http://10.20.0.5:8474"}
proxies:
  postgres: {listen: 10.20.0.5:15432, upstream: 10.20.0.7:5432}
  redis: {listen: 10.20.0.5:16379, upstream: 10.20.0.8:6379}
databases:
  main: {dsn: "postgresql://watcher:${DB_PASSWORD}@10.20.0.7/shop", through: postgres}
caches:
  main: {url: "${REDIS_URL}", through: redis}
hosts:
  app-1: {ssh: deploy@10.20.0.6, logs: [/var/log/nginx/*.log], commands: [df -h]}
"""
RUNBOOK = """
title: Orders while the database is slow
hypothesis: With every round trip 50 ms slower, orders go on.
load: {locustfile: locustfile.py, users: 30, spawn_rate: 5, args: ["--api-token", "${API_TOKEN}"]}
phases: {warm_up: 10s, baseline: 15s, recovery: 20s}
service_levels:
  - {name: api, requests: "* /api/*", p95: 200ms, error_rate: 1%}
  - {name: cpu, reading: app-1.cpu, max: 90%}
  - {name: no order twice, query: {database: main, sql: "select count(*) from orders", equals: 0}}
faults:
  - {name: slow, kind: latency, proxy: postgres, latency: 50ms, toxicity: 25%, at: 0s, for: 20s}
stop_when:
  - {condition: error_rate, above: 1%}
emergency:
  rollback:
    - {host: app-1, run: "systemctl restart shop | logger", when: asked}
roles: {Lead: Ada, scribe: Grace}
notify: {slack: "#game-day"}
"""


@pytest.fixture
def page(tmp_path, monkeypatch, capsys):
    """The page of a runbook and a target, made where no name is looked up and no connection opened."""
    monkeypatch.chdir(tmp_path)
    for name in ("DB_PASSWORD", "REDIS_URL", "API_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    Path("locustfile.py").touch()

    def make(runbook: str = RUNBOOK, target: str = TARGET, *args: str) -> str:
        Path("book.yaml").write_text(runbook)
        Path("target.yaml").write_text(target)
        monkeypatch.setattr(sys, "argv", ["gameday", "plan", "book.yaml", "--target", "target.yaml", *args])
        main()
        return capsys.readouterr().out

    return make


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    below = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_it_says_who_what_where_when_and_how_it_ends(page):
    text = page()

    assert rows(text, "Who")[0][:2] == ["lead", "Ada"]
    assert rows(text, "Who")[1][:2] == ["on call", "&nbsp;"]
    assert rows(text, "Who")[3][:2] == ["scribe", "Grace"]
    assert rows(text, "Blast radius") == [
        ["slow (latency)", "proxy postgres (10.20.0.5:15432 to 10.20.0.7:5432): database main",
         rows(text, "Blast radius")[0][2], "25% of the connections", "20 s"],
    ]  # fmt: skip
    assert "the proxy redis" in text.partition("**Not touched:**")[2].splitlines()[0]
    assert ["0:25", "0:45", "fault: slow"] in [row[:3] for row in rows(text, "Timeline")]
    for level in ("api p95 <= 200 ms (`* /api/*`)", "api error rate <= 1%", "app-1.cpu", "no order twice"):
        assert level in text
    assert "- error rate above 1%" in text
    assert "| app-1 | systemctl restart shop \\| logger | when a person asks |" in text
    assert "app-1: /var/log/nginx/\\*.log; df -h." in text
    assert "Slack: #game-day" in text
    for command in ("gameday stop", "gameday heal", "gameday rerun", "gameday status"):
        assert f"`{command}`" in text
    assert "| approved by |" in text


def test_it_needs_no_secrets_and_shows_none(page, monkeypatch):
    assert "10.20.0.7" in page(), "with nothing exported"
    monkeypatch.setenv("DB_PASSWORD", "s3cr3t-pw")
    monkeypatch.setenv("REDIS_URL", "redis://:s3cr3t-pw@10.20.0.8/0")
    monkeypatch.setenv("API_TOKEN", "tok-s3cr3t-42")

    assert "s3cr3t" not in page()


def test_markdown_in_what_people_write_does_not_break_the_page(page):
    evil = "'# no `heading` | *x* <script>alert(1)</script> [a](http://b)'"
    text = page(
        RUNBOOK.replace("With every round trip 50 ms slower, orders go on.", evil)
        .replace("Orders while the database is slow", evil)
        .replace("name: slow,", f"name: {evil},")
        .replace("Lead: Ada", "Lead: 'A | da'")
    )

    assert "<script" not in text
    assert text.splitlines()[0].startswith("# Plan: \\# no \\`heading\\` \\| \\*x\\*")
    assert text.splitlines()[2].startswith("> \\# no")
    assert all(len(row) == 5 for row in rows(text, "Blast radius"))
    assert rows(text, "Who")[0][1] == "A \\| da"
    assert [line for line in text.splitlines() if line.startswith("# ")] == [text.splitlines()[0]]


def test_a_plain_load_test_says_that_nothing_is_broken(page):
    text = page(RUNBOOK.replace(RUNBOOK.partition("faults:\n")[2].partition("stop_when")[0], "  []\n"))

    assert "**No faults:**" in text
    assert rows(text, "Blast radius") == []


def test_it_is_written_to_a_file_whole_or_not_at_all(page):
    assert page(RUNBOOK, TARGET, "--output", "plan.md") == "wrote plan.md\n"
    assert Path("plan.md").read_text().startswith("# Plan: Orders")
    with pytest.raises(SystemExit) as ended:
        page(RUNBOOK, TARGET, "--output", "nowhere/plan.md")
    assert ended.value.code == 2


def test_a_variable_that_is_no_secret_and_not_set_is_still_a_defect(page, capsys):
    with pytest.raises(SystemExit) as ended:
        page(RUNBOOK.replace("users: 30", 'users: "${USERS_OF_TEST}"'))

    assert ended.value.code == 2
    assert "USERS_OF_TEST is not set" in capsys.readouterr().err


@pytest.mark.parametrize("book", [book.name for book in list_books()])
def test_every_shipped_runbook_has_a_plan_without_a_sandbox_being_up(book, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("runbooks.commands.plan.Sandbox.find", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["gameday", "plan", book])

    main()
    text = capsys.readouterr().out

    assert text.startswith("# Plan: ")
    assert "made for the game day" in text
    assert str(tmp_path.parent) not in text
    assert len(text.splitlines()) < 120


def test_roles_that_are_no_mapping_of_texts_are_defects(page, capsys):
    for wrong in ("roles: [Ada]", "roles: {lead: [Ada]}", "roles: {lead: }"):
        with pytest.raises(SystemExit) as ended:
            page(RUNBOOK.replace("roles: {Lead: Ada, scribe: Grace}", wrong))
        assert ended.value.code == 2
        assert "roles" in capsys.readouterr().err
