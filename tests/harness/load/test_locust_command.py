from pathlib import Path

import pytest

from harness.errors import BadInput
from harness.load.load_spec import ANY_PORT, ONE_PER_CORE, LoadSpec
from harness.load.locust_command import check_file, locust_arguments


def arguments(
    *args: str,
    users: int | None = None,
    tags: tuple[str, ...] = (),
    processes: int | None = None,
    web_port: int | None = None,
) -> list[str]:
    return locust_arguments(
        LoadSpec(
            locustfile=Path("/x/l.py"), host="http://h", users=users, spawn_rate=None if users is None else 2.5,
            cwd=Path("/x"), log=Path("/x/log"), tags=tags, args=args, processes=processes, web_port=web_port,
        )
    )  # fmt: skip


def test_what_is_not_given_is_left_to_the_users_own_configuration() -> None:
    assert "--users" not in arguments()
    assert "--tags" not in arguments()
    given = arguments(users=5)
    assert given[given.index("--users") + 1] == "5"
    assert given[given.index("--spawn-rate") + 1] == "2.5"


def test_the_users_arguments_come_last_and_are_not_taken_for_tags() -> None:
    given = arguments("MyUser", "--foo", tags=("a", "b"))
    assert given[-2:] == ["MyUser", "--foo"]
    assert given[given.index("--tags") + 3].startswith("--")
    assert given[given.index("MyUser") - 1] == "--autostart"


@pytest.mark.parametrize(
    ("args", "loopback"),
    [(("--processes", "2"), True), (("--processes=2",), True), ((), False),
     (("--processes", "2", "--master-bind-host", "0.0.0.0"), False)],
)  # fmt: skip
def test_workers_of_this_machine_meet_on_loopback_unless_the_user_says_otherwise(
    args: tuple[str, ...], *, loopback: bool
) -> None:
    given = arguments(*args)
    assert ("127.0.0.1" in given) is loopback


def test_several_load_processes_meet_on_a_port_of_their_own() -> None:
    given, others = arguments(processes=2), arguments(processes=ONE_PER_CORE)
    assert given[given.index("--processes") + 1] == "2"
    assert others[others.index("--processes") + 1] == "-1"
    port = given[given.index("--master-bind-port") + 1]
    assert given[given.index("--master-port") + 1] == port != "5557"
    assert "--processes" not in arguments()
    assert arguments("--processes", "3", processes=2).count("--processes") == 1


def test_the_users_own_master_port_is_kept() -> None:
    given = arguments("--processes", "2", "--master-bind-port", "5560", "--master-port", "5560")
    assert given.count("--master-port") == 1


def test_the_web_page_is_on_loopback_and_begins_by_itself_whatever_the_configuration_says() -> None:
    given = arguments("--foo", web_port=ANY_PORT)
    assert "--headless" not in given
    assert {"--headful", "--autostart"} <= set(given)
    assert given[given.index("--web-host") + 1] == "127.0.0.1"
    assert given[given.index("--web-port") + 1] == "0"
    assert given[-1] == "--foo"


@pytest.mark.parametrize(("name", "what"), [("absent.py", "does not exist"), ("a,b.py", "comma")])
def test_a_file_that_locust_could_not_take_is_bad_input(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        check_file(tmp_path / name)
