-- What must exist before the first migration: the roles of the service and the vector extension. Run by
-- `pidima migrate` as an administrator (a superuser, or the master user of Aurora); safe to run again.
do $$
begin
    -- Roles belong to the cluster, not to the database: two databases may be prepared at the same time.
    perform pg_advisory_xact_lock(hashtext('pidima bootstrap'));
    if not exists (select from pg_roles where rolname = 'pidima_owner') then
        create role pidima_owner nologin nobypassrls;
    end if;
    if not exists (select from pg_roles where rolname = 'pidima_migrator') then
        create role pidima_migrator login noinherit nobypassrls;
        grant pidima_owner to pidima_migrator;
    end if;
    if not exists (select from pg_roles where rolname = 'pidima_app') then
        create role pidima_app login noinherit nosuperuser nobypassrls nocreaterole nocreatedb;
        alter role pidima_app set statement_timeout = '15s';
        alter role pidima_app set lock_timeout = '5s';
        alter role pidima_app set idle_in_transaction_session_timeout = '30s';
    end if;
    if not exists (select from pg_roles where rolname = 'pidima_analyst') then
        create role pidima_analyst nologin noinherit nobypassrls;
    end if;
    -- An administrator that is no superuser (Aurora) must be a member of the owner to make a schema for it.
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant pidima_owner to %I', current_user);
    end if;
    -- Large objects stand outside every policy, and any role may make one. Only a superuser can take that away.
    if (select rolsuper from pg_roles where rolname = current_user) then
        revoke execute on function pg_catalog.lo_creat(int), pg_catalog.lo_create(oid),
            pg_catalog.lo_from_bytea(oid, bytea) from public;
    end if;
    execute format('grant create, connect on database %I to pidima_owner', current_database());
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to pidima_app, pidima_analyst, pidima_migrator', current_database());
end
$$;

revoke all on schema public from public;
create extension if not exists vector schema public;
grant usage on schema public to pidima_owner, pidima_app, pidima_analyst;
create schema if not exists app authorization pidima_owner;
