"""A run's inputs once more: the originals where they still are what was played, else the run folder's copies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BadInput
from harness.journal import reader
from harness.journal.record import RunStarted
from runbooks.books import find_book
from runbooks.commands.options import SANDBOX
from runbooks.game_day import Inputs
from runbooks.parsing.as_played import AsPlayed
from runbooks.parsing.inputs import load_runbook, load_target
from runbooks.provenance import RUNBOOK, TARGET
from runbooks.target import Target

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Found:
    """An input: `path` is where the original lies or lay; `copy` the run folder's, where that must stand in."""

    path: Path
    copy: Path | None = None


class Replay:
    """The inputs of the run in `folder`. Raises BadInput when its journal does not know of any."""

    def __init__(self, folder: Path, allow_also: tuple[str, ...] = ()) -> None:
        started = reader.read(folder).first(RunStarted)
        if started is None:
            raise BadInput("its journal holds no start of a run", where=str(folder), mend="name another run")
        self._folder, self._started, self._allow_also = folder, started, allow_also

    @property
    def target_name(self) -> str:
        """What the person typed as the target then."""
        return self._started.target_path

    def inputs(self, target_file: Path, say: Say) -> Inputs:
        """`target_file`: the sandbox's, if the target was one. `say` hears what is not as it was.

        Raises BadInput where an input is neither there as it was nor copied whole."""
        target = self._target(target_file, say)
        runbook_at = self._find(RUNBOOK, self._runbook_path(), say)
        locust_at = self._find(self._started.locustfile, None, say)
        played = None
        if runbook_at.copy is not None or locust_at.copy is not None:
            text = (runbook_at.copy or runbook_at.path).read_text(encoding="utf-8")
            # a runbook's own words lead to its Locust file, unless that one is another now
            locustfile = locust_at.copy or (locust_at.path if runbook_at.copy is not None else None)
            played = AsPlayed(text, locustfile)
        runbook = load_runbook(runbook_at.path, target, played=played)
        return Inputs(
            runbook,
            target,
            self._started.runbook_path,
            self._started.target_path,
            composed=self._started.composed,
            compare_with=self._folder,
        )

    def _target(self, target_file: Path, say: Say) -> Target:
        if re.split(r"[:+]", self.target_name)[0] == SANDBOX and not Path(self.target_name).exists():
            return load_target(target_file, allow_also=self._allow_also)
        found = self._find(TARGET, Path(self.target_name), say)
        text = found.copy.read_text(encoding="utf-8") if found.copy is not None else None
        return load_target(found.path, text=text, allow_also=self._allow_also)

    def _runbook_path(self) -> Path:
        try:
            return find_book(self._started.runbook_path)
        except BadInput:
            return Path(self._started.runbook_path)

    def _find(self, name: str, otherwise: Path | None, say: Say) -> _Found:
        """An input of the run; `otherwise` is where runs of before its path was written down had it."""
        known = self._started.input_paths.get(name)
        path = Path(known) if known else (otherwise or self._folder / name).absolute()
        hash_then = self._started.inputs.get(name, "")
        composed = name == RUNBOOK and self._started.composed
        if not composed and _hash(path) == hash_then:
            return _Found(path)
        copy = self._folder / name
        hash_now = _hash(copy)
        what = f"{path} {'is gone' if _hash(path) is None else 'has changed since'}"
        what = "the runbook was made for that run alone" if composed else what
        if hash_now is None:
            raise BadInput(f"{what}, and its copy in the run folder is gone too", where=str(copy))
        if hash_now != hash_then:
            mend = "bring the original back, or play what is there now with gameday run"
            differs = "its copy is not what was played (secrets were taken out, or somebody edited it)"
            raise BadInput(f"{what}, and {differs}", where=str(copy), mend=mend)
        if not composed:
            say(f"{what}: playing the run folder's copy")
        return _Found(path, copy)


def _hash(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
