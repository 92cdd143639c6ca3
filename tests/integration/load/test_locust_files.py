"""Locust files of every manner run unmodified, and what they do is counted."""

from __future__ import annotations

import pytest
from played_load import Load, stop_case

from harness.clock import Deadline
from harness.journal.record import LoadEnded
from harness.load.locust_file import inspect
from runbooks.sandbox.port import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(100)]


def test_http_users_run_and_are_counted_by_name(load: Load) -> None:
    load.start("basic_http.py")
    load.until(lambda: {"POST /login", "GET /ok", "GET /ok/[id]", "GET /page"} <= load.names)
    load.until(lambda: load.windows[-1].users == 10)
    assert load.failures("GET /ok") == {}
    load.until(lambda: load.count("POST /login") == 10)


def test_fast_http_users_run_with_rest_blocks(load: Load) -> None:
    load.start("basic_fast.py")
    load.until(lambda: load.count("GET /ok") > 20 and load.count("POST /json") > 5)
    assert load.failures("POST /json") == {}


def test_a_load_shape_steers_the_users_and_its_end_is_told(load: Load) -> None:
    load.start("shape_staging.py", users=None, spawn_rate=None)
    load.until(lambda: load.of(LoadEnded))
    assert max(w.users for w in load.windows) == 5
    assert load.of(LoadEnded)[0].exit_code == 0
    assert "Shape test" in load.of(LoadEnded)[0].detail
    assert load.process
    assert load.process.stop().how == "ended"


def test_custom_arguments_reach_the_locust_file_from_the_command_line_and_the_environment(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_PATH", "/500")
    load.start("custom_arguments.py", "--secret-word", "x")
    load.until(lambda: load.count("GET /asked") > 5)
    stop_case(load)  # so that no window comes between the two counts
    assert load.failures("GET /asked")["http"] == load.count("GET /asked")


def test_only_tasks_with_the_asked_tags_run_and_user_classes_may_follow(load: Load) -> None:
    load.start("tagged.py", "Tagged", tags=("investment", "certificate"), exclude_tags=("read",))
    load.until(lambda: load.count("GET /certificate") > 10)
    assert load.names == {"GET /certificate"}


def test_users_without_http_are_measured_and_their_task_errors_counted(load: Load) -> None:
    load.start("measured.py")
    load.until(lambda: load.names == {"WORK sleep", "WORK timeout", "HAND fired"})
    load.until(lambda: sum(w.task_errors for w in load.windows) > 2)
    assert set(load.failures("WORK timeout")) == {"timeout"}
    unknown = [w.names["HAND fired"] for w in load.windows if "HAND fired" in w.names]
    assert unknown[0].requests > 0
    assert unknown[0].histogram == {}


def test_responses_judged_by_the_locust_file_are_application_failures_or_none(load: Load) -> None:
    load.start("catch_response.py")
    load.until(lambda: all(load.count(f"GET {n}") > 3 for n in ("/json", "/gone", "/says-no")))
    stop_case(load)
    assert load.failures("GET /json") == {}
    assert load.failures("GET /gone") == {}
    assert load.failures("GET /says-no") == {"application": load.count("GET /says-no")}


def test_the_users_own_configuration_stays_in_force(load: Load) -> None:
    (load.tmp_path / "locust.conf").write_text("users = 3\nspawn-rate = 50\n")
    (load.tmp_path / "pyproject.toml").write_text('[tool.locust]\nrun-time = "2s"\n')
    load.start("basic_http.py", users=None, spawn_rate=None)
    load.until(lambda: load.of(LoadEnded))
    assert max(w.users for w in load.windows) == 3
    assert "run-time limit reached" in load.of(LoadEnded)[0].detail


def test_modules_beside_the_file_and_in_the_current_directory_import_even_when_named_like_ours(load: Load) -> None:
    beside = load.tmp_path / "beside"
    (load.tmp_path / "harness").mkdir()
    beside.mkdir()
    (load.tmp_path / "harness" / "__init__.py").write_text('PATH = "/ok"\n')
    (load.tmp_path / "in_cwd.py").write_text('NAME = "from the user\'s modules"\n')
    (beside / "neighbour.py").write_text("from locust import HttpUser, constant\n")
    (beside / "mine.py").write_text(
        "from neighbour import HttpUser, constant\nfrom in_cwd import NAME\nfrom harness import PATH\n"
        "class U(HttpUser):\n    wait_time = constant(0.05)\n"
        "    def ask(self):\n        self.client.get(PATH, name=NAME)\n    tasks = [ask]\n"
    )
    assert inspect(beside / "mine.py", (), load.tmp_path, Deadline.after(15)).users == ("U",)
    load.start(beside / "mine.py")
    load.until(lambda: load.count("GET from the user's modules") > 3)


def test_web_options_among_the_users_arguments_do_not_keep_the_load_from_starting(load: Load) -> None:
    load.start("basic_http.py", "--headful", "--web-host", "127.0.0.1", "--web-port", str(free_port()))
    load.until(lambda: load.count("GET /ok") > 5)
    stopped = load.process.stop(3.0) if load.process else None
    assert stopped
    assert stopped.how == "asked"


@pytest.mark.parametrize("file", ["failures_http.py", "failures_fast.py"])
def test_every_failure_is_counted_as_its_kind(
    load: Load, file: str, full_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULL_URL", full_url)
    monkeypatch.setenv("REFUSED_URL", f"http://127.0.0.1:{free_port()}")
    load.start(file, users=1)
    load.until(lambda: "GET timeout hang?unjudged" in load.names, 20)
    assert len(load.names) == 21
    counted = {name: load.failures(name) for name in load.names}
    expected = {name: name.split()[1] for name in load.names}
    wrong = {n: k for n, k in counted.items() if set(k) != ({expected[n]} - {"none"})}
    assert wrong == {}
