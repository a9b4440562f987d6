-- The wall between tenants, and the tenants themselves.
--
-- Every table with tenant data leads its keys with tenant_id, has row-level security enabled and forced, and carries
-- policies of one exact text, which app.isolate() writes. The check in src/db/isolation.sql compares them at start-up.

comment on schema app is 'Tables of the service; analysts read the views of schema analytics instead';
grant usage on schema app to pidima_app, pidima_analyst;

-- `nullif`: after a transaction the setting is '' and not null. Null compares as unknown: no row is visible.
create function app.tid() returns uuid
language sql stable parallel safe
as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
comment on function app.tid() is 'Tenant of the running transaction; null outside one, so that nothing is visible';
revoke execute on function app.tid() from public;
grant execute on function app.tid() to pidima_app, pidima_owner, pidima_analyst;

create table app.analyst_logins (
    login name not null,
    reads_tenant uuid not null,
    created_at timestamptz not null default now(),
    constraint analyst_logins_pkey primary key (login)
);
comment on table app.analyst_logins is 'Which tenant a read-only SQL login sees; written by the owner only';
comment on column app.analyst_logins.login is 'Name of the PostgreSQL role';
comment on column app.analyst_logins.reads_tenant is 'The one tenant whose rows this login sees';
comment on column app.analyst_logins.created_at is 'When the login was granted';

-- The session user, not a setting: an analyst can change any setting, and can set no role but their own.
create function app.analyst_tid() returns uuid
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$ select l.reads_tenant from app.analyst_logins l where l.login = session_user $$;
comment on function app.analyst_tid() is 'Tenant of the SQL login that asks; null for any other role';
revoke execute on function app.analyst_tid() from public;
grant execute on function app.analyst_tid() to pidima_analyst;

create procedure app.isolate(p_table regclass, p_rights text default null)
language plpgsql
as $$
begin
    execute format('alter table %s enable row level security', p_table);
    execute format('alter table %s force row level security', p_table);
    execute format(
        'create policy tenant on %s as permissive for all to pidima_app'
        ' using (tenant_id = (select app.tid())) with check (tenant_id = (select app.tid()))',
        p_table);
    execute format('revoke all on %s from public', p_table);
    if p_rights is not null then
        execute format('grant %s on %s to pidima_app', p_rights, p_table);
    end if;
end
$$;
comment on procedure app.isolate(regclass, text) is
    'Puts a table behind the wall: row security, the one policy, the rights of the service. Partitions get no rights';
revoke execute on procedure app.isolate(regclass, text) from public;

create procedure app.open_to_analysts(p_table regclass, p_columns text)
language plpgsql
as $$
begin
    execute format(
        'create policy analyst on %s as permissive for select to pidima_analyst'
        ' using (tenant_id = (select app.analyst_tid()))',
        p_table);
    execute format('grant select (%s) on %s to pidima_analyst', p_columns, p_table);
end
$$;
comment on procedure app.open_to_analysts(regclass, text) is
    'Lets SQL logins of a tenant read the named columns, which the views of schema analytics need';
revoke execute on procedure app.open_to_analysts(regclass, text) from public;

create function app.sibling_name(p_table regclass, p_suffix text) returns text
language sql stable
as $$
    select format('%I.%I', n.nspname, c.relname || '_' || p_suffix)
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = p_table
$$;
comment on function app.sibling_name(regclass, text) is 'Name of a partition, in the schema of its parent whatever the search path';
revoke execute on function app.sibling_name(regclass, text) from public;

create procedure app.partition_by_tenant(p_table regclass, p_partitions int)
language plpgsql
as $$
declare
    v_partition text;
begin
    for v_index in 0 .. p_partitions - 1 loop
        v_partition := app.sibling_name(p_table, 'p' || lpad(v_index::text, 2, '0'));
        execute format(
            'create table %s partition of %s for values with (modulus %s, remainder %s)',
            v_partition, p_table, p_partitions, v_index);
        call app.isolate(v_partition::regclass);
    end loop;
end
$$;
comment on procedure app.partition_by_tenant(regclass, int) is 'Hash partitions of a table by tenant, each behind the wall';
revoke execute on procedure app.partition_by_tenant(regclass, int) from public;

create function app.first_uuid_at(p_at timestamptz) returns uuid
language sql immutable parallel safe
as $$ select (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;
comment on function app.first_uuid_at(timestamptz) is
    'Smallest UUIDv7 of an instant (RFC 9562 5.7: 48 bits of milliseconds lead): ids order by time, so months can be ranges of ids';
revoke execute on function app.first_uuid_at(timestamptz) from public;

create procedure app.create_month_partitions(p_table regclass, p_first date, p_months int)
language plpgsql
as $$
declare
    v_month timestamptz;
    v_partition text;
begin
    for v_index in 0 .. p_months - 1 loop
        v_month := (p_first + make_interval(months => v_index)) at time zone 'UTC';
        v_partition := app.sibling_name(p_table, to_char(v_month at time zone 'UTC', 'YYYY_MM'));
        if to_regclass(v_partition) is null then
            begin
                execute format(
                    'create table %s partition of %s for values from (%L) to (%L)',
                    v_partition, p_table, app.first_uuid_at(v_month),
                    app.first_uuid_at((p_first + make_interval(months => v_index + 1)) at time zone 'UTC'));
                call app.isolate(v_partition::regclass);
            exception
                -- Rows of that month lie in the default partition, since nobody prepared it in time: they stay there
                -- and are found there, and the months after it must still be made.
                when check_violation then
                    raise warning 'month % of % stays in its default partition', v_partition, p_table;
            end;
        end if;
    end loop;
end
$$;
comment on procedure app.create_month_partitions(regclass, date, int) is
    'Month partitions of a table whose key is a UUIDv7, each behind the wall; those that exist are left alone';
revoke execute on procedure app.create_month_partitions(regclass, date, int) from public;

create table app.tenants (
    tenant_id uuid not null,
    name text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tenants_pkey primary key (tenant_id),
    constraint tenants_name_check check (length(name) between 1 and 200)
);
comment on table app.tenants is 'A company that gives its documentation; each sees its own row only';
comment on column app.tenants.tenant_id is 'UUIDv7; leads every key of the tenant''s data';
comment on column app.tenants.name is 'Name shown to people';
comment on column app.tenants.created_at is 'When the tenant was created';
comment on column app.tenants.updated_at is 'When the row was last changed';
call app.isolate('app.tenants', 'select, insert, update');

create table app.tenant_directory (
    id uuid not null,
    slug text not null,
    created_at timestamptz not null default now(),
    constraint tenant_directory_pkey primary key (id),
    constraint tenant_directory_slug_key unique (slug),
    constraint tenant_directory_slug_check check (slug ~ '^[a-z0-9][a-z0-9-]{0,49}$')
);
comment on table app.tenant_directory is
    'Operators'' list of tenants: ids and slugs only. The one list that is not behind the wall, since the commands of the operator walk it';
comment on column app.tenant_directory.id is 'The tenant';
comment on column app.tenant_directory.slug is 'Short name that operators type; unique over all tenants, short enough for analyst_<slug> to be a role';
comment on column app.tenant_directory.created_at is 'When the tenant was created';
grant select, insert on app.tenant_directory to pidima_app;
