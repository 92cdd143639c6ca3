"""Chaos Toolkit in a runbook: a probe as an invariant, what must be installed, and what of it is secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faults.activity_fault import ChaosToolkitParams, ProbeParams, ToolkitSettings
from faults.fault import FaultPlan
from harness.analysis.service_level import ProbeLevel
from harness.reach.activity import EXTRA, Activity, installed
from runbooks.parsing.amount import Text
from runbooks.parsing.validation import Checked, Entry
from runbooks.parsing.yaml_source import Place

KIND = "chaostoolkit"


class ProbeEntry(ProbeParams, ToolkitSettings):
    """A probe of a Chaos Toolkit extension, and the tolerance within which it must answer."""


class ProbeLevelEntry(Entry):
    """An invariant that a Chaos Toolkit probe tells."""

    name: Text
    probe: ProbeEntry


def read_probe(read: ProbeLevelEntry, place: Place, checked: Checked) -> ProbeLevel:
    """The invariant."""
    check_installed((*place, "probe"), checked)
    return ProbeLevel(read.name, read.probe.activity(read.probe.configuration, read.probe.secrets))


def check_installed(place: Place, checked: Checked) -> None:
    """A defect where Chaos Toolkit's library is not here."""
    if not installed():
        checked.defect(place, "Chaos Toolkit is not installed here", f'pip install "{EXTRA}", and the extension')


def toolkit_secrets(
    faults: Iterable[FaultPlan], levels: Iterable[object], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """What the variables hold that activities name: for the redactor."""
    return tuple(
        dict.fromkeys(value for activity in activities(faults, levels) for value in activity.secret_values(environment))
    )


def activities(faults: Iterable[FaultPlan], levels: Iterable[object]) -> tuple[Activity, ...]:
    """All activities of a runbook."""
    of_faults = [a for f in faults if isinstance(f.params, ChaosToolkitParams) for a in f.params.activities]
    return (*of_faults, *(level.probe for level in levels if isinstance(level, ProbeLevel)))
