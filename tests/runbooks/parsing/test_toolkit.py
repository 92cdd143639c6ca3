"""Chaos Toolkit and plugins in a runbook: what is read, and the defects of what is not."""

from __future__ import annotations

from typing import Any

import pytest

from faults import extensions
from faults.activity_fault import ChaosToolkitParams
from harness.analysis.service_level import ProbeLevel
from runbooks.parsing import toolkit_entry

FAULT = "  - {name: no connections, kind: pool-exhaustion, proxy: postgres, at: 25s, for: 30s}\n"
LEVEL = "  - {name: cpu, reading: app-1.cpu, max: 90%}\n"
ACTION = 'action: {module: app.actions, func: stop, arguments: {name: "${HOST_NAME}", key: "${APP_TOKEN}"}}'
ROLLBACK = "rollback: {module: app.actions, func: start}"
PROBE = "probe: {module: app.probes, func: runs, tolerance: true}"


def line(*keys: str) -> str:
    return f"  - {{{', '.join(('name: no worker', 'kind: chaostoolkit', *keys, 'at: 25s', 'for: 30s'))}}}\n"


def test_references_stay_as_they_are_written_and_their_values_are_hidden(desk: Any) -> None:
    desk.environment = {**desk.environment, "APP_TOKEN": "canary-in-a-coal-mine"}
    desk.change_runbook(FAULT, line(ACTION, ROLLBACK, PROBE))
    desk.change_runbook(LEVEL, f"{LEVEL}  - {{name: mail, {PROBE.replace('true', '[1, 5]')}}}\n")

    runbook, _ = desk.load()

    params = runbook.faults[1].params
    assert isinstance(params, ChaosToolkitParams)
    assert params.action.arguments == {"name": "${HOST_NAME}", "key": "${APP_TOKEN}"}
    assert (runbook.faults[1].on, runbook.faults[1].place) == ("platform", "")
    assert "canary-in-a-coal-mine" in runbook.hidden
    [level] = [level for level in runbook.service_levels if isinstance(level, ProbeLevel)]
    assert (level.probe.name, level.probe.tolerance) == ("app.probes.runs", [1, 5])


OURS = line(ACTION, ROLLBACK, PROBE)
LITERAL = ACTION.replace("${APP_TOKEN}", "x").replace("key:", "password:")
WRONG = {
    "the key 'rollback' is missing (add rollback: ...)": line(ACTION, PROBE),
    "must say what takes the action back (write {module: ...,": line(ACTION, "rollback: nothing", PROBE),
    "unknown key 'fnc' (did you mean 'func'?)": line(ACTION, ROLLBACK.replace("func", "fnc"), PROBE),
    "the key 'probe' is missing (add probe: ...)": line(ACTION, ROLLBACK),
    "chaostoolkit names what it sits on by itself (take proxy: out)": line(ACTION, ROLLBACK, PROBE, "proxy: postgres"),
    "unknown key 'timout' of the fault kind 'chaostoolkit' (did": line(ACTION, ROLLBACK, PROBE, "timout: 5s"),
    "unknown key 'fun' (did you mean 'func'?)": line(ACTION, ROLLBACK, PROBE.replace("func", "fun")),
    "faults.action: holds what looks like a secret (write ${NAME}": line(LITERAL, ROLLBACK, PROBE),
    "unknown fault kind 'chaostolkit' (did you mean 'chaostoolkit'?)": OURS.replace("toolkit", "tolkit"),
}


@pytest.mark.parametrize("defect", WRONG)
def test_what_is_wrong_is_told_with_its_line(desk: Any, defect: str) -> None:
    desk.change_runbook(FAULT, WRONG[defect])

    assert [text for text in desk.defects() if defect in text and text.startswith("drill.yaml:")]


def test_without_chaos_toolkit_both_uses_say_what_to_install(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolkit_entry, "installed", lambda: False)
    desk.change_runbook(FAULT, line(ACTION, ROLLBACK, PROBE))
    desk.change_runbook(LEVEL, f"{LEVEL}  - {{name: mail, {PROBE}}}\n")

    told = desk.defects()

    assert len(told) == 2
    assert all('Chaos Toolkit is not installed here (pip install "gameday[chaostoolkit]"' in text for text in told)


def test_a_plugin_that_can_not_be_used_is_named_with_the_kind_that_nobody_has(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = extensions.Extension("own", "own-plugin 2.1", problem="it can't be loaded: no such thing")
    monkeypatch.setattr("faults.catalog.loaded", lambda _: (broken,))
    desk.change_runbook("kind: pool-exhaustion", "kind: own-kind")

    [told] = desk.defects()
    assert (
        "unknown fault kind 'own-kind' (the plugin own of own-plugin 2.1 can't be used: it can't be loaded: no" in told
    )
