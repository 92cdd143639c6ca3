-- The practice platform's data. Played once into a fresh PostgreSQL, in single-user mode.
create role crowdfund login;
create role gameday login;
grant pg_monitor to gameday;
-- its sessions are the faults on the database, as docs/targets.md tells
create role gameday_exhaust login connection limit 60;
grant pg_signal_backend to gameday_exhaust;
alter role gameday_exhaust set idle_session_timeout = '60s';
alter role gameday_exhaust set idle_in_transaction_session_timeout = '60s';
alter role gameday_exhaust set statement_timeout = '10s';
create extension pg_stat_statements;

create table investors (
    id integer primary key,
    email text not null unique,
    name text not null,
    password_salt text not null,
    password_hash text not null
);
create table apps (
    id integer primary key,
    name text not null,
    tagline text not null,
    description text not null,
    goal numeric(14, 2) not null,
    raised numeric(14, 2) not null default 0,
    backers integer not null default 0
);
create table investments (
    id bigint generated always as identity primary key,
    investor_id integer not null references investors,
    app_id integer not null references apps,
    amount numeric(14, 2) not null check (amount > 0),
    created_at timestamptz not null default now()
);
create index on investments (investor_id);
create table payments (
    id bigint generated always as identity primary key,
    reference text not null unique,
    investment_id bigint references investments,
    investor_id integer not null references investors,
    amount numeric(14, 2) not null,
    method text not null,
    status text not null default 'PENDING' check (status in ('PENDING', 'PAID')),
    created_at timestamptz not null default now(),
    paid_at timestamptz
);
create table certificates (
    id integer primary key,
    number text not null unique,
    investor_id integer not null references investors,
    app_id integer not null references apps,
    amount numeric(14, 2) not null,
    issued_on date not null
);
create index on certificates (investor_id);

insert into apps (id, name, tagline, description, goal)
select n, 'Venture ' || n, 'What number ' || n || ' is about',
       repeat('Venture ' || n || ' turns savings into something that lasts. ', 12), 5000000 * (1 + n % 4)
from generate_series(1, 12) n;

-- investor-0001@example.com .. investor-1000@example.com, password "practice" (PBKDF2-SHA256, 2000 rounds)
insert into investors (id, email, name, password_salt, password_hash)
select n, 'investor-' || lpad(n::text, 4, '0') || '@example.com', 'Investor ' || n, 'gameday-practice', '@PASSWORD_HASH@'
from generate_series(1, 1000) n;

-- each owns the certificates 2n-1 and 2n, and has one payment that waits to be verified
insert into certificates (id, number, investor_id, app_id, amount, issued_on)
select 2 * n - k, 'CF-' || lpad((2 * n - k)::text, 6, '0'), n, 1 + (n + k) % 12, 10000, date '2026-01-05' + n % 300
from generate_series(1, 1000) n, generate_series(0, 1) k;
insert into payments (reference, investor_id, amount, method)
select 'PRACTICE-' || lpad(n::text, 4, '0'), n, 10000, 'PAYSTACK' from generate_series(1, 1000) n;

grant select, insert, update on all tables in schema public to crowdfund;
grant select on all tables in schema public to gameday;
-- for locks on tables and rows, and for reading in slow-queries
grant select, maintain on all tables in schema public to gameday_exhaust;
grant update (id) on investors, apps, investments, payments, certificates to gameday_exhaust;
analyze;
