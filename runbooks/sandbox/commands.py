"""`gameday sandbox up | down | status`."""

from __future__ import annotations

import sys

import click

from runbooks.sandbox.sandbox import Sandbox, list_running, take_down

NAME = click.option("--name", default="default", show_default=True, help="Several sandboxes can be up at once.")


@click.group()
def sandbox() -> None:
    """The practice platform: a crowdfunding API with PostgreSQL, a cache, a payment provider and two hosts."""


@sandbox.command()
@NAME
@click.option("--bypass", is_flag=True, help="The application goes past the proxy: a run on it must be invalid.")
def up(name: str, bypass: bool) -> None:  # noqa: FBT001 - click hands options over by name
    """Bring a sandbox up and leave it up."""
    running = Sandbox.find(name)
    box = running or Sandbox.up(name, bypass=bypass, say=click.echo)
    click.echo(f"sandbox {name} is {'already ' if running else ''}up at {box.base_url}")
    click.echo(f"target file: {box.target}")
    click.echo(f"play on it: gameday run drill --target sandbox:{name}")


@sandbox.command()
@NAME
def down(name: str) -> None:
    """Take a sandbox down, with all that belongs to it, dead or alive."""
    was_there = take_down(name)
    click.echo(f"sandbox {name} is down" if was_there else f"no sandbox named {name} is up")


@sandbox.command()
def status() -> None:
    """Which sandboxes there are. Exits 1 when there is none."""
    boxes = list_running()
    for box in boxes:
        ended = f" (ended: {', '.join(box.ended)})" if box.ended else ""
        mend = f": gameday sandbox down --name {box.name}" if box.state == "dead" else ""
        click.echo(f"{box.name} is {box.state} at {box.base_url or box.folder}{ended}{mend}")
    if not boxes:
        click.echo("no sandbox is up")
        sys.exit(1)
