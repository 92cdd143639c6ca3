"""The containers of a target: checked as a whole, and read into a value."""

from __future__ import annotations

from harness.reach.allow_list import AllowList, split_address
from harness.reach.container_roster import ContainerChoice
from harness.reach.docker_engine import DEFAULT_ENGINE
from runbooks.parsing.address import Address
from runbooks.parsing.target_entries import ContainersEntry
from runbooks.parsing.validation import Checked, quiet
from runbooks.parsing.yaml_source import Place

AT: Place = ("containers",)
_MEND = "write {labels: {com.docker.compose.project: NAME}} or {names: [api, db]}"
_ENGINE = f"write {DEFAULT_ENGINE} or tcp://10.0.0.5:2375"


def check_containers(checked: Checked) -> None:
    """Defects of the section that its model does not see."""
    written = checked.source.at(AT)
    entry = quiet(ContainersEntry, written)
    if entry is None:
        return
    if not entry.names and not entry.labels:
        checked.defect(AT, "containers: neither names nor labels", _MEND)
    for index, name in enumerate(entry.names):
        if name in entry.names[:index]:
            checked.defect((*AT, "names", index), f"the container {name!r} stands there twice", "take one out")
        elif name.startswith("/") or any(c.isspace() for c in name):
            checked.defect((*AT, "names", index), f"{name!r} is no container's name", "write it as docker ps shows it")
    for key in entry.labels:
        if not key.strip() or "=" in key:
            checked.defect((*AT, "labels"), f"{key!r} is no label", "write {KEY: VALUE}; an empty value means any")


def read_engine(text: str) -> Address | None:
    """unix:///path (None: there is nothing to allow) or tcp://host:port."""
    scheme, mark, rest = text.partition("://")
    if scheme == "unix" and rest.startswith("/"):
        return None
    if scheme == "ssh":
        mend = "forward its socket (ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST) and write " \
            "unix:///tmp/engine.sock"  # fmt: skip
        raise ValueError(f"an engine over SSH is not supported -> {mend}")
    if "@" in rest:
        raise ValueError("holds a user or a password -> take it out: the engine is asked without a login")
    if scheme != "tcp" or not mark:
        raise ValueError(f"{text!r} is no engine's address -> {_ENGINE}")
    try:
        host, port = split_address(rest.rstrip("/"))
        AllowList([host])
    except ValueError:
        raise ValueError(f"{text!r} is no engine's address -> {_ENGINE}") from None
    return Address(host, port)


def read_containers(entry: ContainersEntry | None) -> ContainerChoice | None:
    """The value of a sound section."""
    if entry is None:
        return None
    return ContainerChoice(tuple(entry.names), dict(entry.labels), entry.engine or "")
