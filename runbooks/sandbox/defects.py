"""The named defects that a practice platform can be started with: each is a bottleneck that the analysis must name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import BadInput
from runbooks.parsing.suggestion import suggest


@dataclass(frozen=True, slots=True)
class SandboxDefect:
    """What is wrong with the platform, and where: `application` goes over the application's settings, `postgres` over
    PostgreSQL's, `valkey` is added to Valkey's arguments. The application hears the defect's name too."""

    what: str
    application: Mapping[str, object] = field(default_factory=dict)
    postgres: Mapping[str, str] = field(default_factory=dict)
    valkey: tuple[str, ...] = ()
    data: str = ""  # SQL played into the data before PostgreSQL starts; each statement is followed by an empty line
    restarts: bool = False  # a service manager starts the application again when it dies


# Years of investments. Their foreign keys are true, and checking each would take longer than all the rest.
_HISTORY = """
set session_replication_role = replica;

insert into investments (investor_id, app_id, amount, created_at)
select 1 + n % 1000, 1 + n % 12, 10000, now() - n * interval '1 minute' from generate_series(1, 400000) n;

vacuum (analyze) investments;

"""

# By the cause that a finding names.
DEFECTS: Mapping[str, SandboxDefect] = {
    "pool-exhaustion": SandboxDefect(
        "every sixth statement's connection is not given back: the pool runs dry",
        application={"connection_leak_every": 6},
    ),
    "connection-limit": SandboxDefect(
        "sessions are not given back, the pool opens new ones, and PostgreSQL has few slots",
        application={"pool_size": 5, "pool_max_size": 40, "connection_leak_every": 5},
        postgres={"max_connections": "20"},
    ),
    "slow-queries": SandboxDefect(
        "what an app has raised is summed up over 400,000 investments at each request, without an index by app",
        application={"sums_history": True, "pool_size": 30},
        data=_HISTORY,
    ),
    "unoptimised-queries": SandboxDefect(
        "the listing asks for 12 backers of each app, one statement each, and the database is 8 ms away",
        application={"backers_of_each": 12, "database_round_trip_s": 0.008},
    ),
    "lock-contention": SandboxDefect(
        "a report locks the table of apps for 1.5 s, again and again, while it is written",
        application={"report_lock_s": 1.5},
        postgres={"deadlock_timeout": "200ms"},
    ),
    "cache": SandboxDefect(
        "the cache has less memory than it needs for itself, and the words about apps take 1.5 s to put together",
        application={"assembly_s": 1.5},
        valkey=("--maxmemory", "100kb"),
    ),
    "dependency-down": SandboxDefect(
        "the payment provider's address is one where nothing listens",
        application={"paystack_url": "http://127.0.0.1:1"},
    ),
    "cpu": SandboxDefect(
        "each request derives a session key anew: 0.2 s of CPU, on the event loop",
        application={"session_key_cpu_s": 0.2},
    ),
    "resource-intensive-operation": SandboxDefect(
        "each download renders its certificate anew, for 1.2 s of CPU",
        application={"certificate_cpu_s": 1.2},
    ),
    "memory-leak": SandboxDefect(
        "a cache without bounds keeps 400 kB of each request, up to 300 MB",
        application={"leak_bytes": 400_000},
    ),
    "network": SandboxDefect(
        "the listing carries 600 kB of pictures, and all responses leave through 2 MB/s",
        application={"listing_picture_bytes": 50_000, "front_bytes_per_s": 2_000_000},
    ),
    "disk-io": SandboxDefect(
        "each request syncs entries of an audit log to the disk for 0.2 s, one request at a time",
        application={"audit_s": 0.2},
    ),
    "crash": SandboxDefect(
        "every 60th request ends the application with a segmentation fault; it is started again",
        application={"crash_every": 60},
        restarts=True,
    ),
}
NO_DEFECT = SandboxDefect("nothing")


def defect_named(name: str) -> SandboxDefect:
    """The defect, or none for "". BadInput for a name that isn't there."""
    if not name:
        return NO_DEFECT
    if name not in DEFECTS:
        raise BadInput(f"unknown defect {name!r}", mend=suggest(name, DEFECTS, what="the defects are"))
    return DEFECTS[name]
