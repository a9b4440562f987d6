-- Mistakes that somebody could make. Each begins with `-- <rule that must notice it>: <what was done>`.
-- R01: row security disabled
alter table app.documents disable row level security;
-- R01: row security disabled on a partition
alter table app.chunks_p03 disable row level security;
-- R02: force dropped
alter table app.api_keys no force row level security;
-- R03: the policy dropped
drop policy tenant on app.messages;
-- R03: the policy dropped on a partition
drop policy tenant on app.messages_default;
-- R04: a policy that shows everything
alter policy tenant on app.documents using (true);
-- R04: a policy that also shows rows without a tenant
alter policy tenant on app.documents using (tenant_id = (select app.tid()) or tenant_id is null);
-- R04: a policy with a door behind a setting
alter policy tenant on app.documents
    using (tenant_id = (select app.tid()) or current_setting('app.support', true) = 'on');
-- R04: a policy that casts the column, so that no index serves it
alter policy tenant on app.documents using (tenant_id::text = current_setting('app.tenant_id', true));
-- R04: a policy that is not wrapped in a sub-select
alter policy tenant on app.documents using (tenant_id = app.tid());
-- R04: analysts shown all tenants
alter policy analyst on app.runs using (true);
-- R04: analysts believed about their tenant
alter policy analyst on app.runs using (tenant_id = (select app.tid()));
-- R04: a policy of an equal name in another schema's function
create schema evil; create function evil.tid() returns uuid language sql stable as $$ select null::uuid $$;
alter policy tenant on app.documents using (tenant_id = (select evil.tid()));
-- R05: a policy that admits everything
alter policy tenant on app.documents with check (true);
-- R28: a second permissive policy for support staff
create policy support on app.documents for select to pidima_app using (true);
-- R28: the policy for every role
alter policy tenant on app.documents to public;
-- R28: the policy named for one more role
alter policy tenant on app.documents to pidima_app, pidima_analyst;
-- R28: a restrictive policy in place of the permissive one
drop policy tenant on app.documents;
create policy tenant on app.documents as restrictive for all to pidima_app
    using (tenant_id = (select app.tid())) with check (tenant_id = (select app.tid()));
-- R28: the analysts' policy on credentials
create policy analyst on app.api_keys for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R28: the analysts' policy for writing
drop policy analyst on app.runs;
create policy analyst on app.runs for all to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R06: tenant_id nullable
alter table app.chunk_terms drop constraint chunk_terms_pkey;
alter table app.chunk_terms alter column tenant_id drop not null;
-- R07: a foreign key of one column
create unique index on app.documents (document_id);
alter table app.ingestion_attempts add column document_id uuid references app.documents (document_id);
-- R07: a foreign key whose columns are swapped
alter table app.document_texts drop constraint document_texts_version_id_fkey;
alter table app.document_texts add foreign key (version_id, tenant_id)
    references app.document_versions (tenant_id, version_id);
