"""Registers on `locust.events`, counts, and tells the conductor. Runs in the load process.

Imported after locust, by the entry point alone. Its listeners never raise: Locust would count that as a failed run.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
from gevent.monkey import get_original
from locust import log as locust_log
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook
from locust.runners import MasterRunner, WorkerRunner

from harness.clock import boot_s
from harness.load.failure import kind_of
from harness.load.in_flight import HandFired, InFlight
from harness.load.kept_in import OUTSIDE, KeptIn
from harness.load.link import Link
from harness.load.steering import Steering
from harness.load.tally import Tally, TickCount
from harness.load.wire import MAX_NAMES, ON_STOP_S, OTHER_NAMES, tick_of, tick_start

BEAT_S = 0.05
HARD_EXIT_AFTER_S = 1.5
_MOST_TICKS_AT_ONCE = 4  # what is older was a gap, and the conductor has said so


class Telemetry:
    """One per load process; `register` before Locust's own `main`.

    The process that starts Locust connects at once, so that it follows a dead conductor even while the Locust file is
    still being imported; each worker that it forks connects anew.
    """

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._tally = Tally()
        self._in_flight = InFlight()
        self._hand_fired = HandFired()
        self._kept_in = KeptIn()
        self._environment: Any = None
        self._hub: Any = None
        self._sampling = False
        self._quitting = False
        self._said_cap = False
        self._next_tick = 0
        self._sent_until = 0.0
        self._lag_s = 0.0
        self._beat_at = boot_s()
        self._cpu_s = time.process_time()
        self._flush_lock = get_original("_thread", "allocate_lock")()
        self._link = self._connect()
        self._link.send({"type": "start", "pid": os.getpid()})

    def register(self, events: Any) -> None:
        events.request.add_listener(self._on_request)
        events.user_error.add_listener(self._on_user_error)
        events.init.add_listener(self._on_init)
        events.quit.add_listener(self._on_end)
        _follow(HttpSession, self._enter, self._leave)
        _follow(FastHttpSession, self._enter, self._leave)
        _follow_measure(self._enter, self._leave)

    def broken(self, what: str, file: str, line: int) -> None:
        """The Locust file did not load."""
        self._link.send({"type": "broken", "what": what, "file": file, "line": line})

    # --- in Locust's greenlets

    def outside(self, where: str) -> None:
        """A connect to an address outside the allow-list was refused: counted, never raises."""
        if self._kept_in.refused(where, gevent.getcurrent()):
            self._tally.request(boot_s(), OUTSIDE, "connection", None)

    def _enter(self) -> int:
        greenlet = gevent.getcurrent()
        self._hand_fired.entered(greenlet)
        self._kept_in.entered(greenlet)
        return self._in_flight.enter(boot_s())

    def _leave(self, token: int) -> None:
        self._kept_in.left(gevent.getcurrent())
        self._in_flight.leave(token)

    def _on_request(
        self,
        request_type: object = "",
        name: object = "",
        response_time: float | None = None,
        exception: object = None,
        response: object = None,
        **_others: object,
    ) -> None:
        try:
            now = boot_s()
            self._hand_fired.fired(gevent.getcurrent(), now)
            kind = kind_of(exception, response) if exception else None
            elapsed_ms = float(response_time) if response_time is not None else None
            self._tally.request(now, f"{request_type} {name}", kind, elapsed_ms)
        except Exception as error:  # noqa: BLE001 - a client of the user's own may hand anything to the event
            self._link.send({"type": "note", "text": f"a request event could not be read: {error!r}"})

    def _on_user_error(self, **_others: object) -> None:
        self._tally.task_error(boot_s())

    def _on_init(self, environment: Any, runner: Any, **_others: object) -> None:
        if self._link.pid != os.getpid():
            self._link.abandon()
            self._kept_in.take()  # the parent tells what happened before the fork
            self._flush_lock = get_original("_thread", "allocate_lock")()
            self._link = self._connect()
        self._environment = environment
        self._hub = gevent.get_hub()
        role = "master" if isinstance(runner, MasterRunner) else "local"
        role = "worker" if isinstance(runner, WorkerRunner) else role
        gevent.spawn(self._begin, role)  # not yet: a listener of the user's own comes after us and may raise

    def _begin(self, role: str) -> None:
        if locust_log.unhandled_greenlet_exception:
            return  # that ends Locust before the load begins
        self._beat_at = boot_s()
        self._cpu_s = time.process_time()
        self._next_tick = tick_of(self._beat_at)
        self._sent_until = self._beat_at
        self._link.send({"type": "hello", "pid": os.getpid(), "role": role, "tick": self._next_tick})
        self._sampling = role != "master"
        steering = Steering(self._environment, self._link.send) if role != "worker" else None
        while True:
            gevent.sleep(BEAT_S)
            if steering is not None and not self._quitting:
                steering.look()
            now = boot_s()
            self._lag_s = max(self._lag_s, now - self._beat_at - BEAT_S)
            self._beat_at = now

    def _on_end(self, **_others: object) -> None:
        self._flush(final=True)

    def _quit(self, *, politely: bool = False) -> None:
        self._quitting = True
        environment = self._environment
        environment.stop_timeout = 0.0
        if politely:
            gevent.spawn_later(ON_STOP_S, self._quit)
            if isinstance(environment.runner, WorkerRunner):
                return  # its master tells it; a second order would cut its users' on_stop short
        else:
            # the runner kills them once more: that ends those who are in an on_stop that waits for a dead server
            self._kill_users()
        environment.runner.quit()
        if environment.web_ui:
            environment.web_ui.stop()

    def _kill_users(self) -> None:
        # one by one: Group.kill passes over those that are already dying
        for greenlet in list(self._environment.runner.user_greenlets):
            greenlet.kill(block=False)

    # --- in the native thread

    def _connect(self) -> Link:
        try:
            link = Link(self._path, self._flush, self._asked_to_quit, self._conductor_lost)
        except OSError:
            self._remove_socket()
            os._exit(1)  # the conductor is gone already: nobody wants this load
        link.start()
        return link

    def _flush(self, *, final: bool = False) -> None:
        """Send the windows of all ticks that have ended; the last one unfinished, if it is the `final` one."""
        with self._flush_lock:
            if connects := self._kept_in.take():
                self._link.send({"type": "outside", "connects": connects})
            if not self._sampling:
                return
            self._sampling = not final
            now = boot_s()
            last = tick_of(now) if final else tick_of(now) - 1
            first = max(self._next_tick, last + 1 - _MOST_TICKS_AT_ONCE)
            for tick, count in self._tally.take(first, last).items():
                self._send_window(tick, count, now)
            self._next_tick = last + 1
            self._lag_s = 0.0
            if self._tally.names.overflowed and not self._said_cap:
                self._said_cap = True
                text = f'more than {MAX_NAMES} request names: the others are counted as "{OTHER_NAMES}"'
                self._link.send({"type": "note", "text": f"{text}; give requests with ids in their URL a name="})

    def _send_window(self, tick: int, count: TickCount, now: float) -> None:
        end = min(now, tick_start(tick + 1))
        users = list(self._environment.runner.user_greenlets)
        begun = self._in_flight.since() + self._hand_fired.since(users, now)
        cpu_s, self._cpu_s = self._cpu_s, time.process_time()
        self._link.send(
            {
                "type": "window",
                "pid": os.getpid(),
                "tick": tick,
                "start": max(tick_start(tick), min(self._sent_until, end)),
                "end": end,
                "names": count.names,
                "task_errors": count.task_errors,
                "users": len(users),
                "in_flight": len(begun),
                "oldest_in_flight_s": round(max(0.0, now - min(begun, default=now)), 3),
                "lag_ms": round(max(self._lag_s, now - self._beat_at - BEAT_S, 0.0) * 1000, 1),
                "cpu": round((self._cpu_s - cpu_s) / max(1e-3, now - self._sent_until), 3),
                "dropped": self._link.dropped,
            }
        )
        self._sent_until = end

    def _asked_to_quit(self, politely: bool) -> None:  # noqa: FBT001 - a callback's only argument
        if self._environment is None:
            os._exit(0)  # no load has begun
        self._flush(final=True)
        self._run_quit(politely=politely)

    def _conductor_lost(self) -> None:
        self._remove_socket()
        if self._environment is not None:
            self._run_quit(politely=False)
            waiting = get_original("_thread", "allocate_lock")()
            waiting.acquire()
            waiting.acquire(timeout=HARD_EXIT_AFTER_S)
        os._exit(1)

    def _remove_socket(self) -> None:
        with contextlib.suppress(OSError):  # nobody else is left to do it; another load process may have been faster
            Path(self._path).unlink()
            Path(self._path).parent.rmdir()

    def _run_quit(self, *, politely: bool) -> None:
        self._hub.loop.run_callback_threadsafe(functools.partial(gevent.spawn, self._quit, politely=politely))


def _follow(session: Any, enter: Callable[[], int], leave: Callable[[int], None]) -> None:
    send = session.request

    @functools.wraps(send)
    def request(*args: Any, **kwargs: Any) -> Any:
        token = enter()
        try:
            return send(*args, **kwargs)
        finally:
            leave(token)

    session.request = request


def _follow_measure(enter: Callable[[], int], leave: Callable[[int], None]) -> None:
    original: Any = EventHook.measure

    @contextmanager
    @functools.wraps(original)
    def measure(*args: Any, **kwargs: Any) -> Iterator[Any]:
        token = enter()
        try:
            with original(*args, **kwargs) as request_meta:
                yield request_meta
        finally:
            leave(token)

    hook: Any = EventHook
    hook.measure = measure
