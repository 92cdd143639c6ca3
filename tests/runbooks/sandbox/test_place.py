"""Where sandboxes live."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from harness.errors import BadInput, GamedayError
from runbooks.sandbox.place import claims, disk_error, folder_of, make_passable, sandboxes_folder


def test_a_sandbox_lives_in_a_folder_of_this_user(temporary: Path) -> None:
    assert folder_of("default") == temporary / f"gameday-{os.getuid()}" / "sandboxes" / "default"


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a" * 42])
def test_a_name_that_could_leave_the_folder_is_refused(temporary: Path, name: str) -> None:
    with pytest.raises(BadInput):
        folder_of(name)


def test_others_may_pass_through_but_not_look_around(temporary: Path) -> None:
    with claims():
        assert sandboxes_folder().stat().st_mode & 0o777 == 0o711
        assert sandboxes_folder().parent.stat().st_mode & 0o777 == 0o711


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sandboxes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="somebody else"):
        make_passable(tmp_path / "sandboxes")


def test_a_full_disk_names_the_place_and_the_mend(tmp_path: Path) -> None:
    error = disk_error(OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "data")), tmp_path)
    assert isinstance(error, BadInput)
    assert (error.what, error.where) == ("the disk is full", str(tmp_path / "data"))
    assert "TMPDIR" in error.mend


def test_a_forbidden_folder_is_bad_input(tmp_path: Path) -> None:
    assert isinstance(disk_error(PermissionError(errno.EACCES, "no"), tmp_path), BadInput)


def test_another_disk_error_keeps_its_words(tmp_path: Path) -> None:
    error = disk_error(OSError(errno.EIO, "Input/output error"), tmp_path)
    assert type(error) is GamedayError
    assert "Input/output error" in error.what
