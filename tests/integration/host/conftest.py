"""A process to be stopped, and programs that stand in for those of a whole machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_fault_scene import Victim

TOOLS = Path(__file__).parents[2] / "doubles" / "host_tools"


@pytest.fixture
def victim() -> Iterator[Victim]:
    made = Victim()
    yield made
    made.process.kill()
    made.process.wait(10)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """systemctl, sudo, tc, ping and modprobe that stand in for the real ones and write down what they are asked."""
    folder = tmp_path / "tools"
    shutil.copytree(TOOLS, folder)
    (folder / "queues").write_text("qdisc fq_codel 0: root refcnt 2 limit 10240p\n")
    return folder
