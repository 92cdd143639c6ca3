"""The lease keeper: runs beside a Toxiproxy of another machine and takes our faults off when we fall silent.

One file for python3 alone (3.6 and newer), sent over SSH. On its standard input come lines of JSON: first what to
watch over, then heartbeats, each with all undo records that are open now, then {"done": true}. Each heartbeat is
acknowledged. Without one for `lease_s`, or when the input ends without "done", it heals those records through the
API at its own address, for `try_s` at most, and for as long takes off again what was still under way and lands late.
What it did is in a folder of its own, removed after "done".
"""

import contextlib
import http.client
import json
import os
import queue
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from urllib.parse import quote

CALL_S = 1.0
AGAIN_S = 0.5
HELLO_S = 10.0
# a proxy that is to be open may be closed again by the next game day: it is not watched for long
WATCH_SWITCH_S = 5.0
REPLACED = "-gameday"
DONE = (200, 201, 204)


class Silent(Exception):
    """No answer, or a lost one: what the call did is unknown."""


class Gone(Exception):
    """Nothing listens there: our faults ended with that server."""


class Rejected(Exception):
    """An answer that is no success."""


class Api:
    """Toxiproxy's API, with a second for each call."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def call(self, verb: str, path: str, body: "dict[str, object] | None" = None) -> "tuple[int, dict[str, object]]":
        """The status and the decoded answer. Raises Silent or Gone."""
        link = http.client.HTTPConnection(self.host, self.port, timeout=CALL_S)
        try:
            link.request(verb, path, body=None if body is None else json.dumps(body))
            response = link.getresponse()
            content = response.read()
        except ConnectionRefusedError as error:
            raise Gone(str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise Silent(f"{verb} {path}: {str(error) or type(error).__name__}") from None
        finally:
            link.close()
        if response.status == 503:
            raise Silent(f"{verb} {path}: the server gave up on it")
        try:
            answer = json.loads(content.decode("utf-8", "replace"))
        except ValueError:
            answer = {}
        return response.status, answer if isinstance(answer, dict) else {}


class Undo:
    """One fault that is open: a toxic of ours on a proxy, or (toxic "") a proxy whose `enabled` was changed."""

    def __init__(self, line: "dict[str, object]") -> None:
        self.id = str(line["id"])
        self.proxy, self.toxic = str(line["proxy"]), str(line.get("toxic") or "")
        self.listen, self.upstream = str(line["listen"]), str(line["upstream"])
        self.enabled = bool(line["enabled"])

    @property
    def path(self) -> str:
        return "/proxies/" + quote(self.proxy, safe="")

    @property
    def toxic_path(self) -> str:
        return self.path + "/toxics/" + quote(self.toxic, safe="")


class Ladder:
    """Takes one fault off: the plain call, else a proxy in the place of the one that no longer answers."""

    def __init__(self, api: Api, undo: Undo) -> None:
        self.api, self.undo = api, undo

    def climb(self) -> str:
        """The rung that did it. Raises Silent or Rejected."""
        try:
            try:
                return self.remove() if self.undo.toxic else self.switch()
            except Silent:
                return self.replace()
        except Gone:
            return "gone"

    def landed_late(self) -> bool:
        """Take it off again. True when it had come back. Raises Silent or Gone."""
        if self.undo.toxic:
            return self.api.call("DELETE", self.undo.toxic_path)[0] in DONE
        status, proxy = self.api.call("GET", self.undo.path)
        if status != 200 or proxy.get("enabled") is self.undo.enabled:
            return False
        self.api.call("PATCH", self.undo.path, {"enabled": self.undo.enabled})
        return True

    def remove(self) -> str:
        status, _ = self.api.call("DELETE", self.undo.toxic_path)
        if status not in DONE and status != 404:
            raise Rejected(f"DELETE {self.undo.toxic_path}: {status}")
        seen, proxy = self.api.call("GET", self.undo.path)
        if seen == 404:
            return "gone"
        toxics = proxy.get("toxics")
        if isinstance(toxics, list) and any(toxic.get("name") == self.undo.toxic for toxic in toxics):
            raise Silent("the toxic is still there after its removal")
        return "absent" if status == 404 else "delete"

    def switch(self) -> str:
        body = {"enabled": self.undo.enabled}  # type: dict[str, object]
        status, answer = self.api.call("PATCH", self.undo.path, body)
        if status == 405:
            status, answer = self.api.call("POST", self.undo.path, body)
        if status == 404:
            return "gone"
        if status not in DONE or answer.get("enabled") is not self.undo.enabled:
            raise Rejected(f"PATCH {self.undo.path}: {status} {answer.get('error', '')}")
        return "enable"

    def replace(self) -> str:
        """The wedged proxy's listen port is freed by closing it, however that call ends."""
        with contextlib.suppress(Silent):
            self.api.call("PATCH", self.undo.path, {"enabled": False})
        if not self.undo.enabled:
            return "disable"
        name = self.undo.proxy + REPLACED
        body = {"name": name, "listen": self.undo.listen, "upstream": self.undo.upstream, "enabled": True}
        status, answer = self.api.call("POST", "/proxies", body)
        if status not in DONE and status != 409:
            raise Rejected(f"POST /proxies: {status} {answer.get('error', '')}")
        return "replace"


