"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import BadInput

SANDBOX = "sandbox"
RUNS = click.option("--runs", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True,
                    help="The folder that holds the run folders.")  # fmt: skip
TARGET = click.option("--target", "target_name", default=SANDBOX, show_default=True,
                      help="A target file, or: sandbox, sandbox:NAME, sandbox+DEFECT.")  # fmt: skip
ALLOW_PRODUCTION = click.option("--allow-production", is_flag=True,
                                help="Play on a target whose environment is production.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True,
                    help="Print result.json on standard output, the rest on standard error.")  # fmt: skip
WEB_UI = click.option("--web-ui", is_flag=True,
                      help="Show Locust's own web page, on this machine alone.")  # fmt: skip
WEB_PORT = click.option("--web-port", type=click.IntRange(0, 65_535),
                        help="The page's port; left out or 0: the system chooses.")  # fmt: skip


def web_port_of(*, web_ui: bool, web_port: int | None) -> int | None:
    """The port of Locust's own web page; 0: any, None: no page. Raises BadInput for a port without a page."""
    if web_port is not None and not web_ui:
        raise BadInput("--web-port is the port of Locust's own web page", mend="add --web-ui")
    return (web_port or 0) if web_ui else None
