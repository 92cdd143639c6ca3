-- psql "$ADMIN_DATABASE_URL" -v ON_ERROR_STOP=1 -v password="$GAMEDAY_DB_PASSWORD" -f database-role.sql
create role gameday login nosuperuser nocreatedb nocreaterole connection limit 10 password :'password';
grant pg_monitor to gameday;                                  -- sessions, locks and settings, and nothing of the data
alter role gameday set default_transaction_read_only = on;
alter role gameday set statement_timeout = '5s';
-- Only for service levels that ask a query, each table by its name:
-- grant usage on schema public to gameday;
-- grant select on public.orders to gameday;
-- What each query costs, before and under a fault; needs shared_preload_libraries = 'pg_stat_statements'.
create extension if not exists pg_stat_statements;
