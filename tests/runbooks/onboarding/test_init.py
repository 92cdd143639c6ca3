"""`gameday init`: what it finds, what it asks, what it writes, and what it says when it can't."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from runbooks.parsing.inputs import load_inputs
from runbooks.runbook import Runbook
from runbooks.target import Target

COMPOSE = """
name: Shop
services:
  app:
    build: .
    ports: ["${APP_PORT:-8000}:8000"]
  db:
    image: docker.io/library/postgres:17
    environment: [POSTGRES_DB=orders, "POSTGRES_PASSWORD=${POSTGRES_PASSWORD}"]
    ports: ["127.0.0.1:5433:5432"]
  cache:
    image: valkey/valkey:9
    ports: [{target: 6379, published: "6380", host_ip: 127.0.0.1}]
"""


def read(folder: Path = Path(), environment: Mapping[str, str] | None = None) -> tuple[Runbook, Target]:
    return load_inputs(folder / "first-game-day.yaml", folder / "target.yaml", environment=environment or {})


def test_a_compose_file_is_enough(gameday):
    Path("compose.yaml").write_text(COMPOSE)

    said = gameday("init")

    assert said.code == 0, said.err
    runbook, target = read(environment={"GAMEDAY_DB_PASSWORD": "s3cr3t"})
    assert (target.name, target.environment, target.base_url) == ("shop", "practice", "http://127.0.0.1:8000")
    assert target.databases["main"].dsn.value == "postgresql://gameday:s3cr3t@127.0.0.1:5433/orders"
    assert target.caches["main"].url.value == "redis://127.0.0.1:6380/0"
    assert target.allow == ("127.0.0.1",)
    assert "com.docker.compose.project: shop" in Path("target.yaml").read_text()
    assert runbook.faults == (), "without a proxy nothing can be broken"
    assert "docs/your-platform.md" in Path("first-game-day.yaml").read_text()
    assert runbook.load.locustfile.read_text().startswith('"""')


def test_at_the_end_it_says_what_to_export_and_the_next_three_commands(gameday):
    Path("compose.yaml").write_text(COMPOSE)

    lines = gameday("init", "here").out.splitlines() + gameday("init").out.splitlines()

    assert "  export GAMEDAY_DB_PASSWORD=..." in lines
    assert [line.split()[1] for line in lines[-3:]] == ["check", "plan", "run"]
    assert lines[-1] == "  gameday run first-game-day.yaml --target target.yaml"


def test_what_only_stands_in_the_env_file_is_written_by_name_and_told(gameday):
    Path(".env").write_text("export DATABASE_URL='postgres://app:hunter22@127.0.0.1:5432/shop' # ours\nJUNK\n\0\n")

    said = gameday("init", "--base-url", "http://127.0.0.1:8000")

    assert said.code == 0, said.err
    written = "".join(path.read_text() for path in Path().glob("*.y*ml"))
    assert "'${DATABASE_URL}'" in written
    assert "hunter22" not in written + said.out + said.err
    assert "  set -a; . ./.env; set +a" in said.out.splitlines()


def test_a_locust_file_that_is_there_is_played_as_it_is(gameday):
    Path("locustfile.py").write_text("# mine\n")

    said = gameday("init", "--base-url", "http://127.0.0.1:8000", "--force")

    assert said.code == 0, said.err
    assert Path("locustfile.py").read_text() == "# mine\n"


def test_hosts_come_from_the_users_ssh_config_by_name(gameday, tmp_path):
    (tmp_path / "home" / ".ssh").mkdir()
    (tmp_path / "home" / ".ssh" / "config").write_text(
        "Host app-1\n HostName 127.0.0.2\n User deploy\nHost behind\n HostName 10.9.8.7\n ProxyJump app-1\nHost *\n"
    )

    said = gameday("init", "--base-url", "http://127.0.0.1:1", "--ssh", "app-1", "--ssh", "web=ops@127.0.0.3:2222",
                   "--ssh", "behind")  # fmt: skip

    assert said.code == 0, said.err
    _, target = read()
    assert {name: host.ssh for name, host in target.hosts.items()} == {
        "app-1": "app-1", "web": "ops@127.0.0.3:2222", "behind": "behind",
    }  # fmt: skip
    assert target.allow == ("127.0.0.1", "127.0.0.2", "127.0.0.3", "10.9.8.7")


def test_what_another_ssh_config_says_is_written_out(gameday, tmp_path):
    (tmp_path / "key").touch()
    (tmp_path / "config").write_text(
        f"Host app-1\n HostName 127.0.0.2\n Port 2222\n User deploy\n IdentityFile {tmp_path}/key\n"
        f" UserKnownHostsFile {tmp_path}/known\nHost far\n HostName 127.0.0.9\n ProxyJump app-1\n"
    )
    config = ("--ssh-config", str(tmp_path / "config"))

    said = gameday("init", "--base-url", "http://127.0.0.1:1", "--ssh", "app-1", *config)

    assert said.code == 0, said.err
    host = read()[1].hosts["app-1"]
    assert (host.ssh, host.identity, host.known_hosts) == (
        "deploy@127.0.0.2:2222",
        tmp_path / "key",
        tmp_path / "known",
    )
    refused = gameday("init", "elsewhere", "--base-url", "http://127.0.0.1:1", "--ssh", "far", *config)
    assert refused.code == 2
    assert "ProxyJump" in refused.err


def test_a_person_is_asked_and_asked_again_after_a_slip(gameday):
    typed = "not a web address\nhttp://127.0.0.1:8000\nstaging\nnone\nnone\nnone\nnone\n#game-day\n"

    said = gameday("init", typed=typed)

    assert said.code == 0, said.err
    assert "Error: is no http address" in said.out + said.err
    runbook, target = read()
    assert (target.environment, runbook.slack_channel) == ("staging", "#game-day")


