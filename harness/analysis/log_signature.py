"""What known libraries and servers write into logs when a connection can't be had."""

from __future__ import annotations

# psycopg_pool, SQLAlchemy, HikariCP, node-postgres, Go's pgxpool and database/sql wrappers, c3p0, Tomcat's pool
POOL_TIMEOUT = (
    r"PoolTimeout|couldn't get a connection after|QueuePool limit of size"
    r"|Connection is not available, request timed out|timeout exceeded when trying to connect"
    r"|PoolExhausted|[Cc]onnection pool (?:is )?exhausted|could not obtain a connection from the pool"
    r"|Timeout: Pool empty|An attempt by a client to checkout a Connection has timed out"
)
# how long a request waited for a connection, in the words of those that say so
ACQUIRE_TIMEOUT_S = r"(?:get a connection after|connection timed out, timeout) (?P<s>\d+(?:\.\d+)?)"
ACQUIRE_TIMEOUT_MS = r"request timed out after (?P<ms>\d+) ?ms"
POOL_SIZE = r"(?:pool size|pool_size|QueuePool limit of size|\(total)[ =](?P<size>\d+)"

SERVER_LIMIT = (
    r"too many clients already|remaining connection slots are reserved|too many connections for (?:role|database)"
)
ANSWER_503 = r"\" 503 "

# PostgreSQL, as libpq, psycopg, asyncpg and JDBC tell it; a server that answers with a refusal of its own is there
POSTGRES_REFUSED = (
    r"^(?!.*(?:too many (?:clients|connections)|slots are reserved|authentication failed|does not exist)).*"
    r"(?:connection to server at .* failed|error connecting in '|could not connect to server"
    r"|server closed the connection unexpectedly|terminating connection due to (?:administrator command|unexpected)"
    r"|terminating connection because of crash|the database system is (?:shutting down|starting up|in recovery mode)"
    r"|the connection is (?:closed|lost)|consuming input failed|discarding (?:closed|broken) connection"
    r"|Connection terminated unexpectedly|ECONNREFUSED \S*:5432\b|failed to connect to .*database=.* refused"
    r"|ConnectionDoesNotExistError|connection was closed in the middle of operation"
    r"|org\.postgresql.*Connection.* refused|SQLSTATE[ (\[]*08)"
)
# Redis and Valkey, as redis-py and ioredis tell it
REDIS_REFUSED = (
    r"redis\S*\.ConnectionError|Error \d+ (?:while writing|connecting to)|Connection closed by server"
    r"|MaxRetriesPerRequestError|BusyLoadingError|\[ioredis\].*ECONN"
)
REDIS_SILENT = r"redis\S*\.TimeoutError|Timeout (?:reading from|connecting to server)"
# services over HTTP, as httpx, requests, urllib3, aiohttp, node and Go tell it
HTTP_REFUSED = (
    r"ConnectError\b|RemoteProtocolError|ReadError\b|requests\.exceptions\.ConnectionError"
    r"|Server disconnected without sending|All connection attempts failed|NewConnectionError"
    r"|ClientConnectorError|ServerDisconnectedError|FetchError.*ECONN|dial tcp .* connect: connection refused"
)
HTTP_SILENT = r"ReadTimeout\b|ConnectTimeout\b|ServerTimeoutError|Client\.Timeout exceeded"
