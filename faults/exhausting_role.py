"""What speaks against a role whose sessions are to be the fault, and how each objection is mended or allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from faults.objection import Objection

OLDEST_VERSION_NUM = 140000  # idle_session_timeout, the lease
UNLIMITED = -1
KEPT = 1  # of the role's own limit, so that a healer can always log in as it


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role as the server describes it. `connection_limit` -1: none. `may_signal`: it may end others' sessions."""

    name: str
    superuser: bool = False
    replication: bool = False
    connection_limit: int = UNLIMITED
    uses_reserved: bool = False
    may_signal: bool = False


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server behind a session: the moment it started tells whether two sessions are on the same one. Not `direct`:
    a pooler stands in between."""

    version_num: int
    started: str
    direct: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    """The opt-outs of a fault entry, by their keys there."""

    superuser: bool = False
    reserved: bool = False
    replication: bool = False
    unlimited: bool = False


def objections(
    role: RoleFacts,
    server: ServerFacts,
    platform: RoleFacts,
    platform_server: ServerFacts,
    allowed: Allowed,
    *,
    shut_out: bool = True,
) -> tuple[Objection, ...]:
    """Everything that speaks against a fault by sessions of `role`, proven as `platform`; `shut_out`: by refusing it
    sessions."""
    proof = _unfit_proof(role, server, platform, platform_server)
    barred = _unfit_to_shut_out(platform) if shut_out else ()
    return (*_dangers(role, allowed), *_unfit(role, server), *proof, *barred)


def usable(role: RoleFacts) -> int | None:
    """How many sessions the role may hold, one kept back; None: no limit binds it (superusers have none)."""
    if role.superuser or role.connection_limit == UNLIMITED:
        return None
    return max(0, role.connection_limit - KEPT)


def _dangers(role: RoleFacts, allowed: Allowed) -> Iterator[Objection]:
    name = role.name
    if role.superuser:
        if not allowed.superuser:
            yield Objection(
                f"the role {name} is a superuser: nothing bounds it, and it takes the slots reserved for you, too",
                "give it a role of its own (docs/targets.md), or write allow_superuser: true into the fault",
                refusal=True,
            )
        return  # a superuser has all the rights below
    if role.uses_reserved and not allowed.reserved:
        yield Objection(
            f"the role {name} is a member of pg_use_reserved_connections: it takes the reserved slots, too",
            f"revoke pg_use_reserved_connections from {name}, or write allow_reserved: true into the fault",
            refusal=True,
        )
    if role.replication and not allowed.replication:
        yield Objection(
            f"the role {name} has REPLICATION: it can do far more than this",
            f"alter role {name} noreplication, or write allow_replication: true into the fault",
            refusal=True,
        )
    if role.connection_limit == UNLIMITED and not allowed.unlimited:
        yield Objection(
            f"the role {name} has no connection limit: nothing but gameday itself would bound what it takes",
            f"alter role {name} connection limit 100, or write allow_unlimited: true into the fault",
            refusal=True,
        )


def _unfit(role: RoleFacts, server: ServerFacts) -> Iterator[Objection]:
    if server.version_num < OLDEST_VERSION_NUM:
        yield Objection(
            f"PostgreSQL {server.version_num // 10000} has no idle_session_timeout: sessions could not be leased",
            "leases need PostgreSQL 14 or newer",
        )
    if not server.direct:
        yield Objection(
            "a pooler answers at exhaust_dsn: its clients are not the server's sessions",
            "write the server's own address into exhaust_dsn",
        )
    if usable(role) == 0:
        yield Objection(
            f"the role {role.name} may hold {role.connection_limit} sessions, one of which is kept for healing",
            f"alter role {role.name} connection limit 100",
        )


def _unfit_proof(
    role: RoleFacts, server: ServerFacts, platform: RoleFacts, platform_server: ServerFacts
) -> Iterator[Objection]:
    if server.started != platform_server.started:
        yield Objection(
            "exhaust_dsn and platform_dsn lead to two different servers", "let both name the server of this database"
        )
    if platform.name == role.name:
        yield Objection(
            f"the platform's role and the exhausting role are both {role.name}",
            "give the exhausting role a login of its own (docs/targets.md)",
        )


def _unfit_to_shut_out(platform: RoleFacts) -> Iterator[Objection]:
    if platform.superuser or platform.uses_reserved:
        why = "is a superuser" if platform.superuser else "is a member of pg_use_reserved_connections"
        yield Objection(
            f"the platform's role {platform.name} {why}: reserved slots are open to it, so it can't be shut out",
            "let the platform log in with an ordinary role",
        )