-- R07: a foreign key from a table without tenant_id
create unique index on app.documents (document_id);
alter table app.jobs add foreign key (subject_id) references app.documents (document_id);
-- R08: a name unique over all tenants
create unique index on app.documents (name);
-- R08: a unique expression
create unique index on app.collections (lower(name));
-- R08: a unique index that only carries tenant_id along
create unique index on app.collections (name) include (tenant_id);
-- R08: an exclusion constraint over all tenants
alter table app.collections add exclude using btree (name with =);
-- R09: the service bypasses row security
alter role pidima_app bypassrls;
-- R09: the service is a superuser
alter role pidima_app superuser;
-- R09: the service creates roles
alter role pidima_app createrole;
-- R09: the owner bypasses row security
alter role pidima_owner bypassrls;
-- R09: the migrator is a superuser
alter role pidima_migrator superuser;
-- R10: the service owns a table
alter table app.outbox owner to pidima_app;
-- R10: the service owns a function
create function app.helper() returns int language sql as $$ select 1 $$;
alter function app.helper() owner to pidima_app;
-- R11: the service may become the owner
grant pidima_owner to pidima_app;
-- R11: the service reads all data
grant pg_read_all_data to pidima_app;
-- R11: the service may become the owner only by set role
grant pidima_owner to pidima_app with inherit false, set true;
-- R11: analysts are the service
grant pidima_app to pidima_analyst;
-- R12: truncate granted
grant truncate on app.documents to pidima_app;
-- R12: references granted
grant references on app.documents to pidima_app;
-- R12: references granted on a column
grant references (document_id) on app.documents to pidima_app;
-- R12: trigger granted
grant trigger on app.documents to pidima_app;
-- R12: writing through a view
grant insert on analytics.messages to pidima_app;
-- R13: a view with the rights of its owner
create view app.all_documents as select * from app.documents;
grant select on app.all_documents to pidima_app;
-- R13: a barrier, which is no wall
create view app.all_documents with (security_barrier = true) as select * from app.documents;
grant select on app.all_documents to pidima_app;
-- R13: a view in another schema, open to analysts
create schema report; create view report.runs as select * from app.runs;
grant select on report.runs to pidima_analyst;
-- R14: a materialised view
create materialized view app.counts as select tenant_id, count(*) as n from app.documents group by 1;
grant select on app.counts to pidima_app;
-- R14: a foreign table
create foreign data wrapper elsewhere; create server elsewhere foreign data wrapper elsewhere;
create foreign table app.remote (tenant_id uuid) server elsewhere; grant select on app.remote to pidima_app;
-- R01: a new table that nobody isolated
create table app.remarks (tenant_id uuid not null, remark_id uuid not null, primary key (tenant_id, remark_id));
grant select on app.remarks to pidima_app;
-- R01: a copy of a table, which has no policies
create table app.documents_copy (like app.documents including all);
-- R01: a table with tenant_id in another schema
create schema archive; create table archive.documents (like app.documents including all);
-- R15: a new table without tenant_id
create table app.plans (plan_id uuid primary key, note text); grant select on app.plans to pidima_app;
-- R15: a column of a tenant under a name that nobody expects
alter table app.sessions rename column tenant_id to customer_id;
-- R15: one column of a table without tenant_id
create table app.plans (plan_id uuid primary key, note text); grant update (note) on app.plans to pidima_app;
-- R16: a partition granted
grant select on app.chunks_p00 to pidima_app;
-- R16: a column of a partition granted to analysts
grant select (content) on app.messages_default to pidima_analyst;
-- R17: a definer function
create function app.any_document(uuid) returns text language sql security definer
as $$ select title from app.documents where document_id = $1 $$;
-- R17: a definer function in schema public
create function public.any_document(uuid) returns text language sql security definer
as $$ select title from app.documents where document_id = $1 $$;
-- R17: a definer procedure
create procedure app.purge() language sql security definer as $$ delete from app.documents $$;
grant execute on procedure app.purge() to pidima_app;
-- R17: the service may ask which tenant an analyst sees
grant execute on function app.analyst_tid() to pidima_app;
-- R18: a leakproof function
create function app.peek(text) returns bool language plpgsql leakproof as $$ begin raise notice '%', $1; return true; end $$;
-- R19: the service may create in schema app
grant create on schema app to pidima_app;
-- R19: everybody may create in schema public
grant create on schema public to public;
-- R20: a sequence that counts for all tenants
create sequence app.document_number; grant usage on sequence app.document_number to pidima_app;
-- R21: a definer trigger
create function app.touch() returns trigger language plpgsql security definer as $$ begin return new; end $$;
create trigger touch before insert on app.documents for each row execute function app.touch();
-- R22: a rule
create rule keep as on delete to app.sessions do instead nothing;
-- R23: a tenant of last resort
create or replace function app.tid() returns uuid language sql stable parallel safe as
$$ select coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, '00000000-0000-0000-0000-000000000001') $$;
-- R23: app.tid() is volatile
alter function app.tid() volatile;
-- R23: app.tid() fails where it should be null
create or replace function app.tid() returns uuid language sql stable parallel safe as
$$ select current_setting('app.tenant_id')::uuid $$;
-- R23: app.tid() runs as its owner
alter function app.tid() security definer;
-- R24: the index begins with another column
alter table app.ingestion_attempts drop constraint ingestion_attempts_pkey;
alter table app.ingestion_attempts add primary key (version_id, number, tenant_id);
-- R31: a primary key that ends with the tenant
alter table app.ingestion_attempts drop constraint ingestion_attempts_pkey;
alter table app.ingestion_attempts add primary key (version_id, number, tenant_id);
create index on app.ingestion_attempts (tenant_id);
-- R31: no primary key
alter table app.ingestion_attempts drop constraint ingestion_attempts_pkey;
-- R25: the service has a tenant from the start
alter role pidima_app set app.tenant_id = '00000000-0000-0000-0000-000000000001';
-- R25: the service looks for names elsewhere first
alter role pidima_app set search_path = public, app;
-- R25: the database presets a tenant
do $$ begin execute format('alter database %I set app.tenant_id = %L', current_database(), 'x'); end $$;
-- R26: tables to come are open to everybody
alter default privileges in schema app grant select on tables to public;
-- R26: tables of the owner to come are open to the service
alter default privileges for role pidima_owner grant select on tables to pidima_app;
-- R27: a table open to everybody
grant select on app.documents to public;
-- R27: a column open to everybody
grant select (title) on app.documents to public;
-- R29: the tenant is a text
create table app.notes (tenant_id text not null, note_id uuid not null, primary key (tenant_id, note_id));
-- R30: rows that name no tenant get one
alter table app.documents alter column tenant_id set default app.tid();
-- R29: the tenant is of a domain
create domain app.tenant as uuid;
create table app.notes (tenant_id app.tenant not null, note_id uuid not null, primary key (tenant_id, note_id));
-- R32: a table that left schema app
create schema archive; alter table app.ingestion_attempts set schema archive;
-- R33: a table of the administrator
alter table app.documents owner to current_user;
-- R33: a schema of the administrator
alter schema analytics owner to current_user;
-- R33: a view of the administrator
alter view analytics.messages owner to current_user;
-- R34: the owner can log in
alter role pidima_owner login;
-- R35: a stranger reads a table
create role iso_stranger; grant select on app.documents to iso_stranger;
-- R35: a stranger reads a column
create role iso_stranger; grant select (title) on app.documents to iso_stranger;
-- R35: a stranger runs a procedure
create role iso_stranger; grant execute on procedure app.isolate(regclass, text) to iso_stranger;
-- R36: a stranger may become the service
create role iso_stranger; grant pidima_app to iso_stranger;
-- R36: a stranger may become the owner through the migrator
create role iso_stranger; grant pidima_migrator to iso_stranger;
-- R37: a right that may be handed on
grant select on app.documents to pidima_app with grant option;
-- R38: temporary tables
do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$;
-- R39: a foreign key that was never checked
alter table app.document_texts drop constraint document_texts_version_id_fkey;
alter table app.document_texts add foreign key (tenant_id, version_id)
    references app.document_versions (tenant_id, version_id) not valid;
