"""References to the environment, and the secrets they bring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runbooks.parsing.reference import References

if TYPE_CHECKING:
    from conftest import Desk


@pytest.fixture
def references(tmp_path: Path) -> References:
    (tmp_path / "password").write_text("from-a-file\n")
    return References({"NAME": "value", "EMPTY": ""}, tmp_path)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("${NAME}", "value"),
        ("a ${NAME} b ${NAME}", "a value b value"),
        ("${NONE:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${NONE:-}", ""),
        ("${NAME:-default}", "value"),
        ("${file:password}", "from-a-file"),
        ("$${NAME}", "${NAME}"),
        ("$NAME $5", "$NAME $5"),
    ],
)
def test_a_reference_means_its_value(references: References, text: str, meant: str) -> None:
    expansion = references.expand(text)

    assert (expansion.text, expansion.problems) == (meant, ())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${NONE}", "the environment variable NONE is not set"),
        ("${EMPTY}", "the environment variable EMPTY is empty"),
        ("${not a name}", "${not a name} is no reference"),
        ("${file:missing}", "the file of ${file:missing} can't be read: No such file or directory"),
    ],
)
def test_what_has_no_value_is_a_problem(references: References, text: str, what: str) -> None:
    [(said, mend)] = references.expand(text).problems

    assert said == what
    assert mend


def test_a_missing_variable_is_a_defect_with_its_line_and_nothing_follows_from_it(desk: Desk) -> None:
    desk.environment = {"REDIS_URL": desk.environment["REDIS_URL"]}

    [defect] = desk.defects()
    assert defect.startswith("target.yaml:9: the environment variable DATABASE_URL is not set (export DATABASE_URL=")


def test_a_secret_is_kept_with_its_reference_and_prints_as_that_alone(desk: Desk) -> None:
    _, target = desk.load()
    dsn = target.databases["main"].dsn

    assert dsn.value == desk.environment["DATABASE_URL"]
    assert str(dsn) == "${DATABASE_URL}"
    assert "correct-horse" not in repr(target)
    assert "correct-horse" not in target.text


def test_the_redactor_learns_the_passwords_inside_the_secrets(desk: Desk) -> None:
    _, target = desk.load()

    assert {"correct-horse", "battery-staple", desk.environment["DATABASE_URL"]} <= set(target.secrets())


@pytest.mark.parametrize(
    "value", ["hunter2-hunter2", "postgresql://u:hunter2-hunter2@h:port/x", "host=/tmp hunter2-hunter2"]
)
def test_no_message_repeats_what_a_reference_resolved_to(desk: Desk, value: str) -> None:
    desk.environment = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "ANY"), value)
    desk.change_target("base_url: http://127.0.0.1:8000", 'base_url: "${ANY}"')
    desk.change_target("listen: 127.0.0.1:15432", 'listen: "${ANY}"')
    desk.change_target("ssh: deploy@127.0.0.1:2222", 'ssh: "-${ANY}"')
    desk.change_target("allow: [127.0.0.0/8]", 'allow: ["/${ANY}"]')
    desk.change_runbook("users: 100", 'users: "${ANY}"')
    desk.change_runbook("latency: 50ms", 'latency: "${ANY}"')
    desk.change_runbook("kind: pool-exhaustion, proxy: postgres", 'kind: "${ANY}", proxy: "${ANY}"')
    desk.change_runbook("of: api", 'of: "${ANY}"')
    desk.change_runbook("expect: stopped", 'expect: "${ANY}"')
    desk.change_runbook("../scenarios/crowdfund.py", '"${ANY}"')

    defects = desk.defects()

    assert len(defects) >= 11
    assert "hunter2" not in "\n".join(defects)


def test_a_password_written_into_the_file_is_a_defect_that_does_not_repeat_it(desk: Desk) -> None:
    desk.change_target('"${DATABASE_URL}"', '"postgresql://app:geheimnis@127.0.0.1/db"')
    desk.change_target('"${REDIS_URL}"', '"redis://:geheimnis@${NOWHERE:-127.0.0.1}/0"')

    defects = desk.defects()

    assert [d.partition(" (")[0] for d in defects] == [
        "target.yaml:9: a password stands in the file",
        "target.yaml:11: a password stands in the file",
    ]
    assert "geheimnis" not in "\n".join(defects)


def test_a_password_by_reference_inside_a_dsn_is_fine(desk: Desk) -> None:
    desk.environment = {**desk.environment, "PW": "p%40ss-word"}
    desk.change_target('"${DATABASE_URL}"', '"postgresql://app:${PW}@127.0.0.1/db"')

    _, target = desk.load()

    assert str(target.databases["main"].dsn) == "postgresql://app:${PW}@127.0.0.1/db"
    assert "p@ss-word" in target.secrets()


def test_a_number_may_come_from_the_environment(desk: Desk) -> None:
    desk.environment = {**desk.environment, "USERS": "250"}
    desk.change_runbook("users: 100", 'users: "${USERS}"')

    assert desk.load()[0].load.users == 250


def test_a_command_for_a_host_s_shell_keeps_its_own_variables(desk: Desk) -> None:
    desk.change_runbook("run: systemctl restart crowdfund", 'run: "systemctl restart ${SERVICE}"')
    desk.change_target("commands: [df -h]", 'commands: ["echo ${HOME}"]')

    runbook, target = desk.load()

    assert runbook.rollback[0].run == "systemctl restart ${SERVICE}"
    assert target.hosts["app-1"].commands == ("echo ${HOME}",)


def test_secret_sounding_references_in_locust_arguments_are_known_to_the_redactor(desk: Desk) -> None:
    desk.environment = {**desk.environment, "API_KEY": "k-123456", "REGION": "eu-west"}
    desk.change_runbook("args: []", 'args: [--api-key, "${API_KEY}", --region, "${REGION}"]')

    runbook, _ = desk.load()

    assert runbook.load.args == ("--api-key", "k-123456", "--region", "eu-west")
    assert runbook.hidden == ("k-123456",)
    assert "k-123456" not in runbook.text
