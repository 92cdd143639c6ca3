"""The processes that a game day starts on this machine: its Toxiproxy and its load, each with an undo record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from faults.process_healing import SERVER
from faults.toxiproxy_binary import find_or_build
from faults.toxiproxy_server import ManagedServer, ProxySpec
from faults.undo import ProcessUndo
from harness.clock import Deadline
from harness.journal.record import Note, Record, UndoWritten
from harness.load.locust_process import LoadSpec, LocustProcess
from harness.reach.allow_list import AllowList
from runbooks.attention import attend
from runbooks.inbox import Inbox
from runbooks.platform_wait import await_platform
from runbooks.recorder import Recorder
from runbooks.runbook import LoadPlan
from runbooks.target import Target

LOAD_START_S = 30.0
BUILD_S = 300.0
SERVER_START_S = 15.0


def start_toxiproxy(target: Target, inbox: Inbox, recorder: Recorder, stack: ExitStack) -> str:
    """The API address of the target's server, "" for none; a managed one is started unless it runs already, and stopped
    with `stack`."""
    toxiproxy = target.toxiproxy
    if toxiproxy is None:
        return ""
    if not toxiproxy.managed or toxiproxy.folder is None:
        return toxiproxy.url
    specs = [ProxySpec(p.name, p.listen, p.upstream) for p in target.proxies.values()]
    folder = toxiproxy.folder
    attend(lambda: find_or_build(Deadline.after(BUILD_S)), inbox, recorder)
    server = attend(lambda: ManagedServer.ensure(folder, specs, Deadline.after(SERVER_START_S)), inbox, recorder,
                    must_end=True)  # fmt: skip
    if server.started_here:
        stack.callback(server.stop)
        _commit(recorder, ProcessUndo(fault_id="toxiproxy", pgid=server.pid, start_ticks=server.start_ticks,
                                      what=SERVER, managed_folder=str(folder)))  # fmt: skip
        recorder.record(Note(text=f"toxiproxy-server started at {server.api_url}"))
        attend(lambda: await_platform(target.base_url, AllowList(target.allow)), inbox, recorder)
    return server.api_url


def load_spec(plan: LoadPlan, target: Target, run_folder: Path) -> LoadSpec:
    """What Locust is started with, in the folder where the person is."""
    return LoadSpec(
        locustfile=plan.locustfile,
        host=target.base_url,
        users=plan.users,
        spawn_rate=plan.spawn_rate,
        tags=plan.tags,
        exclude_tags=plan.exclude_tags,
        args=plan.args,
        processes=plan.processes,
        web_port=plan.web_port,
        cwd=Path.cwd(),
        log=run_folder / "locust.log",
        allow=target.allow,
    )


def start_load(
    spec: LoadSpec, emit: Callable[[Record], None], inbox: Inbox, recorder: Recorder, stack: ExitStack
) -> LocustProcess:
    """The load, which is stopped with `stack`. Raises LoadFailed."""
    load = LocustProcess(spec, recorder.clock, emit)
    stack.callback(load.stop, 0.0)
    attend(lambda: load.start(Deadline.after(LOAD_START_S)), inbox, recorder)
    _commit(recorder, ProcessUndo(fault_id="load", pgid=load.pgid, start_ticks=load.start_ticks, what="locust"))
    return load


def _commit(recorder: Recorder, undo: ProcessUndo) -> None:
    recorder.journal.commit(UndoWritten(fault_id=undo.fault_id, undo=undo.model_dump()))
