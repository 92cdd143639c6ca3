from pathlib import Path

import pytest

from harness.errors import BadInput
from harness.load.locust_command import check_file, locust_arguments


def arguments(*args: str, users: int | None = None, tags: tuple[str, ...] = ()) -> list[str]:
    return locust_arguments(Path("/x/l.py"), "http://h", users, None if users is None else 2.5, tags, (), args)


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


@pytest.mark.parametrize(("name", "what"), [("absent.py", "does not exist"), ("a,b.py", "comma")])
def test_a_file_that_locust_could_not_take_is_bad_input(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        check_file(tmp_path / name)
