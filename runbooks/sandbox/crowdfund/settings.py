"""What the application is told at its start."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

# Published on purpose: the scenario signs with it when PAYSTACK_SECRET_KEY is not set, and it opens nothing.
PRACTICE_PAYSTACK_SECRET = "gameday-practice-secret"  # noqa: S105 - see above


class Settings(BaseModel):
    """Addresses are as the application reaches them: through the proxies, unless it bypasses them."""

    model_config = ConfigDict(frozen=True)

    database_dsn: str
    cache_url: str
    paystack_url: str
    application_log: Path
    access_log: Path
    token_secret: str
    paystack_secret: str = PRACTICE_PAYSTACK_SECRET
    defect: str = ""  # the named defect that this application was started with
    pool_size: int = 10
    pool_max_size: int = 0  # 0: the pool does not grow
    pool_timeout_s: float = 1.0
    connection_leak_every: int = 0  # every so many statements one connection is not given back for a while
    session_key_cpu_s: float = 0.0  # CPU time of the event loop that each request costs
    certificate_cpu_s: float = 0.0  # CPU time of a thread that each certificate costs; it is not cached then
    leak_bytes: int = 0  # kept for ever from each request
    crash_every: int = 0  # every so many requests the process dies of a segmentation fault
    audit_s: float = 0.0  # how long each request syncs entries of an audit log to the disk, one after the other
    listing_picture_bytes: int = 0  # the picture that comes with each app of the listing
    front_bytes_per_s: int = 0  # what all responses together may leave with; 0: no limit
    sums_history: bool = False  # what an app has raised is summed up over all investments at each request
    backers_of_each: int = 0  # so many backers come with each app of the listing, each by a statement of its own
    database_round_trip_s: float = 0.0  # how far away the database is
    report_lock_s: float = 0.0  # a report locks the table of apps for so long, again and again
    assembly_s: float = 0.0  # how long the words about apps take to be put together where they are not cached
    cache_timeout_s: float = 0.2
    paystack_timeout_s: float = 4.0

    @classmethod
    def read(cls, path: Path) -> Settings:
        return cls.model_validate_json(path.read_bytes())
