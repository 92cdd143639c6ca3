from __future__ import annotations

import pytest

from harness.report.evidence_link import relative


def test_a_file_in_the_run_folder_is_linked() -> None:
    assert relative("evidence/app-1/access log.txt") == "evidence/app-1/access%20log.txt"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../../secret", "evidence/../../x", "a\x00b"])
def test_nothing_outside_the_run_folder_is_linked(path: str) -> None:
    assert relative(path) == ""


def test_a_path_can_not_be_another_scheme() -> None:
    assert relative("javascript:alert(1)") == "javascript%3Aalert%281%29"