class Log:
    """Lines of JSON: to whoever still listens, and into the keeper's own folder."""

    def __init__(self) -> None:
        self.folder = ""
        self.lock = threading.Lock()

    def say(self, **facts: object) -> None:
        line = (json.dumps(facts) + "\n").encode()
        with self.lock:
            # nobody may be left who reads: a full pipe must not hold us up
            with contextlib.suppress(OSError):
                if select.select([], [1], [], 0)[1]:
                    os.write(1, line)
            if self.folder and "ack" not in facts:
                with contextlib.suppress(OSError), Path(self.folder, "keeper.log").open("ab") as file:
                    file.write(line)

    def remove(self) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Keeper:
    """`lines`: the messages that come in, None at their end."""

    def __init__(self, hello: "dict[str, float]", api: Api, lines: "queue.Queue[object]", log: Log) -> None:
        self.api, self.lines, self.log = api, lines, log
        self.lease_s, self.bound_s, self.try_s = hello["lease_s"], hello["bound_s"], hello["try_s"]
        self.undos = []  # type: list[Undo]
        self.dismissed = threading.Event()

    def keep(self) -> bool:
        """Until "done" (True), or until the lease is over (False)."""
        end = time.monotonic() + self.bound_s
        heard = time.monotonic()
        while True:
            try:
                message = self.lines.get(timeout=max(0.0, min(heard + self.lease_s, end) - time.monotonic()))
            except queue.Empty:
                late = time.monotonic() >= end
                return self.over("it was asked for no longer" if late else f"no heartbeat for {self.lease_s:g} s")
            if not isinstance(message, dict):
                return self.over("the connection ended")
            if message.get("done"):
                return True
            heard, self.undos = time.monotonic(), [Undo(line) for line in message["undos"]]
            self.log.say(ack=message["beat"])

    def over(self, why: str) -> bool:
        self.log.say(over=why, open=[undo.id for undo in self.undos])
        return False

    def heal(self) -> None:
        """Everything that was open, side by side: one that hangs never delays the next."""
        threads = [threading.Thread(target=self.heal_one, args=(undo,), daemon=True) for undo in self.undos]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            with contextlib.suppress(queue.Empty):
                message = self.lines.get(timeout=AGAIN_S)
                if isinstance(message, dict) and message.get("done"):
                    self.dismissed.set()
        self.log.say(ended=True)

    def heal_one(self, undo: Undo) -> None:
        until, said = time.monotonic() + self.try_s, ""
        while time.monotonic() < until:
            try:
                rung = Ladder(self.api, undo).climb()
            except (Silent, Rejected) as error:
                if str(error) != said:
                    said = str(error)
                    self.log.say(failed=undo.id, reason=said)
            else:
                self.log.say(healed=undo.id, rung=rung)
                if rung not in ("replace", "disable"):  # the wedged proxy is better not asked again
                    self.watch(undo, until)
                return
            if self.dismissed.wait(AGAIN_S):
                return
        self.log.say(gave_up=undo.id)

    def watch(self, undo: Undo, until: float) -> None:
        """A call that was under way when we were cut off may still land."""
        if not undo.toxic:
            until = time.monotonic() + WATCH_SWITCH_S
        while time.monotonic() < until and not self.dismissed.wait(AGAIN_S):
            with contextlib.suppress(Silent, Gone):
                if Ladder(self.api, undo).landed_late():
                    self.log.say(healed=undo.id, rung="delete", late=True)


def find_api(hello: "dict[str, object]") -> "tuple[Api, bool]":
    """The API as it is reached from here, and whether that is this machine. Raises Rejected."""
    seen, port = [], int(str(hello["port"]))
    for host in ("127.0.0.1", str(hello["host"])):
        api = Api(host, port)
        try:
            recognise(api, hello["proxies"])
        except (Silent, Gone, Rejected) as error:
            seen.append(f"{host}:{port}: {error}")
        else:
            return api, is_here(host)
    raise Rejected("; ".join(seen))


def recognise(api: Api, proxies: object) -> None:
    """Raises Rejected when it is not the server that our other end has seen; Silent or Gone when there is none."""
    assert isinstance(proxies, dict)
    status, _ = api.call("GET", "/version")
    if status != 200:
        raise Rejected(f"GET /version: {status}")
    for name, (listen, upstream) in sorted(proxies.items()):
        status, proxy = api.call("GET", "/proxies/" + quote(name, safe=""))
        if (status, proxy.get("listen"), proxy.get("upstream")) != (200, listen, upstream):
            raise Rejected(f"another Toxiproxy: it has no such proxy {name}")


def is_here(host: str) -> bool:
    """Whether an address is one of this machine's own."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.bind(address)
    except OSError:
        return False
    return True


def read_lines(lines: "queue.Queue[object]") -> None:
    """Every line of standard input as a message, then None."""
    with contextlib.suppress(OSError, ValueError):
        for line in iter(sys.stdin.buffer.readline, b""):
            lines.put(json.loads(line.decode()))
    lines.put(None)


def detach() -> None:
    """Whatever ends the SSH session must not end us."""
    for name in ("SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.setsid()


def main() -> None:
    detach()
    log, lines = Log(), queue.Queue()  # type: tuple[Log, queue.Queue[object]]
    threading.Thread(target=read_lines, args=(lines,), daemon=True).start()
    hello = lines.get(timeout=HELLO_S)
    if not isinstance(hello, dict):
        return
    try:
        api, here = find_api(hello)
    except Rejected as error:
        log.say(error=str(error))
        return
    if not hello.get("look"):
        log.folder = tempfile.mkdtemp(prefix=f"gameday-keeper-{hello['id']}-")
    python = ".".join(str(part) for part in sys.version_info[:3])
    log.say(ready=f"{api.host}:{api.port}", here=here, python=python, pid=os.getpid(), folder=log.folder)
    if hello.get("look"):
        return
    keeper = Keeper(hello, api, lines, log)
    if keeper.keep() or not keeper.undos:
        log.remove()
    else:
        keeper.heal()


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - the other end hears the last of it
        traceback.print_exc()
    # the thread that reads would hold its lock for ever, and the interpreter abort over it
    os._exit(0)
