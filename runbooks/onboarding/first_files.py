"""The first target, runbook and Locust file, as text with comments; read back before they are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.errors import BadInput
from harness.report import whole_file
from runbooks.onboarding.platform import Platform
from runbooks.onboarding.survey import LOCUSTFILE
from runbooks.parsing.inputs import load_inputs

TARGET, RUNBOOK = "target.yaml", "first-game-day.yaml"
_STAND_IN = "stands-in-for-a-secret"


def render(platform: Platform) -> dict[str, str]:
    """The files by name. A Locust file is among them only where there is none yet."""
    names = [TARGET, RUNBOOK] if platform.locustfile else [TARGET, RUNBOOK, LOCUSTFILE]
    return {name: _environment().get_template(f"{name}.j2").render(p=platform) for name in names}


def check(files: Mapping[str, str], platform: Platform, environment: Mapping[str, str]) -> None:
    """Reads the files as `gameday run` will. Raises BadInput with what is wrong in them."""
    known = {**dict.fromkeys(platform.unset, _STAND_IN), **environment}
    with tempfile.TemporaryDirectory(prefix="gameday-init-") as name:
        folder = Path(name)
        for file, text in {LOCUSTFILE: "", **files}.items():
            (folder / file).write_text(text, encoding="utf-8")
        load_inputs(folder / RUNBOOK, folder / TARGET, environment=known)


def refuse_to_overwrite(folder: Path, *, force: bool) -> None:
    """Raises BadInput when a file that would be written is there, or is no file."""
    there = [name for name in (TARGET, RUNBOOK) if (folder / name).exists() or (folder / name).is_symlink()]
    if there and not force:
        mend = "--force writes over it" if len(there) == 1 else "--force writes over them"
        raise BadInput(f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already",
                       where=str(folder), mend=f"{mend}, or name another folder")  # fmt: skip
    for name in there:
        if (folder / name).is_dir():
            raise BadInput("there is a folder of that name", where=str(folder / name), mend="name another folder")


def write(files: Mapping[str, str], folder: Path) -> None:
    """Raises BadInput when the folder can't be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            whole_file.write(folder / name, text)
    except OSError as error:
        mend = "mend its permissions, or name another folder"
        raise BadInput(f"can't be written to: {error.strerror}", where=str(folder), mend=mend) from error


def _flow(value: object) -> str:
    """A value as YAML on one line, as it can stand inside brackets."""
    return yaml.safe_dump([value], default_flow_style=True, width=1 << 20, allow_unicode=True).strip()[1:-1]


def _literal(value: object) -> str:
    """As `_flow`, for text that holds no references: a `${` in it means itself."""
    return _flow(str(value).replace("${", "$${"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("runbooks", "templates"),
        autoescape=False,  # noqa: S701 - YAML and Python: the filters write their values
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(flow=_flow, literal=_literal)
    return environment
