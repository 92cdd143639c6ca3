"""The application's process: `python -P -m runbooks.sandbox.crowdfund SETTINGS LISTENING_FD`."""

from __future__ import annotations

import faulthandler
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from runbooks.sandbox.crowdfund import service
from runbooks.sandbox.crowdfund.open_files import allow_many_connections
from runbooks.sandbox.crowdfund.settings import Settings


def main() -> None:
    allow_many_connections()
    settings = Settings.read(Path(sys.argv[1]))
    listening = socket.socket(fileno=int(sys.argv[2]))
    logging.basicConfig(
        filename=settings.application_log,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with (
        settings.access_log.open("a", buffering=1, encoding="ascii") as access_log,
        settings.application_log.open("a", encoding="utf-8") as last_words,
    ):
        faulthandler.enable(last_words)
        config = uvicorn.Config(
            service.build(settings, access_log),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
