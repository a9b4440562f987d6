-- Is the wall between tenants whole? Reads the catalogue of this database; each row (rule, object, remedy) is a breach.
-- Only catalogues that every role may read are used, so that the service can ask about itself. Expressions are compared
-- as PostgreSQL prints them, which depends on the search path: run it with search_path = 'pg_catalog, pg_temp'.
with
-- Lists. What stands here is an exception from a rule; a reviewer should read every change of it.
table_without_tenant (object) as (
    -- Ids and slugs only, never a text of a tenant; the last tells whether migrations are missing.
    values ('app.tenant_directory'), ('app.outbox'), ('app.jobs'), ('app._sqlx_migrations'),
        -- Before a login is done and outside the tenants there is no tenant; neither holds a text of one.
        ('app.pending_logins'), ('app.operator_keys'), ('app.operator_idempotency_keys'),
        -- Public facts about models and their prices.
        ('app.models'), ('app.model_prices'),
        -- One row: which embedding model all vectors are of.
        ('app.embedding_space'),
        -- Ids and times of the runs that go on, for whoever looks for those whose instance is gone.
        ('app.run_leases')
),
definer_function (grantee, object) as (
    values
        ('pidima_analyst', 'app.analyst_tid()'),
        ('pidima_app', 'app.memberships_of(bytea)'),
        ('pidima_app', 'app.origin_is_known(text)')
),
directory_function (object, body) as (
    -- What these read past the tenants' policies: ids for one exact identity, yes or no for one exact origin.
    values
        ('app.memberships_of(p_identity_sha256 bytea)',
            'select m.tenant_id, m.member_id from app.members m where m.identity_sha256 = p_identity_sha256'),
        ('app.origin_is_known(p_origin text)',
            'select exists (select from app.tenants t where t.allowed_origins @> array[p_origin] and t.state = ''active'') '
            'or exists ( select from app.api_keys k '
            'where k.allowed_origins @> array[p_origin] and k.revoked_at is null and k.expires_at > now() )')
),
directory_policy (object) as (
    -- Tables that the functions above read; the policy is for their owner alone.
    values ('app.members'), ('app.tenants'), ('app.api_keys')
),
extension_in_use (name) as (
    -- pg_stat_statements shows a role its own statements only.
    values ('plpgsql'), ('vector'), ('pg_stat_statements')
),
analyst_columns (object, columns) as (
    values
        ('app.sessions', '{tenant_id,session_id,title,collection_ids,assistant_id,created_at,updated_at}'::text[]),
        ('app.assistants', '{tenant_id,assistant_id,name,description,is_default,published_version,created_at,updated_at,'
            'deleted_at}'),
        ('app.assistant_versions', '{tenant_id,assistant_id,number,configuration,published_by,created_at}'),
        ('app.messages', '{tenant_id,message_id,session_id,run_id,role,content,created_at}'),
        ('app.runs', '{tenant_id,run_id,session_id,question_id,answer_id,state,outcome,outcome_reason,collection_ids,'
            'standalone_question,provider,model,input_tokens,output_tokens,cost_micro_usd,unknown_markers,search_ms,'
            'first_token_ms,total_ms,created_at,ended_at,attempts,cached_input_tokens,usage_estimated,filtered,'
            'assistant_id,assistant_version,configuration_sha256,prompt_sha256,prompt_left_out}'),
        ('app.retrievals', '{tenant_id,run_id,rank,chunk_id,document_id,version_id,dense_rank,similarity,lexical_rank,'
            'lexical_score,fused_score,used,matched_terms,dropped}'),
        ('app.run_traces', '{tenant_id,run_id,terms,searched_chunks,dense_candidates,lexical_candidates,prepare_ms,embed_ms,'
            'dense_ms,lexical_ms,fuse_ms,history_messages,prompt_chars,max_output_tokens}'),
        ('app.citations', '{tenant_id,message_id,number,citation_id,document_id,version_id,version_number,'
            'document_title,heading_path,url,char_start,char_end,quote,verified,page}'),
        ('app.feedback', '{tenant_id,feedback_id,message_id,citation_number,given_by_kind,rating,reason,comment,'
            'created_at,updated_at}'),
        ('app.collections', '{tenant_id,collection_id,name,chunk_count}'),
        ('app.documents', '{tenant_id,document_id,collection_id,name,title,source_url,metadata,active_version_id,'
            'latest_version_number,created_at,updated_at}'),
        ('app.document_versions', '{tenant_id,version_id,document_id,number,state,failure_code,failure_detail,'
            'media_type,size_bytes,char_count,chunk_count,attempts,created_at,ready_at}'),
        ('app.quota_reservations', '{tenant_id,run_id,assistant_id,api_key_id,person_id,reserved_at,settled_at,provider,'
            'model,input_tokens,output_tokens,cost_micro_usd}'),
        ('app.enrichments', '{tenant_id,document_id,version_id,collection_id,state,reason_code,passages,contexts,summary,'
            'suggested_questions,created_at,updated_at}'),
        ('app.enrichment_usage', '{tenant_id,collection_id,month,calls,input_tokens,output_tokens,cached_input_tokens,'
            'cost_micro_usd}'),
        ('app.sources', '{tenant_id,source_id,collection_id,name,kind,state,every_minutes,next_run_at}'),
        ('app.source_runs', '{tenant_id,run_id,source_id,trigger,state,bytes_read,seen,new,changed,unchanged,skipped,failed,'
            'deleted,reason_code,created_at,started_at,finished_at}')
),
rule (code, says, remedy) as (
    values
        ('R00', 'the check itself cannot be trusted', 'run the migrations; run the check with search_path = pg_catalog, pg_temp'),
        ('R01', 'row security is off', 'alter table … enable row level security'),
        ('R02', 'row security does not bind the owner', 'alter table … force row level security'),
        ('R03', 'no policy named tenant', 'call app.isolate(…)'),
        ('R04', 'a policy shows other rows than those of the tenant', 'drop the policy and call app.isolate(…)'),
        ('R05', 'a policy admits other rows than those of the tenant', 'drop the policy and call app.isolate(…)'),
        ('R06', 'tenant_id may be null', 'alter column tenant_id set not null'),
        ('R07', 'a foreign key does not pair tenant_id with tenant_id', 'make it (tenant_id, …) references (tenant_id, …)'),
        ('R08', 'a unique index spans tenants', 'put tenant_id in front of its key'),
        ('R09', 'a role has an attribute that opens the wall', 'alter role … nosuperuser nobypassrls nocreaterole nocreatedb noreplication'),
        ('R10', 'the service or the analysts own an object', 'alter … owner to pidima_owner'),
        ('R11', 'the service or the group of analysts is a member of a role', 'revoke the membership'),
        ('R12', 'the service has more than select, insert, update, delete', 'revoke the right'),
        ('R13', 'a view reads with the rights of its owner', 'alter view … set (security_invoker = true)'),
        ('R14', 'a materialised view or foreign table, which no policy can guard', 'drop it, or revoke its rights'),
        ('R15', 'a table without tenant_id is open to the service', 'add tenant_id, or revoke, or list it with its reason'),
        ('R16', 'a partition is reachable around its parent', 'revoke all on the partition'),
        ('R17', 'a function runs with the rights of its owner', 'make it security invoker, or revoke execute'),
        ('R18', 'a function is leakproof, so it sees rows before the policy', 'alter function … not leakproof'),
        ('R19', 'a role may create objects in a schema', 'revoke create on schema …'),
        ('R20', 'a sequence is open: it counts the rows of all tenants', 'revoke it and use UUIDv7'),
        ('R21', 'a trigger runs with the rights of the owner', 'make its function security invoker'),
        ('R22', 'a rule rewrites statements', 'drop the rule'),
        ('R23', 'app.tid() was altered', 'restore it as migration 0001 wrote it'),
        ('R24', 'no index leads with tenant_id', 'create an index that leads with tenant_id'),
        ('R25', 'a role or the database presets a setting of the wall', 'alter role or database … reset …'),
        ('R26', 'objects to come will be open', 'alter default privileges … revoke …'),
        ('R27', 'every role has a right', 'revoke … from public'),
        ('R28', 'a policy that is none of tenant, analyst and directory, or is not shaped like it', 'drop policy …'),
        ('R29', 'tenant_id is no uuid', 'alter column tenant_id type uuid'),
        ('R30', 'tenant_id has a default', 'alter column tenant_id drop default'),
        ('R31', 'the primary key does not lead with tenant_id', 'make it (tenant_id, …)'),
        ('R32', 'a table with tenant_id lies outside schema app', 'alter table … set schema app'),
        ('R33', 'an object is not owned by pidima_owner', 'alter … owner to pidima_owner'),
        ('R34', 'a group can log in', 'alter role … nologin'),
        ('R35', 'a stranger has a right', 'revoke it; grant to pidima_analyst or not at all'),
        ('R36', 'a role may act as another', 'revoke the membership'),
        ('R37', 'a right may be handed on', 'revoke grant option for …'),
        ('R38', 'a role may create temporary tables or schemas', 'revoke temporary, create on database …'),
        ('R39', 'a foreign key is not enforced', 'alter table … validate constraint, or alter constraint … enforced'),
        ('R40', 'a trigger, which may be that of a foreign key, is disabled', 'alter table … enable trigger …'),
        ('R41', 'a role may set a guarded parameter', 'revoke set on parameter …'),
        ('R42', 'a server setting opens the wall', 'reset the setting'),
        ('R43', 'an event trigger runs code in every session', 'drop event trigger …'),
        ('R44', 'rows leave or enter by logical replication', 'drop the publication or subscription'),
        ('R45', 'a foreign server can be used', 'revoke usage; drop the user mapping'),
        ('R46', 'a function is written in an untrusted language', 'write it in sql or plpgsql'),
        ('R47', 'a large object is open: no policy guards it', 'revoke its rights and lo_unlink it'),
        ('R48', 'a function changes a setting of the wall', 'drop the function'),
        ('R49', 'every role may run a function of the service', 'revoke execute on function … from public'),
        ('R50', 'schema analytics holds more than guarded views', 'make it a view with security_invoker and security_barrier'),
        ('R51', 'analysts have a right that is not listed', 'revoke it, or list the column'),
        ('R52', 'the role of an analyst has a forbidden attribute', 'create it anew with the command of the operator'),
        ('R53', 'the role of an analyst lacks a limit', 'create it anew with the command of the operator'),
        ('R54', 'the role of an analyst is more than a member of pidima_analyst', 'revoke what it has beyond that'),
        ('R55', 'app.analyst_tid() was altered', 'restore it as migration 0009 wrote it'),
        ('R56', 'app.analyst_logins is open', 'revoke all on app.analyst_logins'),
        ('R57', 'secrets or files of the server can be read', 'revoke the right'),
        ('R58', 'an extension that is not listed', 'drop it, or list it with its reason'),
        ('R59', 'a table names tenants but has no tenant_id', 'rename the column to tenant_id and call app.isolate(…)'),
        ('R60', 'a table without tenant_id is the parent of one that has it', 'alter table … no inherit …'),
        ('R61', 'a function in schema public belongs to no extension', 'move it to schema app'),
        ('R62', 'a function that looks across tenants was altered', 'restore it as its migration wrote it'),
        ('R63', 'the audit log can be changed', 'revoke all but select and insert on app.audit_events')
),
-- Facts.
me as (
    select
        (select oid from pg_roles where rolname = 'pidima_owner') as owner,
        (select oid from pg_roles where rolname = 'pidima_app') as app,
        (select oid from pg_roles where rolname = 'pidima_analyst') as analyst,
        (select oid from pg_roles where rolname = 'pidima_migrator') as migrator,
        (select oid from pg_database where datname = current_database()) as database
),
guest as (
    -- The roles that work behind the wall.
    select r.oid, r.rolname
    from pg_roles r
    where r.rolname in ('pidima_app', 'pidima_analyst')
),
login as (
    -- Analysts. An administrator who made the group is its member by that (PostgreSQL 16) and is no analyst.
    select r.*
    from pg_auth_members m
    join pg_roles r on r.oid = m.member
    cross join me
    where m.roleid = me.analyst and not (m.admin_option and (r.rolsuper or r.rolcreaterole))
),
of_extension as (
    -- An extension cannot hide an object of schema app: those are always looked at.
    select d.classid, d.objid
    from pg_depend d
    where d.deptype = 'e' and d.classid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_event_trigger'::regclass)
),
relation as (
    select
        c.oid,
        c.relkind,
        c.relowner,
        c.relacl,
        c.reloptions,
        c.relispartition,
        c.relrowsecurity,
        c.relforcerowsecurity,
        n.nspname,
        n.nspname || '.' || c.relname as object
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join of_extension e on e.classid = 'pg_class'::regclass and e.objid = c.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and n.nspname !~ '^(pg_|information_schema$)'
        and (e.objid is null or n.nspname in ('app', 'analytics'))
),
tenant_table as (
    -- `offset 0` keeps the look-up by index: fresh catalogues have no statistics, and a join would go over all columns.
    select r.*, a.*
    from relation r
    cross join lateral (
        select attnum, attnotnull, atttypid, atthasdef, attidentity
        from pg_attribute
        where attrelid = r.oid and attname = 'tenant_id'
        offset 0
    ) a
    where r.relkind in ('r', 'p')
),
held as (
    -- Rights on relations and on columns of them; those of the owner are no news.
    select r.oid, r.nspname, r.object, r.relkind, r.relispartition, null::name as col, x.grantee, x.privilege_type, x.is_grantable
    from relation r
    cross join aclexplode(r.relacl) x
    where x.grantee <> r.relowner
    union all
    select r.oid, r.nspname, r.object, r.relkind, r.relispartition, a.attname, x.grantee, x.privilege_type, x.is_grantable
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attacl is not null
    cross join aclexplode(a.attacl) x
    where x.grantee <> r.relowner
),
policy as (
    select
        p.*,
        r.object,
        r.object || ': ' || p.polname as named,
        coalesce(pg_get_expr(p.polqual, p.polrelid), 'none') as shows,
        coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'none') as admits
    from pg_policy p
    join relation r on r.oid = p.polrelid
),
routine as (
    select
        p.*,
        n.nspname,
        n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as object,
        e.objid is not null and n.nspname not in ('app', 'analytics') as from_extension
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    left join of_extension e on e.classid = 'pg_proc'::regclass and e.objid = p.oid
    where n.nspname !~ '^(pg_|information_schema$)'
),
breach (code, object) as (
    -- The check must not be silent because there is nothing to see.
    select 'R00', 'role ' || n from unnest('{pidima_owner,pidima_app,pidima_analyst}'::text[]) n
    where not exists (select from pg_roles where rolname = n)
    union all select 'R00', 'schema app has no tables with tenant_id'
    where not exists (select from tenant_table where nspname = 'app')
    union all select 'R00', 'search_path is ' || current_setting('search_path')
    where current_setting('search_path') <> 'pg_catalog, pg_temp'
    -- Tables and their policies. A partition is a table of its own, so it is held to the same.
    union all select 'R01', object from tenant_table where not relrowsecurity
    union all select 'R02', object from tenant_table where not relforcerowsecurity
    union all select 'R03', object from tenant_table
    where oid not in (select polrelid from policy where polname = 'tenant')
    union all select 'R04', named from policy
    where shows <> case
        when polname = 'analyst' then '(tenant_id = ( SELECT app.analyst_tid() AS analyst_tid))'
        when polname = 'directory' then 'true'
        else '(tenant_id = ( SELECT app.tid() AS tid))' end
    union all select 'R05', named from policy
    where admits <> case when polname in ('analyst', 'directory') then 'none' else '(tenant_id = ( SELECT app.tid() AS tid))' end
    union all select 'R06', object from tenant_table where not attnotnull
    -- PostgreSQL checks foreign keys and uniqueness without policies: with a key that does not hold the tenant, a row
    -- of another tenant can be linked to, and its existence is told.
    union all select 'R07', a.object || ': ' || k.conname
    from pg_constraint k
    join relation a on a.oid = k.conrelid
    left join tenant_table here on here.oid = k.conrelid
    left join tenant_table there on there.oid = k.confrelid
    where k.contype = 'f' and (here.oid is not null or there.oid is not null) and not exists (
        select from unnest(k.conkey, k.confkey) pair (h, t) where pair.h = here.attnum and pair.t = there.attnum)
    -- Only key columns count: INCLUDE (tenant_id) is in indkey too, but takes no part in uniqueness.
    union all select 'R08', t.object || ': ' || i.indexrelid::regclass
    from pg_index i
    join tenant_table t on t.oid = i.indrelid
    where (i.indisunique or i.indisexclusion) and t.attnum <> all ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    union all select 'R24', object from tenant_table
    where (oid, attnum) not in (select indrelid, indkey[0] from pg_index where indpred is null and indisvalid)
    union all select 'R28', p.named from policy p cross join me
    where not coalesce(p.polpermissive and case p.polname
        when 'tenant' then p.polcmd = '*' and p.polroles = array[me.app] and p.polrelid in (select oid from tenant_table)
        when 'analyst' then p.polcmd = 'r' and p.polroles = array[me.analyst] and p.object in (select object from analyst_columns)
        when 'directory' then p.polcmd = 'r' and p.polroles = array[me.owner] and p.object in (select object from directory_policy)
        end, false)
    -- Another type would compare by a cast, which no index serves and which two spellings of one id can deceive.
    union all select 'R29', object from tenant_table where atttypid <> 'uuid'::regtype
    -- A statement that forgets the tenant must fail, not be given one.
    union all select 'R30', object from tenant_table where atthasdef or attidentity <> ''
    union all select 'R31', object from tenant_table
    where (oid, attnum) not in (select indrelid, indkey[0] from pg_index where indisprimary)
    union all select 'R32', object from tenant_table where nspname <> 'app'
    -- Another name for the tenant would slip past every rule above.
    union all select 'R59', r.object || '.' || a.attname
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and a.attname like '%tenant%'
    where r.relkind in ('r', 'p', 'f')
        and r.oid not in (select oid from tenant_table)
        and r.object not in (select object from table_without_tenant union all values ('app.analyst_logins'))
    -- Who reads the parent reads its children under the parent's policies only.
    union all select 'R60', parent.object || ' of ' || t.object
    from pg_inherits i
    join tenant_table t on t.oid = i.inhrelid
    join relation parent on parent.oid = i.inhparent
    where parent.oid not in (select oid from tenant_table)
    -- NOT VALID keeps old links, NOT ENFORCED takes any link and is never valid.
    union all select 'R39', r.object || ': ' || k.conname
    from pg_constraint k
    join relation r on r.oid = k.conrelid
    where k.contype = 'f' and not k.convalidated
    union all select 'R40', r.object || ': ' || t.tgname
    from pg_trigger t join relation r on r.oid = t.tgrelid where t.tgenabled <> 'O'
    union all select 'R21', r.object || ': ' || t.tgname
    from pg_trigger t
    join relation r on r.oid = t.tgrelid
    join pg_proc p on p.oid = t.tgfoid
    where not t.tgisinternal and p.prosecdef
    union all select 'R22', r.object || ': ' || w.rulename
    from pg_rewrite w join relation r on r.oid = w.ev_class where w.rulename <> '_RETURN'
    -- Roles.
    union all select 'R09', r.rolname
    from pg_roles r cross join me
    where r.oid in (me.owner, me.app, me.analyst, me.migrator)
        and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication)
    union all select 'R10', g.rolname || ': ' || pg_describe_object(d.classid, d.objid, d.objsubid)
    from pg_shdepend d
    join guest g on g.oid = d.refobjid
    cross join me
    where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o' and d.dbid in (0, me.database)
    union all select 'R11', g.rolname || ' in ' || m.roleid::regrole
    from pg_auth_members m join guest g on g.oid = m.member
    union all select 'R34', r.rolname
    from pg_roles r cross join me where r.oid in (me.owner, me.analyst) and r.rolcanlogin
    -- Administrators may appoint themselves anyway.
    union all select 'R36', r.rolname || ' as ' || m.roleid::regrole
    from pg_auth_members m
    join pg_roles r on r.oid = m.member
    cross join me
    where m.roleid in (me.owner, me.app, me.migrator)
        and not (m.roleid = me.owner and m.member = me.migrator)
        and not r.rolsuper and not r.rolcreaterole
    union all select 'R38', g.rolname || ': ' || p
    from guest g cross join me cross join unnest('{temporary,create}'::text[]) p
    where has_database_privilege(g.oid, me.database, p)
    -- E.g. session_replication_role, which switches foreign keys off.
    union all select 'R41', a.parname || ' to ' || coalesce(r.rolname, 'public')
    from pg_parameter_acl a
    cross join aclexplode(a.paracl) x
    left join pg_roles r on r.oid = x.grantee
    where x.grantee = 0 or x.grantee in (select oid from guest union all select oid from login)
    union all select 'R25', coalesce(s.setrole::regrole::text, 'database') || ': ' || split_part(x, '=', 1)
    from pg_db_role_setting s
    cross join me
    cross join unnest(s.setconfig) x
    where s.setdatabase in (0, me.database)
        and (s.setrole in (0, me.app, me.analyst) and x ~* '^(row_security|app\..*|session_replication_role|role|search_path)='
            -- What a login can preset for itself is no wall, and must not be a way to stop the service; these it cannot.
            or s.setrole in (select oid from login) and x ~* '^(app\..*|session_replication_role)=')
    -- Rights.
    union all select 'R12', h.object || ': ' || h.privilege_type
    from held h cross join me
    where h.grantee = me.app and h.relkind <> 'S'
        and h.privilege_type <> all (case h.relkind when 'v' then '{SELECT}'::text[] else '{SELECT,INSERT,UPDATE,DELETE}' end)
    union all select 'R13', r.object from relation r
    where r.relkind = 'v'
        and not coalesce(r.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1}', false)
        and exists (select from held h where h.oid = r.oid and (h.grantee = 0 or h.grantee in (select oid from guest)))
    union all select 'R14', r.object from relation r
    where r.relkind in ('m', 'f') and (
        r.nspname in ('app', 'analytics')
        or exists (select from held h where h.oid = r.oid and (h.grantee = 0 or h.grantee in (select oid from guest))))
    union all select distinct 'R15', h.object
    from held h cross join me
    where h.grantee in (0, me.app) and h.relkind in ('r', 'p')
        and h.oid not in (select oid from tenant_table)
        and h.object not in (select object from table_without_tenant)
    union all select distinct 'R16', h.object
    from held h where h.relispartition and (h.grantee = 0 or h.grantee in (select oid from guest))
    union all select distinct 'R20', h.object
    from held h where h.relkind = 'S' and (h.grantee = 0 or h.grantee in (select oid from guest))
    union all select distinct 'R27', h.object from held h where h.grantee = 0
    union all select 'R27', 'schema ' || n.nspname
    from pg_namespace n cross join aclexplode(n.nspacl) x
    where n.nspname in ('app', 'analytics', 'public') and x.grantee = 0
    union all select 'R19', g.rolname || ' in ' || n.nspname
    from guest g cross join pg_namespace n
    where n.nspname !~ '^pg_(toast|temp)' and has_schema_privilege(g.oid, n.oid, 'create')
    union all select 'R26', d.defaclrole::regrole || ' to ' || coalesce(r.rolname, 'public')
    from pg_default_acl d
    cross join me
    cross join aclexplode(d.defaclacl) x
    left join pg_roles r on r.oid = x.grantee
    where x.grantee <> d.defaclrole and (
        d.defaclrole = me.owner
        or d.defaclobjtype in ('r', 'S') and (x.grantee = 0 or x.grantee in (select oid from guest)))
    union all select 'R33', r.object from relation r cross join me
    where r.nspname in ('app', 'analytics') and r.relowner <> me.owner
    union all select 'R33', r.object from routine r cross join me
    where r.nspname in ('app', 'analytics') and r.proowner <> me.owner
    union all select 'R33', 'schema ' || n.nspname from pg_namespace n cross join me
    where n.nspname in ('app', 'analytics') and n.nspowner <> me.owner
    union all select distinct 'R35', a.object || ' to ' || a.grantee::regrole
    from (
        select object, grantee from held where nspname in ('app', 'analytics')
        union all select r.object, x.grantee from routine r cross join aclexplode(r.proacl) x
        where r.nspname in ('app', 'analytics')
        union all select 'schema ' || n.nspname, x.grantee from pg_namespace n cross join aclexplode(n.nspacl) x
        where n.nspname in ('app', 'analytics')
    ) a cross join me
    where a.grantee not in (0, me.owner, me.app, me.analyst) and a.grantee not in (select oid from login)
    union all select distinct 'R37', a.object || ' by ' || a.grantee::regrole
    from (
        select object, grantee, is_grantable from held
        union all select r.object, x.grantee, x.is_grantable from routine r cross join aclexplode(r.proacl) x
        union all select 'schema ' || n.nspname, x.grantee, x.is_grantable
        from pg_namespace n cross join aclexplode(n.nspacl) x
    ) a
    where a.is_grantable and a.grantee in (select oid from guest)
    -- Functions.
    union all select 'R17', p.oid::regprocedure || ' by ' || g.rolname
    from pg_proc p cross join guest g
    where p.prosecdef and has_function_privilege(g.oid, p.oid, 'execute')
        and (g.rolname, p.oid::regprocedure::text) not in (select d.grantee, d.object from definer_function d)
    union all select 'R18', object from routine where proleakproof
    union all select 'R23', 'app.tid()' where not exists (
        select from routine r join pg_language l on l.oid = r.prolang
        where r.object = 'app.tid()' and l.lanname = 'sql' and r.prorettype = 'uuid'::regtype
            and r.provolatile = 's' and not r.prosecdef and r.proconfig is null
            and btrim(r.prosrc) = 'select nullif(current_setting(''app.tenant_id'', true), '''')::uuid')
    union all select 'R46', r.object
    from routine r join pg_language l on l.oid = r.prolang
    where not r.from_extension and l.lanname not in ('sql', 'plpgsql')
    -- A function that sets the tenant for itself is a door in the wall, whoever's rights it has.
    union all select 'R48', r.object from routine r
    where not r.from_extension and (
        r.proconfig::text ~* '(app\.|row_security|session_replication_role|[{,"]role=)'
        or r.object <> 'app.tid()'
            and r.prosrc || coalesce(pg_get_function_sqlbody(r.oid), '') ~* '(app\.tenant_id|row_security|session_replication_role)')
    union all select 'R49', r.object
    from routine r cross join aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) x
    where r.nspname in ('app', 'analytics') and x.grantee = 0
    -- Schema public is on search paths, and is there for extensions.
    union all select 'R61', object from routine where nspname = 'public' and not from_extension
    -- Analysts write SQL of their own: what they have is listed column by column.
    union all select 'R50', r.object from relation r
    where r.nspname = 'analytics' and not coalesce(
        r.relkind = 'v'
        and r.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1}'
        and r.reloptions && '{security_barrier=true,security_barrier=on,security_barrier=1}', false)
    union all select 'R51', h.object || coalesce('.' || h.col, '') || ': ' || h.privilege_type
    from held h
    cross join me
    left join analyst_columns a on a.object = h.object
    where h.grantee = me.analyst and not (
        h.privilege_type = 'SELECT' and case when h.col is null then h.nspname = 'analytics' and h.relkind = 'v'
        else coalesce(h.col = any (a.columns), false) end)
    union all select 'R52', rolname from login
    where rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or not rolcanlogin
        or rolname !~ '^analyst_'
    -- Limits that a login cannot change itself. It can change its defaults (read-only, time of a statement): if these were
    -- asked for here, every analyst could keep the service from starting.
    union all select 'R53', rolname || ': connection limit' from login where rolconnlimit not between 1 and 100
    union all select 'R53', rolname || ': valid until' from login
    where rolvaliduntil is null or rolvaliduntil = 'infinity'
    union all select 'R54', l.rolname || ' in ' || m.roleid::regrole
    from login l join pg_auth_members m on m.member = l.oid cross join me where m.roleid <> me.analyst
    union all select 'R54', m.member::regrole || ' as ' || l.rolname
    from login l
    join pg_auth_members m on m.roleid = l.oid
    join pg_roles r on r.oid = m.member
    where not r.rolsuper and not r.rolcreaterole
    union all select 'R54', l.rolname || ': ' || pg_describe_object(d.classid, d.objid, d.objsubid)
    from pg_shdepend d
    join login l on l.oid = d.refobjid
    cross join me
    where d.refclassid = 'pg_authid'::regclass and d.dbid in (0, me.database)
        and d.classid <> 'pg_largeobject'::regclass
    union all select 'R55', 'app.analyst_tid()' where not exists (
        select from routine r join pg_language l on l.oid = r.prolang cross join me
        where r.object = 'app.analyst_tid()' and l.lanname = 'sql' and r.prorettype = 'uuid'::regtype
            and r.provolatile = 's' and r.prosecdef and r.proowner = me.owner
            and r.proconfig = '{"search_path=pg_catalog, pg_temp"}'
            and btrim(regexp_replace(r.prosrc, '\s+', ' ', 'g')) = 'select l.reads_tenant from app.analyst_logins l '
                'join app.tenants t on t.tenant_id = l.reads_tenant '
                'where l.login = session_user and l.expires_at > now() and t.state = ''active''')
    union all select 'R62', f.object from directory_function f cross join me where not exists (
        select from routine r join pg_language l on l.oid = r.prolang
        where r.object = f.object and l.lanname = 'sql'
            and r.provolatile = 's' and r.prosecdef and r.proowner = me.owner
            and r.proconfig = '{"search_path=pg_catalog, pg_temp"}'
            and btrim(regexp_replace(r.prosrc, '\s+', ' ', 'g')) = f.body)
    union all select distinct 'R63', h.grantee::regrole || ': ' || h.privilege_type
    from held h
    where h.object = 'app.audit_events' and h.privilege_type not in ('SELECT', 'INSERT')
    union all select distinct 'R56', h.grantee::regrole::text from held h where h.object = 'app.analyst_logins'
    -- The server and what leaves it.
    union all select 'R42', name || ' is ' || setting from pg_settings
    where name = 'session_replication_role' and setting <> 'origin' or name = 'lo_compat_privileges' and setting = 'on'
    union all select 'R43', t.evtname from pg_event_trigger t
    where t.oid not in (select objid from of_extension where classid = 'pg_event_trigger'::regclass)
    union all select 'R44', 'publication ' || pubname from pg_publication
    union all select 'R44', 'subscription ' || s.subname from pg_subscription s cross join me where s.subdbid = me.database
    union all select 'R45', 'server ' || s.srvname || ' by ' || g.rolname
    from pg_foreign_server s cross join guest g where has_server_privilege(g.oid, s.oid, 'usage')
    union all select 'R45', 'wrapper ' || w.fdwname || ' by ' || g.rolname
    from pg_foreign_data_wrapper w cross join guest g where has_foreign_data_wrapper_privilege(g.oid, w.oid, 'usage')
    union all select 'R45', 'user mapping of ' || m.usename || ' for ' || m.srvname from pg_user_mappings m
    where m.umuser = 0 or m.umuser in (select oid from guest union all select oid from login)
    union all select 'R47', l.oid || ' to ' || coalesce(r.rolname, 'public')
    from pg_largeobject_metadata l
    cross join aclexplode(l.lomacl) x
    left join pg_roles r on r.oid = x.grantee
    where x.grantee = 0 or x.grantee in (select oid from guest union all select oid from login)
    -- Statistics hold values of all tenants; the views over them know the policies, the tables do not.
    union all select 'R57', c.relname || ' by ' || g.rolname
    from pg_class c cross join guest g
    where c.relnamespace = 'pg_catalog'::regnamespace
        and c.relname in ('pg_authid', 'pg_shadow', 'pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_user_mapping',
            'pg_hba_file_rules', 'pg_ident_file_mappings', 'pg_file_settings', 'pg_backend_memory_contexts')
        and has_any_column_privilege(g.oid, c.oid, 'select')
    union all select 'R57', p.proname || ' by ' || g.rolname
    from pg_proc p cross join guest g
    where p.pronamespace = 'pg_catalog'::regnamespace
        and p.proname ~ '^(pg_read_(binary_)?file|pg_ls_|pg_stat_file|pg_current_logfile|lo_import|lo_export)'
        and has_function_privilege(g.oid, p.oid, 'execute')
    union all select 'R58', extname from pg_extension where extname not in (select name from extension_in_use)
)
select
    r.code || ' ' || r.says as rule,
    b.object::text as object,
    r.remedy as remedy
from breach b
join rule r using (code)
order by 1, 2