def test_the_answers_ending_too_soon_is_one_error_and_writes_nothing(gameday):
    said = gameday("init", typed="http://127.0.0.1:8000\n")

    assert said.code == 2
    assert "the answers ended" in said.err
    assert "--environment" in said.err
    assert list(Path().iterdir()) == []


def test_ctrl_c_at_a_question_writes_nothing(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _INTERRUPTED], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:  # fmt: skip
        _, err = process.communicate(timeout=40)

    assert (process.returncode, err.strip().splitlines()[-1]) == (11, "interrupted")
    assert list(tmp_path.iterdir()) == []


_INTERRUPTED = f"""
import os, sys
from runbooks.cli import main
class Terminal:
    def isatty(self): return True
    def readline(self, *_): os.kill(os.getpid(), {int(signal.SIGINT)}); return "x"
    def fileno(self): raise OSError
    encoding, errors = "utf-8", "strict"
sys.stdin, sys.argv = Terminal(), ["gameday", "init"]
main()
"""


def test_nothing_is_overwritten_without_being_told(gameday):
    Path("target.yaml").write_text("mine")

    said = gameday("init", "--base-url", "http://127.0.0.1:1")

    assert said.code == 2
    assert "target.yaml is there already" in said.err
    assert "--force" in said.err
    assert Path("target.yaml").read_text() == "mine"
    assert gameday("init", "--base-url", "http://127.0.0.1:1", "--force").code == 0
    assert Path("target.yaml").read_text() != "mine"


def test_production_is_written_as_said_and_the_commands_name_the_opt_out(gameday):
    said = gameday("init", "--base-url", "http://127.0.0.1:1", "--environment", "production")

    assert read()[1].environment == "production"
    assert "gameday run first-game-day.yaml --target target.yaml --allow-production" in said.out


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "--base-url"),
        (("--base-url", "http://10.0.0.1"), "--environment"),
        (("--base-url", "ftp://127.0.0.1"), "is no http address"),
        (("--base-url", "http://u:p@127.0.0.1"), "take it out"),
        (("--base-url", "http://no-such-host.invalid"), "no-such-host.invalid has no address"),
        (("--base-url", "http://127.0.0.1", "--ssh", "no-such-host.invalid"), "no-such-host.invalid has no address"),
        (("--base-url", "http://127.0.0.1", "--ssh", "-oProxyCommand=x"), "no SSH destination"),
        (("--base-url", "http://127.0.0.1", "--ssh-config", "nowhere"), "nowhere: the ssh_config can't be read"),
        (("--base-url", "http://127.0.0.1", "--ssh-config", "."), "the ssh_config can't be read"),
        (("--base-url", "http://127.0.0.1", "--compose", "nowhere"), "nowhere: the Compose file can't be read"),
        (("--base-url", "http://127.0.0.1", "--database-env", "NOPE"), "the variable NOPE is not set"),
        (("--base-url", "http://127.0.0.1", "--database-env", "rm -rf"), "is no variable's name"),
        (("--base-url", "http://127.0.0.1", "--database-url", "postgresql://a:geheim@127.0.0.1/x"), "a password"),
        (("--base-url", "http://127.0.0.1", "--database-url", "postgresql:///x"), "unix socket"),
        (("--base-url", "http://127.0.0.1", "--database-url", "postgresql://a@no-such-host.invalid/x"), "no address"),
        (("--base-url", "http://127.0.0.1", "--toxiproxy", "http://127.0.0.1:1"), "no Toxiproxy answers"),
        (("--base-url", "http://127.0.0.1", "--toxiproxy", "nonsense"), "is no http address"),
        (("--base-url", "http://127.0.0.1", "--slack", "two words"), "--slack"),
        (("file",), "is no folder"),
        (("file/in/it", "--base-url", "http://127.0.0.1"), "can't be written to"),
        (("/proc/nowhere", "--base-url", "http://127.0.0.1"), "can't be written to"),
    ],
)
def test_a_bad_flag_is_one_clear_error_and_writes_nothing(gameday, args, told):
    Path("file").touch()

    said = gameday("init", *args)

    assert said.code == 2, said
    assert told in said.err
    assert "geheim" not in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert [path.name for path in Path().iterdir()] == ["file"]


@pytest.mark.parametrize(
    "text",
    ["", "just text", "services: []", "services: {}", "a: [", "\x00", "[" * 5000, "services: &a {x: *a}\nb: *c", "- 1"],
    ids=range(9),
)
def test_a_garbage_compose_file_is_one_clear_error(gameday, text):
    Path("compose.yaml").write_text(text)

    said = gameday("init", "--base-url", "http://127.0.0.1:1")

    assert said.code in (0, 2)
    if said.code == 2:
        assert "compose.yaml: " in said.err
        assert len(said.err.strip().splitlines()) == 1


def test_an_ssh_config_that_is_none_is_one_clear_error(gameday):
    Path("config").write_bytes(b"\x00\xff garbage\nMatch nonsense\n")

    said = gameday("init", "--base-url", "http://127.0.0.1:1", "--ssh-config", "config")

    assert said.code == 2
    assert said.err.startswith("gameday: config: no ssh_config")


def test_names_that_mean_something_in_yaml_stay_text(gameday, tmp_path):
    folder = tmp_path / "no: {yes} #$ ${HOME}"
    folder.mkdir()

    said = gameday("init", str(folder), "--base-url", "http://127.0.0.1:1/a'b", "--environment", "on: [off] # x")

    assert said.code == 0, said.err
    _, target = read(folder)
    assert (target.name, target.environment) == (folder.name, "on: [off] # x")
    assert target.base_url == "http://127.0.0.1:1/a'b"
