"""A folder with a runbook, a target and a Locust file, to be spoilt by the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.errors import BadInput
from runbooks.parsing.inputs import load_inputs
from runbooks.runbook import Runbook
from runbooks.target import Target

# the two examples of the design, word for word
RUNBOOK = """\
# a runbook
title: Investors keep investing while the database slows down, then runs out of connections
hypothesis: With every database round trip 50 ms slower, investing stays within its service levels.
expect: stopped                       # a drill of the emergency procedure; leave out to expect "held"
load: {locustfile: ../scenarios/crowdfund.py, tags: [investment, payment], users: 100, spawn_rate: 20, args: []}
phases: {warm_up: 10s, baseline: 15s, recovery: 20s}    # the faults' phase lasts until the last fault has ended
service_levels:                       # requests: "METHOD name", with globs, by Locust's request names
  - {name: api, requests: "* /api/v1/*", p95: 200ms, error_rate: 1%}
  - {name: certificate, requests: "GET /api/v1/certificates/*/download/", p95: 3s}
  - {name: payment, requests: "* /api/v1/payments/*", p95: 5s}
  - {name: cpu, reading: app-1.cpu, max: 90%}
  - {name: no double charge, query: {database: main, sql: "select count(*) - count(distinct reference) from payments", equals: 0}}
faults:
  - {name: slow database, kind: latency, proxy: postgres, latency: 50ms, jitter: 10ms, at: 0s, for: 20s}
  - {name: no connections, kind: pool-exhaustion, proxy: postgres, at: 25s, for: 30s}
stop_when:
  - {condition: error_rate, above: 1%}     # a sequential test (facts/diagnosis.md 4.1); with "over: 3s" a plain ratio
  - {condition: p95, of: api, above: 2s, over: 5s}
  - {condition: stall, over: 1s}
  - {condition: reading, of: app-1.cpu, above: 97%, over: 20s}
emergency:
  collect: [app-1, db-1]
  rollback: [{host: app-1, run: systemctl restart crowdfund, when: asked}]
notify: {slack: "#game-day"}
"""  # noqa: E501 - the design's own lines

TARGET = """\
# a target
environment: practice                 # production is refused without its opt-out
base_url: http://127.0.0.1:8000
allow: [127.0.0.0/8]
toxiproxy: {managed: true}            # or {url: "http://127.0.0.1:8474"}
proxies:
  postgres: {listen: 127.0.0.1:15432, upstream: 127.0.0.1:5432}
databases:
  main: {dsn: "${DATABASE_URL}", through: postgres}     # dsn goes to the server directly, the platform goes through the proxy
caches:
  main: {url: "${REDIS_URL}", through: redis}
hosts:
  app-1: {ssh: deploy@127.0.0.1:2222, logs: [/var/log/crowdfund/application.log, /var/log/nginx/access.log], commands: [df -h]}
  db-1: {ssh: deploy@127.0.0.1:2223, logs: [/var/log/postgresql/*.log]}
containers: {labels: {com.docker.compose.project: crowdfund}}
"""  # noqa: E501 - the design's own lines

SECRETS = {
    "DATABASE_URL": "postgresql://app:correct-horse@127.0.0.1:5432/crowdfund",
    "REDIS_URL": "redis://:battery-staple@127.0.0.1:6379/0",
}


@dataclass
class Desk:
    """The files as a person has them."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(SECRETS))

    @property
    def runbook_path(self) -> Path:
        return self.folder / "runbooks" / "drill.yaml"

    @property
    def target_path(self) -> Path:
        return self.folder / "target.yaml"

    def change_runbook(self, old: str, new: str) -> None:
        self._change(self.runbook_path, old, new)

    def change_target(self, old: str, new: str) -> None:
        self._change(self.target_path, old, new)

    def load(self) -> tuple[Runbook, Target]:
        return load_inputs(self.runbook_path, self.target_path, environment=self.environment)

    def defects(self) -> list[str]:
        """ "drill.yaml:7: what (mend)" for each defect."""
        return [
            line.replace(str(self.folder) + "/", "").replace("runbooks/", "") for line in map(str, self.error().defects)
        ]

    def error(self) -> BadInput:
        with pytest.raises(BadInput) as caught:
            self.load()
        return caught.value

    def _change(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} must stand in the file once"
        path.write_text(text.replace(old, new))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Sound files: the design's examples."""
    desk = Desk(tmp_path)
    for path, text in (
        (desk.runbook_path, RUNBOOK),
        (desk.target_path, TARGET),
        (tmp_path / "scenarios" / "crowdfund.py", "from locust import HttpUser\n"),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return desk