-- R40: triggers disabled, foreign keys among them
alter table app.documents disable trigger all;
-- R40: a trigger for replicas only
create function app.touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch before insert on app.documents for each row execute function app.touch();
alter table app.documents enable replica trigger touch;
-- R41: the service may switch foreign keys off
grant set on parameter session_replication_role to pidima_app;
-- R42: the server runs as a replica
set local session_replication_role = replica;
-- R42: large objects without rights
set local lo_compat_privileges = on;
-- R43: code at every login
create function app.at_login() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger at_login on login execute function app.at_login();
-- R44: a publication
create publication everything for all tables;
-- R45: a server that the service may use
create foreign data wrapper elsewhere; create server elsewhere foreign data wrapper elsewhere;
grant usage on foreign server elsewhere to pidima_app;
-- R45: credentials of a server for everybody
create foreign data wrapper elsewhere; create server elsewhere foreign data wrapper elsewhere;
create user mapping for public server elsewhere;
-- R45: a wrapper that analysts may make servers of
create foreign data wrapper elsewhere; grant usage on foreign data wrapper elsewhere to pidima_analyst;
-- R46: a function in an untrusted language
create function app.pid() returns int language internal as 'pg_backend_pid';
-- R47: a large object open to everybody
select lo_create(424242); grant select on large object 424242 to public;
-- R48: a function that runs for another tenant
create function app.titles() returns setof text language sql set app.tenant_id = '00000000-0000-0000-0000-000000000001'
as $$ select title from app.documents $$;
-- R48: a function that changes the tenant
create function app.become(uuid) returns text language sql as $$ select set_config('app.tenant_id', $1::text, true) $$;
-- R48: a function with a parsed body that changes the tenant
create function app.become(uuid) returns text language sql
begin atomic select set_config('app.tenant_id', $1::text, true); end;
-- R49: everybody may isolate tables
grant execute on procedure app.isolate(regclass, text) to public;
-- R50: a view for analysts that reads with the rights of its owner
alter view analytics.answers reset (security_invoker);
-- R50: a view for analysts without a barrier
alter view analytics.answers set (security_barrier = false);
-- R50: a table among the views
create table analytics.totals (day date primary key, questions bigint);
-- R51: analysts read credentials
grant select on app.api_keys to pidima_analyst;
-- R51: analysts read a column that is not listed
grant select (object_key) on app.document_versions to pidima_analyst;
-- R51: analysts read a whole table
grant select on app.sessions to pidima_analyst;
-- R51: analysts write
grant update (title) on app.sessions to pidima_analyst;
-- R52: an analyst bypasses row security
create role analyst_mutant login bypassrls connection limit 4 in role pidima_analyst;
-- R52: a group among the analysts
create role analyst_mutant nologin connection limit 4 in role pidima_analyst;
-- R53: an analyst with any number of connections
create role analyst_mutant login in role pidima_analyst;
-- R53: an analyst without a last day
create role analyst_mutant login connection limit 4 in role pidima_analyst;
alter role analyst_mutant set default_transaction_read_only = on; alter role analyst_mutant set statement_timeout = '30s';
-- R53: an analyst whose last day never comes
create role analyst_mutant login connection limit 4 valid until 'infinity' in role pidima_analyst;
alter role analyst_mutant set default_transaction_read_only = on; alter role analyst_mutant set statement_timeout = '30s';
-- R54: an analyst who is the service too
create role analyst_mutant login connection limit 4 in role pidima_analyst, pidima_app;
-- R54: an analyst with a right of their own
create role analyst_mutant login connection limit 4 in role pidima_analyst; grant select on app.documents to analyst_mutant;
-- R54: an analyst who owns a schema
create role analyst_mutant login connection limit 4 in role pidima_analyst; create schema mine authorization analyst_mutant;
-- R55: an analyst is whoever a setting says
create or replace function app.analyst_tid() returns uuid language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$ select l.reads_tenant from app.analyst_logins l where l.login = current_setting('app.login', true) $$;
-- R55: an analyst whose last day does not matter
create or replace function app.analyst_tid() returns uuid language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$ select l.reads_tenant from app.analyst_logins l join app.tenants t on t.tenant_id = l.reads_tenant
where l.login = session_user and t.state = 'active' $$;
-- R55: an analyst of a suspended tenant
create or replace function app.analyst_tid() returns uuid language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$ select l.reads_tenant from app.analyst_logins l where l.login = session_user and l.expires_at > now() $$;
-- R55: the names in app.analyst_tid() are looked up on the caller's path
alter function app.analyst_tid() reset search_path;
-- R56: the service appoints analysts
grant insert on app.analyst_logins to pidima_app;
-- R57: analysts read statistics
grant select on pg_catalog.pg_statistic to pidima_analyst;
-- R57: the service reads files of the server
grant execute on function pg_catalog.pg_read_file(text) to pidima_app;
-- R58: an extension that reads files of the server
create extension file_fdw schema public;
-- R01: a table hidden in an extension
alter table app.documents disable row level security; alter extension vector add table app.documents;
-- R59: the tenant under another name
create table app.notes (note_id uuid primary key, of_tenant uuid not null);
-- R60: a parent without a policy
create table app.everything (document_id uuid not null); alter table app.documents inherit app.everything;
-- R61: a function in schema public
create function public.now() returns timestamptz language sql as $$ select '2000-01-01'::timestamptz $$;
-- R00: the role of the service is gone
alter role pidima_app rename to iso_gone;
-- R62: the look-up of a person's tenants made to match everybody
create or replace function app.memberships_of(p_identity_sha256 bytea) returns table (of_tenant uuid, of_member uuid)
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$ select m.tenant_id, m.member_id from app.members m $$;
-- R62: the look-up of a person's tenants on another search path
alter function app.memberships_of(bytea) set search_path = app, public;
-- R62: the look-up of origins dropped
drop function app.origin_is_known(text);
-- R17: the look-up of a person's tenants opened to analysts
grant execute on function app.memberships_of(bytea) to pidima_analyst;
-- R28: the policy of the look-up for the service
alter policy directory on app.members to pidima_app;
-- R28: the policy of the look-up for writing
drop policy directory on app.members;
create policy directory on app.members for all to pidima_owner using (true);
-- R28: the policy of the look-up on a table that it does not read
create policy directory on app.documents for select to pidima_owner using (true);
-- R63: the service may change the audit log
grant update on app.audit_events to pidima_app;
-- R63: the service may cut the audit log
grant delete on app.audit_events to pidima_app;
-- R63: one column of the audit log may be changed
grant update (after) on app.audit_events to pidima_app;
-- R01: row security disabled on app.audit_events
alter table app.audit_events disable row level security;
-- R28: app.audit_events shown to analysts
create policy analyst on app.audit_events for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.audit_events readable by analysts
grant select on app.audit_events to pidima_analyst;
-- R01: row security disabled on app.audit_heads
alter table app.audit_heads disable row level security;
-- R28: app.audit_heads shown to analysts
create policy analyst on app.audit_heads for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.audit_heads readable by analysts
grant select on app.audit_heads to pidima_analyst;
-- R01: row security disabled on app.members
alter table app.members disable row level security;
-- R28: app.members shown to analysts
create policy analyst on app.members for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.members readable by analysts
grant select on app.members to pidima_analyst;
-- R01: row security disabled on app.groups
alter table app.groups disable row level security;
-- R28: app.groups shown to analysts
create policy analyst on app.groups for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.groups readable by analysts
grant select on app.groups to pidima_analyst;
-- R01: row security disabled on app.group_members
alter table app.group_members disable row level security;
-- R28: app.group_members shown to analysts
create policy analyst on app.group_members for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.group_members readable by analysts
grant select on app.group_members to pidima_analyst;
-- R01: row security disabled on app.collection_groups
alter table app.collection_groups disable row level security;
-- R28: app.collection_groups shown to analysts
create policy analyst on app.collection_groups for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.collection_groups readable by analysts
grant select on app.collection_groups to pidima_analyst;
-- R01: row security disabled on app.invitations
alter table app.invitations disable row level security;
-- R28: app.invitations shown to analysts
create policy analyst on app.invitations for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.invitations readable by analysts
grant select on app.invitations to pidima_analyst;
-- R01: row security disabled on app.browser_sessions
alter table app.browser_sessions disable row level security;
-- R28: app.browser_sessions shown to analysts
create policy analyst on app.browser_sessions for select to pidima_analyst using (tenant_id = (select app.analyst_tid()));
-- R51: app.browser_sessions readable by analysts
grant select on app.browser_sessions to pidima_analyst;
-- R63: the service may empty the audit log
grant truncate on app.audit_events to pidima_app;
-- R02: the owner passes the policy of the audit log
alter table app.audit_events no force row level security;
-- R05: entries may be written into the log of another tenant
alter policy tenant on app.audit_events with check (true);
-- R04: everybody's audit log is shown
alter policy tenant on app.audit_events using (true);
-- R40: triggers of the audit log are disabled
alter table app.audit_events disable trigger all;
-- R22: a change of the audit log is rewritten to nothing
create rule keep as on insert to app.audit_events do instead nothing;
-- R13: a view of all audit logs
create view app.all_audit_events as select * from app.audit_events; grant select on app.all_audit_events to pidima_app;
-- R35: a stranger writes the audit log
create role iso_stranger; grant insert on app.audit_events to iso_stranger;
-- R27: everybody reads the audit log
grant select on app.audit_events to public;
-- R15: keys of the operator without a tenant, in another table
create table app.operator_notes (note_id uuid primary key, note text); grant select on app.operator_notes to pidima_app;
-- R62: the look-up of origins made to tell whose they are
create or replace function app.origin_is_known(p_origin text) returns boolean language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp as $$ select exists (select from app.tenants t where t.allowed_origins @> array[p_origin]) $$;
-- R01: row security disabled on app.local_accounts
alter table app.local_accounts disable row level security;
-- R51: app.local_accounts readable by analysts
grant select on app.local_accounts to pidima_analyst;
-- R25: a SQL login begins with a tenant of its choice
create role analyst_mutant login connection limit 4 valid until '2100-01-01' in role pidima_analyst;
alter role analyst_mutant set app.tenant_id = 'x';
