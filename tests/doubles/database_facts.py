"""What is found out about a database whose roles are as documented, for the faults that take sessions there."""

from __future__ import annotations

from faults.database_table import TableFacts, TableRights
from faults.exhausting_role import RoleFacts, ServerFacts
from faults.server_slots import SlotCount, SlotFacts
from faults.session_facts import SessionFacts

SERVER = ServerFacts(version_num=170002, started="1.5", direct=True)
SLOTS = SlotFacts(
    exhausting=RoleFacts("gameday_exhaust", connection_limit=100),
    server=SERVER,
    platform=RoleFacts("shop"),
    platform_server=SERVER,
    watcher_server=SERVER,
    count=SlotCount(max_connections=100, reserved=3, used=20, ours=0, platform=10),
)

TABLE = TableFacts(
    oid=16400,
    name="public.orders",
    kind="r",
    system=False,
    blocks=100,
    exhausting=TableRights(read=True, rows=True, lock=True),
    platform=TableRights(read=True, rows=True, write=True),
)
SESSIONS = SessionFacts(
    slots=SLOTS,
    databases=("shop", "shop"),
    watcher_sees=True,
    table=TABLE,
    rows=3,
)
