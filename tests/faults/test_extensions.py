"""Plugins by their entry points: loaded late, told in one line when they can't be used, healed by their record."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from faults import catalog, extension_fault, extension_healing, extensions
from faults.extension_undo import ExtensionUndo
from faults.fault import FaultPlan
from faults.healing import command_of, heal, read_undo, what_is
from faults.platform import Platform
from harness.clock import Deadline, boot_s
from harness.errors import BadInput, GamedayError, NotHealed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList

ANYWHERE = AllowList(())
PLATFORM = Platform("shop", "http://127.0.0.1:1", ANYWHERE, Path("/"))
PLUGIN = """
    import threading
    from pydantic import BaseModel, ConfigDict
    from faults.extension_undo import ExtensionUndo
    from faults.fault import Effect, Healed, Measurement
    from faults.kind import FaultKind

    ON = []
    GATE = threading.Event()

    class Params(BaseModel):
        model_config = ConfigDict(extra="forbid")
        size: int = 1

    class Fault:
        def __init__(self, plan, place, run): self.plan = plan
        def prepare(self): return ExtensionUndo(fault_id=self.plan.id, payload={"size": 1}, command="rm it", what="it")
        def inject(self): ON.append(1)
        def prove_wire(self): return Effect("on", Measurement("on"), bool(ON))
        def prove_platform(self, before, during): return Effect("on", Measurement("on"), True)
        def present(self): return bool(ON)
        def heal(self, deadline): return heal(None, deadline)
        def measure_healed(self, deadline): return Effect("off", Measurement("off"), not ON)
        def close(self): pass

    def heal(undo, deadline):
        ON.clear()
        return Healed("cleared")

    def kind(name="own-kind", **changes):
        said = dict(on="platform", needs="n", proven="p", healed="h", heal=heal) | changes
        factory = said.pop("factory", Fault)
        params = said.pop("params", Params)
        return FaultKind(name, said.pop("summary", "s"), params, factory, said.pop("expected", lambda p: "x"), **said)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts a distribution with one entry point where Python finds it."""
    extensions._loaded.cache_clear()
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def make(code: str, name: str = "own", value: str = "") -> None:
        module = f"plugin_of_{tmp_path.name.replace('-', '_')}_{name}"
        names.append(module)
        (tmp_path / f"{module}.py").write_text(f"{dedent(PLUGIN)}\n{dedent(code)}\n")
        info = tmp_path / f"{name}_plugin-2.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[gameday.faults]\n{name} = {value or f'{module}:KINDS'}\n")

    yield make
    extensions._loaded.cache_clear()
    for module in names:
        sys.modules.pop(module, None)


def plan(kind: str = "own-kind") -> FaultPlan:
    found = catalog.kind_named(kind)
    assert found is not None
    return FaultPlan("f1", "a fault", kind, "", found.params(), 0.0, 10.0, "platform")


def test_a_plugin_s_kind_is_found_built_and_healed_by_its_record_alone(install: Callable[..., None]) -> None:
    install("KINDS = [kind(), kind('other-kind')]")

    fault = catalog.build(plan(), PLATFORM, "run")
    undo = fault.prepare()
    fault.inject()

    assert {"own-kind", "other-kind", "latency"} <= {kind.name for kind in catalog.all_kinds()}
    assert isinstance(undo, ExtensionUndo)
    assert (undo.entry_point, undo.distribution, undo.kind) == ("own", "own-plugin 2.1", "own-kind")
    assert read_undo(undo.model_dump(mode="json")) == undo
    assert (command_of(undo), what_is(undo)) == ("rm it", "it")
    assert fault.present()
    assert heal(undo, deadline=Deadline.after(2), allow=ANYWHERE).rung == "cleared"
    assert not fault.present()
    assert fault.heal(Deadline.after(2)).rung == "cleared"


def test_our_own_kinds_load_no_plugin(install: Callable[..., None]) -> None:
    install("raise SystemExit('loaded')")

    assert catalog.kind_named("latency") is catalog.KINDS["latency"]
    assert extensions._loaded.cache_info().misses == 0


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import nothing_of_this_name", "can't be loaded: .*ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 +", "SyntaxError"),
        ("NOTHING = 1", "has no attribute 'KINDS'"),
        ("KINDS = 7", "'int' object is not iterable"),
        ("KINDS = []", "brings no kind"),
        ("KINDS = ['latency']", "names a str where a FaultKind must be"),
        ("KINDS = kind('latency')", "'latency' has the name of one of gameday's own"),
        ("KINDS = [kind(), kind()]", "two kinds named 'own-kind'"),
        ("KINDS = kind('Own Kind')", "lower-case words"),
        ("KINDS = kind(on='moon')", "sits on 'moon'"),
        ("KINDS = kind(params=dict)", "needs a pydantic model"),
        ("KINDS = kind(heal=None)", "has no heal"),
        ("KINDS = kind(proven='', needs='')", "does not say its needs, proven"),
        ("class P(BaseModel):\n  at: int = 1\nKINDS = kind(params=P)", "'at': that key belongs to every fault"),
        ("class P(BaseModel):\n  size: int = 1\nKINDS = kind(params=P)", "misspelt keys pass"),
    ],
)
def test_what_can_not_be_used_is_one_line_and_brings_no_kind(
    install: Callable[..., None], code: str, problem: str
) -> None:
    install(code)

    [plugin] = catalog.plugins()

    assert catalog.kind_named("own-kind") is None
    assert plugin.kinds == ()
    assert str(plugin) == "the plugin own of own-plugin 2.1"
    assert "\n" not in plugin.problem
    assert re.search(problem, plugin.problem), plugin.problem


def test_two_plugins_can_not_bring_the_same_kind(install: Callable[..., None]) -> None:
    install("KINDS = kind()", "one")
    install("KINDS = [kind(), kind('third-kind')]", "two")

    one, two = catalog.plugins()

    assert (one.problem, [kind.name for kind in one.kinds]) == ("", ["own-kind"])
    assert two.problem == "its kind 'own-kind' has the name of one of the plugin one of one-plugin 2.1"


def test_a_plugin_that_hangs_at_its_import_is_given_up(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "LOAD_S", 0.2)
    install("GATE.wait(5)\nKINDS = kind()")

    [plugin] = catalog.plugins()

    assert "no answer within 0.2 s" in plugin.problem


def undo_of(kind: str = "own-kind", entry_point: str = "own") -> ExtensionUndo:
    return ExtensionUndo(
        fault_id="f1", command="rm it", what="it", kind=kind, entry_point=entry_point, distribution="own-plugin 2.1"
    )


@pytest.mark.parametrize(
    ("code", "undo", "why"),
    [
        ("KINDS = kind()", undo_of(entry_point="gone"), "the plugin gone of own-plugin 2.1 is not installed here"),
        ("KINDS = kind()", undo_of(kind="old-kind"), "has no kind 'old-kind' any more"),
        ("import nothing_of_this_name", undo_of(), "ModuleNotFoundError"),
        ("def broken(undo, deadline): raise KeyError('x')\nKINDS = kind(heal=broken)", undo_of(), "KeyError: 'x'"),
        ("def broken(undo, deadline): raise SystemExit\nKINDS = kind(heal=broken)", undo_of(), "SystemExit"),
        ("def broken(undo, deadline): return True\nKINDS = kind(heal=broken)", undo_of(), "returns no Healed"),
        ("def slow(undo, deadline): GATE.wait(9)\nKINDS = kind(heal=slow)", undo_of(), "no answer within"),
    ],
)
def test_what_a_plugin_can_not_heal_a_person_hears_what_to_type(
    install: Callable[..., None], code: str, undo: ExtensionUndo, why: str
) -> None:
    install(code)
    begun = boot_s()

    with pytest.raises(NotHealed) as caught:
        heal(undo, deadline=Deadline.after(0.5), allow=ANYWHERE)

    assert caught.value.mend == "rm it"
    assert why in caught.value.what
    assert boot_s() - begun < 5


@pytest.mark.parametrize(
    ("broken", "step"),
    [
        ("prepare(self): raise KeyError('x')", "prepare"),
        ("prepare(self): return None", "prepare"),
        ("prepare(self): return ExtensionUndo(fault_id='another', command='c')", "prepare"),
        ("prepare(self): return ExtensionUndo(fault_id='f1', command='')", "prepare"),
        ("inject(self): raise SystemExit", "inject"),
        ("prove_wire(self): return True", "prove_wire"),
        ("present(self): raise OSError('gone')", "present"),
        ("heal(self, deadline): raise ValueError", "heal"),
        ("heal(self, deadline): return None", "heal"),
        ("measure_healed(self, deadline): raise ValueError", "measure_healed"),
    ],
)
def test_whatever_a_step_raises_or_returns_is_an_error_of_ours(
    install: Callable[..., None], broken: str, step: str
) -> None:
    install(f"class Broken(Fault):\n    def {broken}\nKINDS = kind(factory=Broken)")
    fault = catalog.build(plan(), PLATFORM, "run")

    if step != "prepare":
        fault.prepare()

    with pytest.raises(GamedayError) as caught:
        getattr(fault, step)(*([Deadline.after(1)] if step in ("heal", "measure_healed") else []))

    assert isinstance(caught.value, NotHealed) == (step == "heal")
    assert caught.value.mend == "rm it" or step != "heal"


def test_a_step_that_hangs_is_left_behind(install: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension_fault, "PROVE_S", 0.2)
    install("class Slow(Fault):\n    def prove_wire(self): GATE.wait(9)\nKINDS = kind(factory=Slow)")
    fault = catalog.build(plan(), PLATFORM, "run")

    with pytest.raises(ReachTimeout, match=r"prove_wire of the plugin own of own-plugin 2\.1"):
        fault.prove_wire()


def test_an_injection_that_lands_after_its_healing_is_healed_again(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension_fault, "INJECT_S", 0.2)
    install(
        """
        class Late(Fault):
            def inject(self):
                GATE.wait(9)
                ON.append(1)
                LANDED.set()
            def heal(self, deadline):
                HEALED.append(bool(ON))
                return heal(None, deadline)
        LANDED, HEALED = threading.Event(), []
        KINDS = kind(factory=Late)
        """
    )
    fault = catalog.build(plan(), PLATFORM, "run")
    module = sys.modules[next(name for name in sys.modules if name.endswith("_own") and "plugin_of" in name)]
    fault.prepare()
    with pytest.raises(ReachTimeout):
        fault.inject()
    fault.heal(Deadline.after(1))

    module.GATE.set()
    module.LANDED.wait(5)
    deadline = Deadline.after(5)
    while len(module.HEALED) < 2 and not deadline.passed:
        threading.Event().wait(0.01)

    assert module.HEALED == [False, True]
    assert module.ON == []


def test_a_factory_that_fails_and_a_kind_that_nobody_has_are_told(install: Callable[..., None]) -> None:
    install("def none(*_): raise RuntimeError('no luck')\nKINDS = kind(factory=none, expected=none)")

    with pytest.raises(ReachFailed, match=r"the factory of the plugin own .*no luck"):
        catalog.build(plan(), PLATFORM, "run")
    kind = catalog.kind_named("own-kind")
    assert kind is not None
    assert kind.expected(kind.params()) == "s"
    unknown = FaultPlan("f1", "x", "no-such", "", kind.params(), 0.0, 1.0, "platform")
    with pytest.raises(BadInput, match="no fault kind no-such"):
        catalog.build(unknown, PLATFORM, "run")


def test_what_is_left_has_words_even_where_the_plugin_has_none() -> None:
    assert extension_healing.what(ExtensionUndo(fault_id="f1", command="c", kind="own-kind")) == "own-kind"
