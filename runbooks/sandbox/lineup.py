"""The parts of a sandbox and how they are wired: which server listens where, and who reaches whom through what."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from faults.toxiproxy_server import ProxySpec
from harness.clock import Deadline, utc_now
from runbooks.sandbox import postgres, target_file, valkey
from runbooks.sandbox.crowdfund.settings import PRACTICE_PAYSTACK_SECRET, Settings
from runbooks.sandbox.defects import defect_named
from runbooks.sandbox.keys import KeyPair, known_hosts_line
from runbooks.sandbox.part import PartPlan, python_module
from runbooks.sandbox.port import LOOPBACK, free_port, listening_socket, port_of
from runbooks.sandbox.postgres import Postgres
from runbooks.sandbox.readiness import answers_http, greets_as_ssh
from runbooks.sandbox.target_file import Addresses, PracticeHost

APPLICATION = "application"
_RESTART = "restart-application"
_APP_HOST = "app-1"
_DB_HOST = "db-1"


@dataclass(frozen=True, slots=True)
class Listening:
    """The sockets of our own servers: opened here and handed over, so that no port can be lost in between."""

    application: socket.socket
    paystack: socket.socket
    app_host: socket.socket
    db_host: socket.socket

    @classmethod
    def open(cls) -> Listening:
        return cls(listening_socket(), listening_socket(), listening_socket(), listening_socket())

    def close(self) -> None:
        for opened in (self.application, self.paystack, self.app_host, self.db_host):
            opened.close()


class Lineup:
    """The plan of one sandbox in `folder`."""

    def __init__(self, folder: Path, listening: Listening, *, bypass: bool, defect: str = "") -> None:
        self._folder = folder
        self._listening = listening
        self._bypass = bypass
        self._defect_name = defect
        self._defect = defect_named(defect)
        self.logs = folder / "logs"
        self._postgres_port, self._valkey_port = free_port(), free_port()
        self.toxiproxy_folder = folder / "toxiproxy"
        self.proxies = (
            _proxy("postgres", self._postgres_port),
            _proxy("redis", self._valkey_port),
            _proxy("paystack", port_of(listening.paystack)),
        )
        self.base_url = f"http://{LOOPBACK}:{port_of(listening.application)}"

    def write_files(self) -> Path:
        """Keys, settings and the target file, whose path is returned."""
        self.logs.mkdir()
        keys = self._folder / "keys"
        keys.mkdir(mode=0o700)
        client = KeyPair.make(keys / "client")
        (keys / "authorized_keys").write_text(client.public + "\n", encoding="ascii")
        hosts = {_APP_HOST: self._listening.app_host, _DB_HOST: self._listening.db_host}
        lines = [known_hosts_line(LOOPBACK, port_of(s), KeyPair.make(keys / name)) for name, s in hosts.items()]
        (keys / "known_hosts").write_text("".join(lines), encoding="ascii")
        for log in self._service_log:
            log.touch()
        self._write_settings()
        self._write_restart()
        return target_file.write(
            Addresses(
                folder=self._folder,
                base_url=self.base_url,
                toxiproxy_folder=self.toxiproxy_folder,
                proxies=self.proxies,
                postgres_port=self._postgres_port,
                valkey_port=self._valkey_port,
                hosts=(
                    PracticeHost(
                        _APP_HOST,
                        port_of(self._listening.app_host),
                        (self.logs / "application.log", self.logs / "access.log", *self._service_log),
                        # in its command line, and of this sandbox alone
                        {"crowdfund": str(self._settings_file)},
                    ),
                    PracticeHost(
                        _DB_HOST,
                        port_of(self._listening.db_host),
                        (self.logs / "postgresql.log",),
                        {"postgres": str(self._postgres_folder)},
                    ),
                ),
                client_key=client.private,
                known_hosts=keys / "known_hosts",
            )
        )

    def own_servers(self) -> tuple[PartPlan, ...]:
        """The servers that are our own code. They take longest to start, and wait for the others by themselves."""
        return (
            self.application(self._listening.application),
            self._ssh_host(_APP_HOST, self._listening.app_host),
            self._ssh_host(_DB_HOST, self._listening.db_host),
            self._paystack(),
        )

    def valkey(self) -> PartPlan:
        return valkey.plan(self._valkey_port, self.logs / "valkey.log", self._defect.valkey)

    def postgres(self, deadline: Deadline) -> PartPlan:
        """Makes the data folder, which takes a while."""
        log = self.logs / "postgresql.log"
        server = Postgres(self._postgres_folder, self._postgres_port, log, self._defect.postgres, self._defect.data)
        return server.prepare(deadline)

    def application(self, listening: socket.socket) -> PartPlan:
        """The application, on this socket."""
        fd, port = listening.fileno(), port_of(listening)
        return PartPlan(
            name=APPLICATION,
            command=python_module("runbooks.sandbox.crowdfund", str(self._settings_file), str(fd)),
            port=port,
            log=self.logs / "application.out",
            ready=lambda: answers_http(port, "/health"),
            keep_fds=(fd,),
            orphan_signal=signal.SIGKILL,
        )

    def _paystack(self) -> PartPlan:
        fd, port = self._listening.paystack.fileno(), port_of(self._listening.paystack)
        return PartPlan(
            name="paystack",
            command=python_module("runbooks.sandbox.paystack", str(fd)),
            port=port,
            log=self.logs / "paystack.log",
            ready=lambda: answers_http(port, "/health"),
            keep_fds=(fd,),
            orphan_signal=signal.SIGKILL,
        )

    def _ssh_host(self, name: str, listening: socket.socket) -> PartPlan:
        keys = self._folder / "keys"
        fd, port = listening.fileno(), port_of(listening)
        command = python_module("runbooks.sandbox.ssh_host", str(fd), str(keys / name), str(keys / "authorized_keys"))
        return PartPlan(
            name=name,
            command=command,
            port=port,
            log=self.logs / f"{name}.log",
            ready=lambda: greets_as_ssh(port),
            keep_fds=(fd,),
        )

    @property
    def _settings_file(self) -> Path:
        return self._folder / "application.json"

    @property
    def _postgres_folder(self) -> Path:
        return self._folder / "postgresql"

    @property
    def has_service_manager(self) -> bool:
        """Whether the application is started again when it dies."""
        return self._defect.restarts

    @property
    def _service_log(self) -> tuple[Path, ...]:
        return (self.logs / "service.log",) if self.has_service_manager else ()

    def note_death(self, pid: int, code: int) -> None:
        """Writes the service manager's log: how the application ended, by `subprocess`'s code."""
        how = f"killed by {signal.Signals(-code).name} (signal {-code})" if code < 0 else f"exit code {code}"
        for log in self._service_log:
            with log.open("a", encoding="ascii") as file:
                now = utc_now().isoformat(timespec="milliseconds")
                file.write(f"{now} service-manager: crowdfund: main process {pid} ended, {how}; starting it again\n")

    def _write_restart(self) -> None:
        """The platform's way back: a command on app-1 that has the application restarted."""
        script = self._folder / _RESTART
        script.write_text(f"#!/bin/sh\nkill -USR1 {os.getpid()} && echo the application restarts\n", encoding="ascii")
        script.chmod(0o700)

    def _write_settings(self) -> None:
        postgres_at = self._postgres_port if self._bypass else _port(self.proxies[0].listen)
        settings = Settings(
            database_dsn=postgres.dsn("crowdfund", postgres_at),
            cache_url=f"redis://{self.proxies[1].listen}/0",
            paystack_url=f"http://{self.proxies[2].listen}",
            application_log=self.logs / "application.log",
            access_log=self.logs / "access.log",
            token_secret=secrets.token_hex(16),
            paystack_secret=os.environ.get("PAYSTACK_SECRET_KEY") or PRACTICE_PAYSTACK_SECRET,
            defect=self._defect_name,
        ).model_copy(update=dict(self._defect.application))
        handle = os.open(self._settings_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(settings.model_dump_json())


def _proxy(name: str, upstream_port: int) -> ProxySpec:
    return ProxySpec(name=name, listen=f"{LOOPBACK}:{free_port()}", upstream=f"{LOOPBACK}:{upstream_port}")


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
