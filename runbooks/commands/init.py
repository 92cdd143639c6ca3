"""`gameday init`: a first target and a first runbook for the platform that is here."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from harness.errors import BadInput
from runbooks.guard_rails.production import is_production
from runbooks.onboarding import first_files
from runbooks.onboarding.first_files import RUNBOOK, TARGET
from runbooks.onboarding.platform import Platform
from runbooks.onboarding.questions import Questions
from runbooks.onboarding.servers import PASSWORD
from runbooks.onboarding.survey import Flags, Survey
from runbooks.onboarding.variables import FILE, Variables

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=_PATH, default=Path())
@click.option("--base-url", default="", metavar="URL", help="Where the platform answers.")
@click.option("--environment", default="", metavar="NAME", help="practice, staging, ..., production.")
@click.option("--database-url", default="", metavar="DSN", help="The PostgreSQL server itself; without a password.")
@click.option("--database-env", default="", metavar="NAME", help="The variable that holds its DSN, or none.")
@click.option("--cache-env", default="", metavar="NAME", help="The variable that holds the cache's URL, or none.")
@click.option("--compose", type=_PATH, metavar="FILE", help="The Compose file.  [default: the one in FOLDER]")
@click.option("--toxiproxy", default="", metavar="URL", help="The API of your Toxiproxy, or none.")
@click.option("--ssh", multiple=True, metavar="HOST", help="user@host:port or a name of your ssh_config; repeatable.")
@click.option("--ssh-config", type=_PATH, metavar="FILE", help="Another ssh_config than your own.")
@click.option("--slack", default="", metavar="CHANNEL", help='The channel that is told, such as "#game-day".')
@click.option("--yes", is_flag=True, help="Ask nothing: what is found by looking answers.")
@click.option("--force", is_flag=True, help="Write over a target and a runbook that are there.")
def init(folder: Path, *, yes: bool, force: bool, **said: object) -> None:
    """Look at your platform, ask a few questions, and write target.yaml and first-game-day.yaml into FOLDER."""
    if folder.exists() and not folder.is_dir():
        raise BadInput("is no folder", where=str(folder), mend="name a folder")
    first_files.refuse_to_overwrite(folder, force=force)
    platform = Survey(folder, Flags(**said), Questions.at_terminal(yes=yes)).platform()  # type: ignore[arg-type]  # click's types
    files = first_files.render(platform)
    first_files.check(files, platform, {**Variables.read(folder).values, **os.environ})
    first_files.write(files, folder)
    for line in _told(platform, folder, tuple(files)):
        click.echo(line)


def _told(platform: Platform, folder: Path, written: tuple[str, ...]) -> list[str]:
    lines = [f"wrote {folder / name}" for name in written]
    if platform.locustfile:
        lines.append(f"the load is {folder / platform.locustfile}, as it is")
    lines += [f"note: {note}" for note in platform.notes]
    if not _has_fault(platform):
        lines.append("note: no proxy leads to the database: the runbook is a plain load test (docs/your-platform.md)")
    lines += _exports(platform, folder)
    words = [shlex.quote(str(folder / RUNBOOK)), "--target", shlex.quote(str(folder / TARGET))]
    inputs = " ".join(words)
    allowed = " --allow-production" if is_production(platform.environment) else ""
    lines += [
        "next:",
        f"  gameday check {inputs}{allowed}",
        f"  gameday plan {inputs}",
        f"  gameday run {inputs}{allowed}",
    ]
    return lines


def _exports(platform: Platform, folder: Path) -> list[str]:
    """What has to be exported before the three commands can work."""
    lines = []
    from_file = [name for name in platform.unset if name != PASSWORD]
    if from_file:
        path = shlex.quote(os.path.join(".", folder / FILE))  # noqa: PTH118 - `.` needs a path with a slash
        lines.append(f"before that, since {' and '.join(from_file)} stands in {folder / FILE} only:")
        lines.append(f"  set -a; . {path}; set +a")
    if PASSWORD in platform.unset:
        lines.append("before that, for the database role of gameday's own (docs/your-platform.md has its SQL):")
        lines.append(f"  export {PASSWORD}=...")
    return lines


def _has_fault(platform: Platform) -> bool:
    return any(found is not None and found.through for found in (platform.database, platform.cache))
