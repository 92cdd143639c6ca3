from __future__ import annotations

import pytest

from harness.journal.request_glob import is_everything, matches


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("all", "GET /", True),
        ("*", "GET /", True),
        ("* /api/v1/*", "POST /api/v1/investments/", True),
        ("* /api/v1/*", "GET /", False),
        ("GET /", "GET /", True),
        ("GET /", "GET /api/", False),
        ("GET *", "POST /", False),
        ("GET /api/v1/apps/[id]/", "GET /api/v1/apps/[id]/", True),
        ("GET /api/v1/apps/[id]/", "GET /api/v1/apps/i/", False),
        ("* /apps/[[]*", "GET /apps/[id]", False),
        ("GET /a?", "GET /ab", True),
    ],
)
def test_a_glob_means_the_requests_it_says(glob, name, expected):
    assert matches(glob, name) is expected


def test_only_globs_that_leave_nothing_out_are_everything():
    assert [is_everything(g) for g in ("all", "*", "* *", "GET *", "* /*")] == [True, True, True, False, False]
