"""The shape that an engine's answers must have before anybody reads in them: an engine of another kind, or what stands
in front of one, may answer anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_pascal

_Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Labels = dict[str, str]


class _Part(BaseModel):
    """Keys as the engine writes them; what nobody reads is left alone."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", strict=True, hide_input_in_errors=True)


class _Endpoint(_Part):
    aliases: list[str] | None = None
    links: list[str] | None = None
    network_id: str = Field("", alias="NetworkID")
    ipam_config: dict[str, Any] | None = Field(None, alias="IPAMConfig")
    driver_opts: dict[str, str] | None = None
    gw_priority: _Number | None = None


class _Network(_Part):
    networks: dict[str, _Endpoint] | None = None
    ports: dict[str, list[dict[str, Any]] | None] | None = None


class _RestartPolicy(_Part):
    name: str | None = None
    maximum_retry_count: _Number | None = None


class _Host(_Part):
    network_mode: str = ""
    restart_policy: _RestartPolicy | None = None
    nano_cpus: _Number | None = None
    cpu_quota: _Number | None = None
    cpu_period: _Number | None = None
    memory: _Number | None = None
    memory_swap: _Number | None = None
    memory_reservation: _Number | None = None
    port_bindings: dict[str, list[dict[str, Any]] | None] | None = None


class _Config(_Part):
    labels: _Labels | None = None


class _State(_Part):
    status: str = ""
    started_at: str = ""


class _Inspected(_Part):
    id: str
    name: str
    state: _State
    config: _Config | None = None
    host_config: _Host | None = None
    network_settings: _Network | None = None


class _Listed(_Part):
    id: str
    names: list[str] | None = None
    labels: _Labels | None = None
    host_config: _Host | None = None


_LISTED = TypeAdapter(list[_Listed])


def inspected(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `inspect` answered, as it is. Raises ValueError where that is no container."""
    _Inspected.model_validate(answer)
    return answer


def listed(answer: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """A list of containers, as it is. Raises ValueError where it is none."""
    _LISTED.validate_python(answer)
    return answer
