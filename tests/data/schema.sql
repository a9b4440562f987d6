-- What the migrations make of an empty database, by pg_dump; tests/it/migrations.rs compares and rewrites it.
CREATE SCHEMA analytics;

COMMENT ON SCHEMA analytics IS 'Read-only views for SQL logins of a tenant: questions, answers, citations, cost';

CREATE SCHEMA app;

COMMENT ON SCHEMA app IS 'Tables of the service; analysts read the views of schema analytics instead';

CREATE FUNCTION app.analyst_tid() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select l.reads_tenant
    from app.analyst_logins l
    join app.tenants t on t.tenant_id = l.reads_tenant
    where l.login = session_user and l.expires_at > now() and t.state = 'active'
$$;

COMMENT ON FUNCTION app.analyst_tid() IS 'Tenant of the SQL login that asks; null for any other role';

CREATE FUNCTION app.cost_micro_usd(p_attempts jsonb, p_at timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select case when bool_and(p.input_usd is not null) then round(sum(
        (u.input_tokens - u.cached_tokens - u.written_tokens) * p.input_usd
        + u.cached_tokens * coalesce(p.cached_input_usd, p.input_usd)
        + u.written_tokens * coalesce(p.cache_write_usd, p.input_usd)
        + u.output_tokens * p.output_usd
    ))::bigint end
    from jsonb_array_elements(p_attempts) a
    cross join lateral (
        select
            (a -> 'usage' ->> 'input_tokens')::numeric as input_tokens,
            (a -> 'usage' ->> 'output_tokens')::numeric as output_tokens,
            coalesce((a -> 'usage' ->> 'cached_input_tokens')::numeric, 0) as cached_tokens,
            coalesce((a -> 'usage' ->> 'cache_write_tokens')::numeric, 0) as written_tokens
    ) u
    left join lateral (
        select m.input_usd, m.output_usd, m.cached_input_usd, m.cache_write_usd
        from app.model_prices m
        where m.model = a ->> 'model'
            and m.provider in (a ->> 'provider', a ->> 'kind')
            and m.valid_from <= p_at
        order by (m.provider = a ->> 'provider') desc, m.valid_from desc
        limit 1
    ) p on true
    where u.input_tokens is not null
$$;

COMMENT ON FUNCTION app.cost_micro_usd(p_attempts jsonb, p_at timestamp with time zone) IS 'Price of the attempts of a run in millionths of a US dollar, at the prices of that time; null when one of them has none';

CREATE PROCEDURE app.create_month_partitions(IN p_table regclass, IN p_first date, IN p_months integer)
    LANGUAGE plpgsql
    AS $$
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

COMMENT ON PROCEDURE app.create_month_partitions(IN p_table regclass, IN p_first date, IN p_months integer) IS 'Month partitions of a table whose key is a UUIDv7, each behind the wall; those that exist are left alone';

CREATE FUNCTION app.first_uuid_at(p_at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

COMMENT ON FUNCTION app.first_uuid_at(p_at timestamp with time zone) IS 'Smallest UUIDv7 of an instant (RFC 9562 5.7: 48 bits of milliseconds lead): ids order by time, so months can be ranges of ids';

CREATE TABLE app.collection_groups (
    tenant_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    group_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY app.collection_groups FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.collection_groups IS 'Groups that a collection is limited to; a collection without a row is open to the whole tenant';

COMMENT ON COLUMN app.collection_groups.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.collection_groups.collection_id IS 'Collection';

COMMENT ON COLUMN app.collection_groups.group_id IS 'Group that may read it';

COMMENT ON COLUMN app.collection_groups.added_at IS 'Since when';

CREATE TABLE app.group_members (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    member_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY app.group_members FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.group_members IS 'Who is in which group';

COMMENT ON COLUMN app.group_members.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.group_members.group_id IS 'Group';

COMMENT ON COLUMN app.group_members.member_id IS 'Person';

COMMENT ON COLUMN app.group_members.added_at IS 'Since when';

CREATE TABLE app.sealed_collections (
    tenant_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY app.sealed_collections FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.sealed_collections IS 'Collections that were limited to groups when they were deleted: answers made of them stay limited';

COMMENT ON COLUMN app.sealed_collections.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.sealed_collections.collection_id IS 'Collection that is gone';

COMMENT ON COLUMN app.sealed_collections.sealed_at IS 'When it was deleted';

CREATE FUNCTION app.hidden_collections(p_tenant uuid, p_member uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT cg.collection_id
    FROM (app.collection_groups cg
      LEFT JOIN app.group_members gm ON (((gm.tenant_id = cg.tenant_id) AND (gm.group_id = cg.group_id) AND (gm.member_id = hidden_collections.p_member))))
   WHERE (cg.tenant_id = hidden_collections.p_tenant)
   GROUP BY cg.collection_id
  HAVING (count(gm.member_id) = 0)
 UNION ALL
  SELECT s.collection_id
    FROM app.sealed_collections s
   WHERE (s.tenant_id = hidden_collections.p_tenant);
END;

COMMENT ON FUNCTION app.hidden_collections(p_tenant uuid, p_member uuid) IS 'Collections limited to groups that the person is not in, gone ones included; for no person, all that are limited. Asked under the policies of who asks';

CREATE PROCEDURE app.isolate(IN p_table regclass, IN p_rights text DEFAULT NULL::text)
    LANGUAGE plpgsql
    AS $$
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

COMMENT ON PROCEDURE app.isolate(IN p_table regclass, IN p_rights text) IS 'Puts a table behind the wall: row security, the one policy, the rights of the service. Partitions get no rights';

CREATE FUNCTION app.make_default_assistant() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    -- UUIDv7 (RFC 9562 5.7): 48 bits of milliseconds, the version, random bits.
    v_random uuid := gen_random_uuid();
    v_id uuid := (left(app.first_uuid_at(new.created_at)::text, 14) || '7' || substr(v_random::text, 16))::uuid;
begin
    insert into app.assistants (tenant_id, assistant_id, name, is_default, latest_version)
    values (new.tenant_id, v_id, 'default', true, 1);
    insert into app.assistant_versions (tenant_id, assistant_id, number, version_id, configuration)
    values (new.tenant_id, v_id, 1, v_id, '{}');
    update app.assistants
    set published_version = 1
    where tenant_id = new.tenant_id
        and assistant_id = v_id;
    return null;
end
$$;

COMMENT ON FUNCTION app.make_default_assistant() IS 'Gives a new tenant its default assistant, which answers as the server is set';

CREATE FUNCTION app.memberships_of(p_identity_sha256 bytea) RETURNS TABLE(of_tenant uuid, of_member uuid)
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select m.tenant_id, m.member_id from app.members m where m.identity_sha256 = p_identity_sha256 $$;

COMMENT ON FUNCTION app.memberships_of(p_identity_sha256 bytea) IS 'Tenants that a person belongs to: ids only, for one exact identity';

CREATE PROCEDURE app.open_enrichment_to_analysts()
    LANGUAGE plpgsql
    AS $$
begin
    if exists (
        select
        from pg_catalog.pg_policy p
        where p.polrelid = 'app.enrichments'::regclass
            and p.polname = 'analyst'
    ) then
        return;
    end if;
    call app.open_to_analysts('app.enrichments',
        'tenant_id, document_id, version_id, collection_id, state, reason_code, passages, contexts, summary,'
        ' suggested_questions, created_at, updated_at');
    call app.open_to_analysts('app.enrichment_usage',
        'tenant_id, collection_id, month, calls, input_tokens, output_tokens, cached_input_tokens, cost_micro_usd');
    grant select on analytics.enrichments, analytics.enrichment_by_month to pidima_analyst;
end
$$;

COMMENT ON PROCEDURE app.open_enrichment_to_analysts() IS 'Lets SQL logins of tenants read the views of enrichment, once no process is left that would take that for a breach';

CREATE PROCEDURE app.open_to_analysts(IN p_table regclass, IN p_columns text)
    LANGUAGE plpgsql
    AS $$
begin
    execute format(
        'create policy analyst on %s as permissive for select to pidima_analyst'
        ' using (tenant_id = (select app.analyst_tid()))',
        p_table);
    execute format('grant select (%s) on %s to pidima_analyst', p_columns, p_table);
end
$$;

COMMENT ON PROCEDURE app.open_to_analysts(IN p_table regclass, IN p_columns text) IS 'Lets SQL logins of a tenant read the named columns, which the views of schema analytics need';

CREATE FUNCTION app.origin_is_known(p_origin text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select exists (select from app.tenants t where t.allowed_origins @> array[p_origin] and t.state = 'active')
        or exists (
            select from app.api_keys k
            where k.allowed_origins @> array[p_origin] and k.revoked_at is null and k.expires_at > now()
        )
$$;

COMMENT ON FUNCTION app.origin_is_known(p_origin text) IS 'Whether any tenant lets pages of this exact origin call; answers preflights, which carry no credential';

CREATE PROCEDURE app.partition_by_tenant(IN p_table regclass, IN p_partitions integer)
    LANGUAGE plpgsql
    AS $$
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

COMMENT ON PROCEDURE app.partition_by_tenant(IN p_table regclass, IN p_partitions integer) IS 'Hash partitions of a table by tenant, each behind the wall';

CREATE FUNCTION app.sibling_name(p_table regclass, p_suffix text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select format('%I.%I', n.nspname, c.relname || '_' || p_suffix)
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = p_table
$$;

COMMENT ON FUNCTION app.sibling_name(p_table regclass, p_suffix text) IS 'Name of a partition, in the schema of its parent whatever the search path';

CREATE FUNCTION app.tid() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;

COMMENT ON FUNCTION app.tid() IS 'Tenant of the running transaction; null outside one, so that nothing is visible';

CREATE TABLE app.messages (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    session_id uuid,
    run_id uuid NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    read_collection_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    CONSTRAINT messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text])))
)
PARTITION BY RANGE (message_id);

ALTER TABLE ONLY app.messages FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.messages IS 'Questions and answers, in the order of their ids';

COMMENT ON COLUMN app.messages.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.messages.message_id IS 'UUIDv7; its month decides the partition';

COMMENT ON COLUMN app.messages.session_id IS 'Conversation; null for a single question';

COMMENT ON COLUMN app.messages.run_id IS 'Run that the message started or ended';

COMMENT ON COLUMN app.messages.role IS 'user or assistant';

COMMENT ON COLUMN app.messages.content IS 'Text; an answer in Markdown with markers [1], [2] of its citations';

COMMENT ON COLUMN app.messages.created_at IS 'When it was stored';

COMMENT ON COLUMN app.messages.read_collection_ids IS 'Collections whose text the model was given for this answer, earlier answers included: who reaches each of them may read it';

CREATE TABLE app.runs (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    session_id uuid,
    question_id uuid NOT NULL,
    answer_id uuid,
    state text DEFAULT 'running'::text NOT NULL,
    outcome text,
    outcome_reason text,
    collection_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    standalone_question text,
    provider text,
    model text,
    input_tokens bigint,
    output_tokens bigint,
    cost_micro_usd bigint,
    unknown_markers integer DEFAULT 0 NOT NULL,
    search_ms integer,
    first_token_ms integer,
    total_ms integer,
    asked_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    event_count integer,
    attempts jsonb DEFAULT '[]'::jsonb NOT NULL,
    cached_input_tokens bigint,
    usage_estimated boolean DEFAULT false NOT NULL,
    assistant_id uuid,
    assistant_version integer,
    configuration_sha256 bytea,
    prompt_sha256 bytea,
    prompt_left_out jsonb,
    filtered jsonb,
    CONSTRAINT runs_attempts_check CHECK ((jsonb_typeof(attempts) = 'array'::text)),
    CONSTRAINT runs_ended_check CHECK (((state = 'running'::text) = (ended_at IS NULL))),
    CONSTRAINT runs_filtered_check CHECK ((jsonb_typeof(filtered) = 'object'::text)),
    CONSTRAINT runs_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'partial'::text, 'no_answer'::text, 'clarification'::text, 'blocked'::text, 'failed'::text]))),
    CONSTRAINT runs_state_check CHECK ((state = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'interrupted'::text, 'cancelled'::text])))
)
PARTITION BY RANGE (run_id);

ALTER TABLE ONLY app.runs FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.runs IS 'How an answer came about; it goes on when the reader hangs up';

COMMENT ON COLUMN app.runs.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.runs.run_id IS 'UUIDv7; its month decides the partition';

COMMENT ON COLUMN app.runs.session_id IS 'Conversation; null for a single question';

COMMENT ON COLUMN app.runs.question_id IS 'Message of the user';

COMMENT ON COLUMN app.runs.answer_id IS 'Message of the assistant; null until there is one';

COMMENT ON COLUMN app.runs.state IS 'running, completed, failed, interrupted or cancelled';

COMMENT ON COLUMN app.runs.outcome IS 'answered, partial, no_answer, clarification, blocked or failed';

COMMENT ON COLUMN app.runs.outcome_reason IS 'Machine-readable reason, e.g. no_candidates';

COMMENT ON COLUMN app.runs.collection_ids IS 'Collections that were asked; empty for all';

COMMENT ON COLUMN app.runs.standalone_question IS 'The question as it was searched, with what the conversation adds';

COMMENT ON COLUMN app.runs.provider IS 'Provider of the model that answered';

COMMENT ON COLUMN app.runs.model IS 'Model that answered';

COMMENT ON COLUMN app.runs.input_tokens IS 'Tokens of the prompt, as the provider counts; null when it does not say';

COMMENT ON COLUMN app.runs.output_tokens IS 'Tokens of the answer, as the provider counts; null when it does not say';

COMMENT ON COLUMN app.runs.cost_micro_usd IS 'Price of both, in millionths of a US dollar; null when no price is known';

COMMENT ON COLUMN app.runs.unknown_markers IS 'Citation markers that the model made up, which were removed';

COMMENT ON COLUMN app.runs.search_ms IS 'Milliseconds that the answer waited for its search, which may begin while the question is being stored';

COMMENT ON COLUMN app.runs.first_token_ms IS 'Milliseconds from the question to the first text';

COMMENT ON COLUMN app.runs.total_ms IS 'Milliseconds from the question to the end';

COMMENT ON COLUMN app.runs.asked_by IS 'Key that asked';

COMMENT ON COLUMN app.runs.created_at IS 'When the question came';

COMMENT ON COLUMN app.runs.ended_at IS 'When the run ended';

COMMENT ON COLUMN app.runs.event_count IS 'Number of the last event; null while running, and for runs before events were kept';

COMMENT ON COLUMN app.runs.attempts IS 'Each try of a provider in order: provider, model, mode, outcome, milliseconds, tokens, findings of its guardrail';

COMMENT ON COLUMN app.runs.cached_input_tokens IS 'Of the input tokens, those that came from a provider''s cache; null when nobody counted';

COMMENT ON COLUMN app.runs.usage_estimated IS 'Whether some of the tokens are made from lengths, since the provider did not count';

COMMENT ON COLUMN app.runs.assistant_id IS 'Assistant that answered; null for runs from before there were any';

COMMENT ON COLUMN app.runs.assistant_version IS 'Its version; null when its draft was tried';

COMMENT ON COLUMN app.runs.configuration_sha256 IS 'SHA-256 over the canonical JSON of the configuration that answered, the settings of the server included';

COMMENT ON COLUMN app.runs.prompt_sha256 IS 'SHA-256 over what the model was told, the random marker of the request left out; null when no model was asked';

COMMENT ON COLUMN app.runs.prompt_left_out IS 'What of the conversation and of the passages did not fit into the prompt, and why; null when everything did';

COMMENT ON COLUMN app.runs.filtered IS 'Links, images, markup and characters taken out of the model''s text or made harmless, by kind; null when there were none';

CREATE VIEW analytics.answers WITH (security_invoker='true', security_barrier='true') AS
 SELECT r.run_id,
    r.session_id,
    r.answer_id AS message_id,
    q.content AS question,
    r.standalone_question,
    a.content AS answer,
    r.state,
    r.outcome,
    r.outcome_reason,
    r.provider,
    r.model,
    r.input_tokens,
    r.output_tokens,
    ((r.cost_micro_usd)::numeric / '1000000'::numeric) AS cost_usd,
    r.search_ms,
    r.first_token_ms,
    r.total_ms,
    r.created_at AS asked_at,
    r.ended_at AS answered_at,
    r.assistant_id,
    r.assistant_version,
    encode(r.configuration_sha256, 'hex'::text) AS configuration_sha256,
    encode(r.prompt_sha256, 'hex'::text) AS prompt_sha256,
    r.prompt_left_out
   FROM ((app.runs r
     JOIN app.messages q ON (((q.tenant_id = r.tenant_id) AND (q.message_id = r.question_id))))
     LEFT JOIN app.messages a ON (((a.tenant_id = r.tenant_id) AND (a.message_id = r.answer_id))));

COMMENT ON VIEW analytics.answers IS 'One row per question with its answer, outcome, tokens, cost and timings';

CREATE TABLE app.assistant_versions (
    tenant_id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    number integer NOT NULL,
    version_id uuid NOT NULL,
    configuration jsonb NOT NULL,
    published_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT assistant_versions_number_check CHECK ((number >= 1))
);

ALTER TABLE ONLY app.assistant_versions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.assistant_versions IS 'Configurations as they were published; never changed, since answers name them';

COMMENT ON COLUMN app.assistant_versions.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.assistant_versions.assistant_id IS 'Assistant';

COMMENT ON COLUMN app.assistant_versions.number IS 'Counts from 1 within the assistant';

COMMENT ON COLUMN app.assistant_versions.version_id IS 'UUIDv7; orders the list';

COMMENT ON COLUMN app.assistant_versions.configuration IS 'Configuration; what it does not name is as the server sets it';

COMMENT ON COLUMN app.assistant_versions.published_by IS 'Who published it; null for the first version of a default assistant';

COMMENT ON COLUMN app.assistant_versions.created_at IS 'When it was published';

CREATE VIEW analytics.assistant_versions WITH (security_invoker='true', security_barrier='true') AS
 SELECT assistant_id,
    number,
    configuration,
    published_by,
    created_at AS published_at
   FROM app.assistant_versions v;

COMMENT ON VIEW analytics.assistant_versions IS 'One row per published version of an assistant, with its configuration';

CREATE TABLE app.assistants (
    tenant_id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    is_default boolean DEFAULT false NOT NULL,
    draft jsonb DEFAULT '{}'::jsonb NOT NULL,
    published_version integer,
    latest_version integer DEFAULT 0 NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT assistants_default_check CHECK (((NOT is_default) OR (deleted_at IS NULL))),
    CONSTRAINT assistants_draft_check CHECK ((jsonb_typeof(draft) = 'object'::text)),
    CONSTRAINT assistants_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY app.assistants FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.assistants IS 'What answers: each tenant has a default one, and others that its editors make';

COMMENT ON COLUMN app.assistants.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.assistants.assistant_id IS 'UUIDv7';

COMMENT ON COLUMN app.assistants.name IS 'Unique within the tenant among those that are not deleted';

COMMENT ON COLUMN app.assistants.description IS 'What it is for';

COMMENT ON COLUMN app.assistants.is_default IS 'Whether it answers where a request names none; one of each tenant';

COMMENT ON COLUMN app.assistants.draft IS 'Configuration that is being worked on; what it does not name is as the server sets it';

COMMENT ON COLUMN app.assistants.published_version IS 'Number of the version that answers; null until one is published';

COMMENT ON COLUMN app.assistants.latest_version IS 'Highest number so far';

COMMENT ON COLUMN app.assistants.revision IS 'Counts the changes, so that two editors notice each other';

COMMENT ON COLUMN app.assistants.created_at IS 'When it was created';

COMMENT ON COLUMN app.assistants.updated_at IS 'When it was last changed';

COMMENT ON COLUMN app.assistants.deleted_at IS 'When it was deleted; its versions stay, since answers name them';

CREATE VIEW analytics.assistants WITH (security_invoker='true', security_barrier='true') AS
 SELECT assistant_id,
    name,
    description,
    is_default,
    published_version,
    created_at,
    updated_at,
    deleted_at
   FROM app.assistants a;

COMMENT ON VIEW analytics.assistants IS 'One row per assistant, deleted ones included';

CREATE TABLE app.citations (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    number integer NOT NULL,
    citation_id uuid NOT NULL,
    chunk_id uuid NOT NULL,
    document_id uuid NOT NULL,
    version_id uuid NOT NULL,
    version_number integer NOT NULL,
    document_title text NOT NULL,
    heading_path text[] NOT NULL,
    url text,
    char_start integer NOT NULL,
    char_end integer NOT NULL,
    quote text NOT NULL,
    verified boolean NOT NULL,
    page integer,
    CONSTRAINT citations_page_check CHECK ((page >= 1))
)
PARTITION BY RANGE (message_id);

ALTER TABLE ONLY app.citations FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.citations IS 'Which passage a marker of an answer stands for, pinned to the version that was read';

COMMENT ON COLUMN app.citations.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.citations.message_id IS 'Answer';

COMMENT ON COLUMN app.citations.number IS 'The n of the marker [n]';

COMMENT ON COLUMN app.citations.citation_id IS 'UUIDv7';

COMMENT ON COLUMN app.citations.chunk_id IS 'Passage; it may be gone since';

COMMENT ON COLUMN app.citations.document_id IS 'Document; it may be gone since';

COMMENT ON COLUMN app.citations.version_id IS 'Version that was read; it may be gone since';

COMMENT ON COLUMN app.citations.version_number IS 'Its number, for people';

COMMENT ON COLUMN app.citations.document_title IS 'Title at the time';

COMMENT ON COLUMN app.citations.heading_path IS 'Headings above the passage, outermost first';

COMMENT ON COLUMN app.citations.url IS 'Where a reader finds it: address of the original with the anchor';

COMMENT ON COLUMN app.citations.char_start IS 'First character of the quote in the extracted text of the version, from 0';

COMMENT ON COLUMN app.citations.char_end IS 'Character after the last one';

COMMENT ON COLUMN app.citations.quote IS 'The words of the passage that the answer rests on';

COMMENT ON COLUMN app.citations.verified IS 'Whether the words of the answer were found in the passage';

COMMENT ON COLUMN app.citations.page IS 'Page or slide of the original on which the quote begins, from 1; null for formats without pages';

CREATE TABLE app.documents (
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    source_url text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    active_version_id uuid,
    latest_version_number integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT documents_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT documents_name_check CHECK (((length(name) >= 1) AND (length(name) <= 1000)))
);

ALTER TABLE ONLY app.documents FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.documents IS 'One document of a collection; its contents are its versions';

COMMENT ON COLUMN app.documents.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.documents.document_id IS 'UUIDv7';

COMMENT ON COLUMN app.documents.collection_id IS 'Collection that it is in';

COMMENT ON COLUMN app.documents.name IS 'File name or path; the same name again is a new version';

COMMENT ON COLUMN app.documents.title IS 'Title found in the active version, else the name';

COMMENT ON COLUMN app.documents.source_url IS 'Where a reader finds the original; citations link there';

COMMENT ON COLUMN app.documents.metadata IS 'Object of the tenant''s own, for filters';

COMMENT ON COLUMN app.documents.active_version_id IS 'Version that search and answers read; null until the first one is ready';

COMMENT ON COLUMN app.documents.latest_version_number IS 'Number of the newest version, ready or not';

COMMENT ON COLUMN app.documents.created_at IS 'When the document was first received';

COMMENT ON COLUMN app.documents.updated_at IS 'When anything of it last changed';

CREATE VIEW analytics.citations WITH (security_invoker='true', security_barrier='true') AS
 SELECT citation_id,
    message_id,
    number,
    document_id,
    document_title,
    version_number,
    heading_path,
    url,
    char_start,
    char_end,
    quote,
    verified,
    page,
    (NOT (EXISTS ( SELECT
           FROM app.documents d
          WHERE ((d.tenant_id = c.tenant_id) AND (d.document_id = c.document_id) AND (d.active_version_id = c.version_id))))) AS stale
   FROM app.citations c;

COMMENT ON VIEW analytics.citations IS 'One row per citation of an answer';

CREATE TABLE app.collections (
    tenant_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    name text,
    description text DEFAULT ''::text NOT NULL,
    chunk_count bigint DEFAULT 0 NOT NULL,
    term_count bigint DEFAULT 0 NOT NULL,
    window_count bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    session_id uuid,
    embedding_model text,
    enrichment text DEFAULT 'off'::text NOT NULL,
    enrichment_monthly_tokens bigint,
    enrichment_waits_for text,
    CONSTRAINT collections_enrichment_check CHECK (((enrichment = 'off'::text) OR ((enrichment = 'on'::text) AND (name IS NOT NULL)))),
    CONSTRAINT collections_enrichment_monthly_tokens_check CHECK ((enrichment_monthly_tokens >= 0)),
    CONSTRAINT collections_enrichment_waits_for_check CHECK ((enrichment_waits_for = ANY (ARRAY['no_model'::text, 'collection_budget'::text, 'tenant_budget'::text, 'tenant_quota'::text]))),
    CONSTRAINT collections_kind_check CHECK (((name IS NULL) = (NOT (uuid_extract_version(collection_id) IS DISTINCT FROM 8)))),
    CONSTRAINT collections_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY app.collections FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.collections IS 'A set of documents that is searched together';

COMMENT ON COLUMN app.collections.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.collections.collection_id IS 'UUIDv7';

COMMENT ON COLUMN app.collections.name IS 'Unique within the tenant; null for the attachments of a session';

COMMENT ON COLUMN app.collections.description IS 'What is in it, for people';

COMMENT ON COLUMN app.collections.chunk_count IS 'Chunks in search; the N of BM25';

COMMENT ON COLUMN app.collections.term_count IS 'Terms of all chunks; over chunk_count the mean length of BM25';

COMMENT ON COLUMN app.collections.window_count IS 'Embedded windows in search; tells how many vectors a search compares';

COMMENT ON COLUMN app.collections.created_at IS 'When it was created';

COMMENT ON COLUMN app.collections.updated_at IS 'When name or description were last changed';

COMMENT ON COLUMN app.collections.session_id IS 'Session whose attachments these are; null for documentation, and for attachments whose session is gone, which are removed';

COMMENT ON COLUMN app.collections.embedding_model IS 'Model whose vectors searches read; null for the database''s own, which is all that older processes know';

COMMENT ON COLUMN app.collections.enrichment IS 'off, or on: a model writes headings in context, summaries and questions';

COMMENT ON COLUMN app.collections.enrichment_monthly_tokens IS 'Tokens that enrichment may use in a month of UTC; null for as many as the settings say';

COMMENT ON COLUMN app.collections.enrichment_waits_for IS 'Why enrichment stands still: no_model, collection_budget, tenant_budget or tenant_quota; null when it does not';

CREATE TABLE app.document_versions (
    tenant_id uuid NOT NULL,
    version_id uuid NOT NULL,
    document_id uuid NOT NULL,
    number integer NOT NULL,
    state text DEFAULT 'received'::text NOT NULL,
    failure_code text,
    failure_detail text,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    content_sha256 bytea NOT NULL,
    object_key text NOT NULL,
    title text,
    language text,
    char_count integer,
    chunk_count integer DEFAULT 0 NOT NULL,
    term_count integer DEFAULT 0 NOT NULL,
    window_count integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    lease_token uuid,
    lease_expires_at timestamp with time zone,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ready_at timestamp with time zone,
    attempts_before integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    ended_at timestamp with time zone,
    original_version_id uuid,
    embedding_models text[],
    CONSTRAINT document_versions_attempts_before_check CHECK (((attempts_before >= 0) AND (attempts_before <= attempts))),
    CONSTRAINT document_versions_content_sha256_check CHECK ((length(content_sha256) = 32)),
    CONSTRAINT document_versions_failure_check CHECK (((state = 'failed'::text) = (failure_code IS NOT NULL))),
    CONSTRAINT document_versions_media_type_check CHECK ((media_type = ANY (ARRAY['text/markdown'::text, 'text/html'::text, 'text/plain'::text, 'text/x-rst'::text, 'text/asciidoc'::text, 'application/vnd.oai.openapi'::text, 'text/x-source'::text, 'text/csv'::text, 'text/tab-separated-values'::text, 'application/x-ipynb+json'::text, 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'::text, 'application/vnd.openxmlformats-officedocument.presentationml.presentation'::text, 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'::text, 'application/epub+zip'::text, 'application/pdf'::text]))),
    CONSTRAINT document_versions_state_check CHECK ((state = ANY (ARRAY['received'::text, 'parsing'::text, 'chunking'::text, 'embedding'::text, 'ready'::text, 'superseded'::text, 'failed'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY app.document_versions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.document_versions IS 'Bytes as they were received; never changed, only replaced by the next number';

COMMENT ON COLUMN app.document_versions.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.document_versions.version_id IS 'UUIDv7';

COMMENT ON COLUMN app.document_versions.document_id IS 'Document that it is a version of';

COMMENT ON COLUMN app.document_versions.number IS 'Counts from 1 within the document';

COMMENT ON COLUMN app.document_versions.state IS 'received, parsing, chunking, embedding, ready; or superseded, failed, cancelled';

COMMENT ON COLUMN app.document_versions.failure_code IS 'Closed set of codes, e.g. not_utf8; set when failed';

COMMENT ON COLUMN app.document_versions.failure_detail IS 'What a person can do about the failure';

COMMENT ON COLUMN app.document_versions.media_type IS 'What the bytes are: a media type, of which text/x-source stands for programs and data that are kept line by line';

COMMENT ON COLUMN app.document_versions.size_bytes IS 'Size of the original, in bytes';

COMMENT ON COLUMN app.document_versions.content_sha256 IS 'SHA-256 of the original: the same bytes are not processed again';

COMMENT ON COLUMN app.document_versions.object_key IS 'Where the original lies in the object store';

COMMENT ON COLUMN app.document_versions.title IS 'Title found in the content';

COMMENT ON COLUMN app.document_versions.language IS 'Language that the content declares';

COMMENT ON COLUMN app.document_versions.char_count IS 'Characters (Unicode scalar values) of the extracted text';

COMMENT ON COLUMN app.document_versions.chunk_count IS 'Chunks made of it';

COMMENT ON COLUMN app.document_versions.term_count IS 'Terms of its chunks';

COMMENT ON COLUMN app.document_versions.window_count IS 'Embedded windows of its chunks';

COMMENT ON COLUMN app.document_versions.attempts IS 'How often a worker began to process it';

COMMENT ON COLUMN app.document_versions.lease_token IS 'Worker that holds it; a write with another token changes nothing';

COMMENT ON COLUMN app.document_versions.lease_expires_at IS 'From then on another worker may take it over';

COMMENT ON COLUMN app.document_versions.created_by IS 'Key that uploaded it';

COMMENT ON COLUMN app.document_versions.created_at IS 'When it was received';

COMMENT ON COLUMN app.document_versions.ready_at IS 'When readers first saw it';

COMMENT ON COLUMN app.document_versions.attempts_before IS 'Attempts that were made before it was last asked for again: the limit of attempts counts from there';

COMMENT ON COLUMN app.document_versions.next_attempt_at IS 'When the next attempt is due, after one that failed or when it was asked for again; null while one goes on';

COMMENT ON COLUMN app.document_versions.ended_at IS 'When its job came to its end: ready, failed or cancelled';

COMMENT ON COLUMN app.document_versions.original_version_id IS 'Version whose bytes it reads, when the same bytes are read once more; null when they are its own';

COMMENT ON COLUMN app.document_versions.embedding_models IS 'Models of which all its passages have vectors; null, as older processes leave it, for the database''s own alone';

CREATE VIEW analytics.documents_by_use WITH (security_invoker='true', security_barrier='true') AS
 SELECT d.document_id,
    d.name,
    d.title,
    k.name AS collection,
    v.state AS latest_state,
    v.failure_code,
    v.chunk_count,
    d.updated_at,
    ( SELECT count(*) AS count
           FROM app.citations c
          WHERE ((c.tenant_id = d.tenant_id) AND (c.document_id = d.document_id))) AS citations
   FROM ((app.documents d
     JOIN app.collections k ON (((k.tenant_id = d.tenant_id) AND (k.collection_id = d.collection_id))))
     LEFT JOIN app.document_versions v ON (((v.tenant_id = d.tenant_id) AND (v.document_id = d.document_id) AND (v.number = d.latest_version_number))))
  WHERE (k.name IS NOT NULL);

COMMENT ON VIEW analytics.documents_by_use IS 'Documents with their state and how often answers cite them; never cited ones have 0';

CREATE TABLE app.enrichment_usage (
    tenant_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    month date NOT NULL,
    calls bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cached_input_tokens bigint DEFAULT 0 NOT NULL,
    cost_micro_usd bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY app.enrichment_usage FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.enrichment_usage IS 'What enrichment used, by collection and month: its budgets are measured by it';

COMMENT ON COLUMN app.enrichment_usage.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.enrichment_usage.collection_id IS 'Collection, which may be gone';

COMMENT ON COLUMN app.enrichment_usage.month IS 'First day of the month, in UTC';

COMMENT ON COLUMN app.enrichment_usage.calls IS 'How often a model was asked';

COMMENT ON COLUMN app.enrichment_usage.input_tokens IS 'Tokens read, those from a cache included';

COMMENT ON COLUMN app.enrichment_usage.output_tokens IS 'Tokens written';

COMMENT ON COLUMN app.enrichment_usage.cached_input_tokens IS 'Of the tokens read, those from a provider''s cache';

COMMENT ON COLUMN app.enrichment_usage.cost_micro_usd IS 'Price, in millionths of a US dollar; what has no known price counts 0';

CREATE VIEW analytics.enrichment_by_month WITH (security_invoker='true', security_barrier='true') AS
 SELECT u.month,
    u.collection_id,
    k.name AS collection,
    u.calls,
    u.input_tokens,
    u.output_tokens,
    u.cached_input_tokens,
    ((u.cost_micro_usd)::numeric / '1000000'::numeric) AS cost_usd
   FROM (app.enrichment_usage u
     LEFT JOIN app.collections k ON (((k.tenant_id = u.tenant_id) AND (k.collection_id = u.collection_id))));

COMMENT ON VIEW analytics.enrichment_by_month IS 'Calls, tokens and cost of enrichment by month (UTC) and collection; deleted collections have no name';

CREATE TABLE app.enrichments (
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL,
    version_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    reason_code text,
    reason_detail text,
    marker text NOT NULL,
    passages integer DEFAULT 0 NOT NULL,
    contexts integer DEFAULT 0 NOT NULL,
    summary text,
    suggested_questions text[] DEFAULT '{}'::text[] NOT NULL,
    summarised_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_token uuid,
    lease_expires_at timestamp with time zone,
    call_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT enrichments_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'completed'::text, 'failed'::text])))
);

ALTER TABLE ONLY app.enrichments FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.enrichments IS 'What a model writes for a document, and how far it came; of one version, the one in search';

COMMENT ON COLUMN app.enrichments.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.enrichments.document_id IS 'Document';

COMMENT ON COLUMN app.enrichments.version_id IS 'Version that it is about; when another one is in search, all begins anew';

COMMENT ON COLUMN app.enrichments.collection_id IS 'Collection of the document';

COMMENT ON COLUMN app.enrichments.state IS 'waiting, running, completed or failed';

COMMENT ON COLUMN app.enrichments.reason_code IS 'Why it failed, or waits for another attempt, for programs';

COMMENT ON COLUMN app.enrichments.reason_detail IS 'The same in words';

COMMENT ON COLUMN app.enrichments.marker IS 'Random word in the tags around the document in prompts: kept, so that a provider finds the same beginning in its cache';

COMMENT ON COLUMN app.enrichments.passages IS 'Passages of the version that are to get a context';

COMMENT ON COLUMN app.enrichments.contexts IS 'How many of them were asked for';

COMMENT ON COLUMN app.enrichments.summary IS 'Summary of the document; null while there is none, and when the model wrote none';

COMMENT ON COLUMN app.enrichments.suggested_questions IS 'Questions that the document answers';

COMMENT ON COLUMN app.enrichments.summarised_at IS 'When summary and questions were asked for; null while they were not';

COMMENT ON COLUMN app.enrichments.attempts IS 'How often a worker began since something was last achieved';

COMMENT ON COLUMN app.enrichments.due_at IS 'From then on a worker may take it; the line within a collection is in this order';

COMMENT ON COLUMN app.enrichments.lease_token IS 'Of the worker that has it; a write with another token changes nothing';

COMMENT ON COLUMN app.enrichments.lease_expires_at IS 'From then on another worker may take it over';

COMMENT ON COLUMN app.enrichments.call_id IS 'Call of a model that its worker reserved last: what one that died reserved is given back';

COMMENT ON COLUMN app.enrichments.created_at IS 'When the document first got its turn';

COMMENT ON COLUMN app.enrichments.updated_at IS 'When something was last achieved';

CREATE VIEW analytics.enrichments WITH (security_invoker='true', security_barrier='true') AS
 SELECT e.document_id,
    e.version_id,
    d.name,
    d.title,
    k.name AS collection,
    e.state,
    e.reason_code,
    e.passages,
    e.contexts,
    e.summary,
    e.suggested_questions,
    e.created_at,
    e.updated_at
   FROM ((app.enrichments e
     JOIN app.documents d ON (((d.tenant_id = e.tenant_id) AND (d.document_id = e.document_id) AND (d.active_version_id = e.version_id))))
     JOIN app.collections k ON (((k.tenant_id = e.tenant_id) AND (k.collection_id = e.collection_id))));

COMMENT ON VIEW analytics.enrichments IS 'One row per document that a model writes about, of the version in search: how far it came, summary and questions';

CREATE TABLE app.feedback (
    tenant_id uuid NOT NULL,
    feedback_id uuid NOT NULL,
    message_id uuid NOT NULL,
    citation_number integer,
    given_by uuid NOT NULL,
    given_by_kind text NOT NULL,
    rating text NOT NULL,
    reason text,
    comment text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feedback_comment_check CHECK (((length(comment) >= 1) AND (length(comment) <= 2000))),
    CONSTRAINT feedback_given_by_kind_check CHECK ((given_by_kind = ANY (ARRAY['api_key'::text, 'member'::text, 'end_user'::text]))),
    CONSTRAINT feedback_rating_check CHECK (
CASE
    WHEN (citation_number IS NULL) THEN (rating = ANY (ARRAY['up'::text, 'down'::text]))
    ELSE (rating = ANY (ARRAY['correct'::text, 'wrong'::text, 'irrelevant'::text]))
END),
    CONSTRAINT feedback_reason_check CHECK (((reason IS NULL) OR ((reason = ANY (ARRAY['wrong'::text, 'incomplete'::text, 'outdated'::text, 'off_topic'::text, 'not_answered'::text, 'unclear'::text, 'unsafe'::text, 'other'::text])) AND (citation_number IS NULL))))
)
PARTITION BY RANGE (message_id);

ALTER TABLE ONLY app.feedback FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.feedback IS 'What readers say of answers and citations';

COMMENT ON COLUMN app.feedback.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.feedback.feedback_id IS 'UUIDv7';

COMMENT ON COLUMN app.feedback.message_id IS 'Answer; its month decides the partition';

COMMENT ON COLUMN app.feedback.citation_number IS 'Number of the citation; null when the answer as a whole is meant';

COMMENT ON COLUMN app.feedback.given_by IS 'Key, person or end user';

COMMENT ON COLUMN app.feedback.given_by_kind IS 'api_key, member or end_user';

COMMENT ON COLUMN app.feedback.rating IS 'up or down for an answer; correct, wrong or irrelevant for a citation';

COMMENT ON COLUMN app.feedback.reason IS 'wrong, incomplete, outdated, off_topic, not_answered, unclear, unsafe or other; null for none and for citations';

COMMENT ON COLUMN app.feedback.comment IS 'In the reader''s own words; null for none';

COMMENT ON COLUMN app.feedback.created_at IS 'When it was first given';

COMMENT ON COLUMN app.feedback.updated_at IS 'When it was last changed';

CREATE VIEW analytics.feedback WITH (security_invoker='true', security_barrier='true') AS
 SELECT f.feedback_id,
    f.message_id,
    c.citation_id,
    c.document_id,
    c.document_title,
    f.given_by_kind,
    f.rating,
    f.reason,
    f.comment,
    f.created_at,
    f.updated_at
   FROM (app.feedback f
     LEFT JOIN app.citations c ON (((c.tenant_id = f.tenant_id) AND (c.message_id = f.message_id) AND (c.number = f.citation_number))));

COMMENT ON VIEW analytics.feedback IS 'One row per reader and answer or citation that they rated';

CREATE VIEW analytics.feedback_by_day WITH (security_invoker='true', security_barrier='true') AS
 SELECT ((created_at AT TIME ZONE 'UTC'::text))::date AS day,
    count(*) FILTER (WHERE (rating = 'up'::text)) AS up,
    count(*) FILTER (WHERE (rating = 'down'::text)) AS down,
    count(*) FILTER (WHERE (rating = 'correct'::text)) AS citations_correct,
    count(*) FILTER (WHERE (rating = 'wrong'::text)) AS citations_wrong,
    count(*) FILTER (WHERE (rating = 'irrelevant'::text)) AS citations_irrelevant
   FROM app.feedback f
  GROUP BY (((created_at AT TIME ZONE 'UTC'::text))::date);

COMMENT ON VIEW analytics.feedback_by_day IS 'Ratings by day (UTC) of answers and of citations';

CREATE VIEW analytics.filtered_answers WITH (security_invoker='true', security_barrier='true') AS
 SELECT run_id,
    answer_id AS message_id,
    provider,
    model,
    COALESCE(((filtered ->> 'links'::text))::integer, 0) AS links,
    COALESCE(((filtered ->> 'images'::text))::integer, 0) AS images,
    COALESCE(((filtered ->> 'markup'::text))::integer, 0) AS markup,
    COALESCE(((filtered ->> 'characters'::text))::integer, 0) AS characters,
    created_at AS asked_at
   FROM app.runs r
  WHERE (filtered IS NOT NULL);

COMMENT ON VIEW analytics.filtered_answers IS 'One row per answer of which something was taken out or made harmless before anybody saw it';

CREATE VIEW analytics.messages WITH (security_invoker='true', security_barrier='true') AS
 SELECT message_id,
    session_id,
    run_id,
    role,
    content,
    created_at
   FROM app.messages m;

COMMENT ON VIEW analytics.messages IS 'One row per question or answer';

CREATE VIEW analytics.model_attempts WITH (security_invoker='true', security_barrier='true') AS
 SELECT r.run_id,
    t.number,
    (t.attempt ->> 'provider'::text) AS provider,
    (t.attempt ->> 'model'::text) AS model,
    (t.attempt ->> 'mode'::text) AS mode,
    (t.attempt ->> 'outcome'::text) AS outcome,
    ((t.attempt ->> 'status'::text))::integer AS status,
    ((t.attempt ->> 'first_token_ms'::text))::bigint AS first_token_ms,
    ((t.attempt ->> 'total_ms'::text))::bigint AS total_ms,
    (((t.attempt -> 'usage'::text) ->> 'input_tokens'::text))::bigint AS input_tokens,
    (((t.attempt -> 'usage'::text) ->> 'output_tokens'::text))::bigint AS output_tokens,
    (((t.attempt -> 'usage'::text) ->> 'cached_input_tokens'::text))::bigint AS cached_input_tokens,
    COALESCE((((t.attempt -> 'usage'::text) ->> 'is_estimated'::text))::boolean, false) AS usage_estimated,
    r.created_at AS asked_at
   FROM (app.runs r
     CROSS JOIN LATERAL jsonb_array_elements(r.attempts) WITH ORDINALITY t(attempt, number));

COMMENT ON VIEW analytics.model_attempts IS 'One row per try of a model provider: what came of it, how long it took, its tokens';

CREATE TABLE app.retrievals (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    rank integer NOT NULL,
    chunk_id uuid NOT NULL,
    document_id uuid NOT NULL,
    version_id uuid NOT NULL,
    dense_rank integer,
    similarity real,
    lexical_rank integer,
    lexical_score real,
    fused_score real NOT NULL,
    used boolean NOT NULL,
    matched_terms text[] DEFAULT '{}'::text[] NOT NULL,
    dropped text,
    CONSTRAINT retrievals_dropped_check CHECK ((dropped = ANY (ARRAY['below_cut'::text, 'prompt_budget'::text, 'below_threshold'::text, 'run_failed'::text])))
)
PARTITION BY RANGE (run_id);

ALTER TABLE ONLY app.retrievals FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.retrievals IS 'What search found for a run, and what of it the model was given';

COMMENT ON COLUMN app.retrievals.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.retrievals.run_id IS 'Run';

COMMENT ON COLUMN app.retrievals.rank IS 'Place after fusion, from 1';

COMMENT ON COLUMN app.retrievals.chunk_id IS 'Passage; it may be gone since';

COMMENT ON COLUMN app.retrievals.document_id IS 'Document; it may be gone since';

COMMENT ON COLUMN app.retrievals.version_id IS 'Version; it may be gone since';

COMMENT ON COLUMN app.retrievals.dense_rank IS 'Place in the search by meaning; null when it was not found there';

COMMENT ON COLUMN app.retrievals.similarity IS 'Cosine similarity of its best window, -1 to 1';

COMMENT ON COLUMN app.retrievals.lexical_rank IS 'Place in the search by words; null when it was not found there';

COMMENT ON COLUMN app.retrievals.lexical_score IS 'BM25 score';

COMMENT ON COLUMN app.retrievals.fused_score IS 'Reciprocal rank fusion of both';

COMMENT ON COLUMN app.retrievals.used IS 'Whether the model was given it';

COMMENT ON COLUMN app.retrievals.matched_terms IS 'Terms of the question that stand in the passage';

COMMENT ON COLUMN app.retrievals.dropped IS 'Why the model was not given it: below_cut, prompt_budget, below_threshold or run_failed; null when it was given it';

CREATE VIEW analytics.retrievals WITH (security_invoker='true', security_barrier='true') AS
 SELECT run_id,
    rank,
    chunk_id,
    document_id,
    version_id,
    dense_rank,
    similarity,
    lexical_rank,
    lexical_score,
    fused_score,
    used,
    matched_terms,
    dropped
   FROM app.retrievals r;

COMMENT ON VIEW analytics.retrievals IS 'One row per passage that search found for an answer, with its scores';

CREATE TABLE app.sessions (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    title text,
    collection_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    assistant_id uuid,
    revision bigint DEFAULT 0 NOT NULL,
    CONSTRAINT sessions_title_check CHECK (((length(title) >= 1) AND (length(title) <= 200)))
);

ALTER TABLE ONLY app.sessions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.sessions IS 'A conversation of one person with the assistant';

COMMENT ON COLUMN app.sessions.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.sessions.session_id IS 'UUIDv7';

COMMENT ON COLUMN app.sessions.title IS 'Given by the person, else the first question';

COMMENT ON COLUMN app.sessions.collection_ids IS 'Collections that it asks; empty for all';

COMMENT ON COLUMN app.sessions.created_by IS 'Key that opened it';

COMMENT ON COLUMN app.sessions.created_at IS 'When it was opened';

COMMENT ON COLUMN app.sessions.updated_at IS 'When it last got a message';

COMMENT ON COLUMN app.sessions.assistant_id IS 'Assistant that answers in it; null for the tenant''s default one';

COMMENT ON COLUMN app.sessions.revision IS 'Counts the messages that were added; a copy of the last ones kept elsewhere is good while it names this number';

CREATE VIEW analytics.sessions WITH (security_invoker='true', security_barrier='true') AS
 SELECT session_id,
    title,
    collection_ids,
    created_at,
    updated_at,
    ( SELECT count(*) AS count
           FROM app.messages m
          WHERE ((m.tenant_id = s.tenant_id) AND (m.session_id = s.session_id) AND (m.role = 'user'::text))) AS questions
   FROM app.sessions s;

COMMENT ON VIEW analytics.sessions IS 'One row per conversation';

CREATE TABLE app.source_runs (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    source_id uuid NOT NULL,
    trigger text NOT NULL,
    allow_mass_deletion boolean DEFAULT false NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    phase text DEFAULT 'reading'::text NOT NULL,
    robots text,
    limit_code text,
    pages_found integer DEFAULT 0 NOT NULL,
    sitemaps_found integer DEFAULT 0 NOT NULL,
    bytes_read bigint DEFAULT 0 NOT NULL,
    seen integer DEFAULT 0 NOT NULL,
    new integer DEFAULT 0 NOT NULL,
    changed integer DEFAULT 0 NOT NULL,
    unchanged integer DEFAULT 0 NOT NULL,
    skipped integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    deleted integer DEFAULT 0 NOT NULL,
    reason_code text,
    reason_detail text,
    lease_token uuid,
    lease_expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    touched_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    is_planned boolean DEFAULT false NOT NULL,
    content_id uuid,
    content_etag text,
    content_last_modified text,
    CONSTRAINT source_runs_phase_check CHECK ((phase = ANY (ARRAY['reading'::text, 'removing'::text]))),
    CONSTRAINT source_runs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'completed'::text, 'partial'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT source_runs_trigger_check CHECK ((trigger = ANY (ARRAY['request'::text, 'schedule'::text])))
);

ALTER TABLE ONLY app.source_runs FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.source_runs IS 'One reading of a source each';

COMMENT ON COLUMN app.source_runs.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.source_runs.run_id IS 'UUIDv7';

COMMENT ON COLUMN app.source_runs.source_id IS 'Source';

COMMENT ON COLUMN app.source_runs.trigger IS 'request: somebody asked for it; schedule: it was time';

COMMENT ON COLUMN app.source_runs.allow_mass_deletion IS 'Whether it may delete more documents than a run usually may';

COMMENT ON COLUMN app.source_runs.state IS 'queued, running; completed: everything was looked at; partial: not everything was, and nothing was deleted; failed; cancelled';

COMMENT ON COLUMN app.source_runs.phase IS 'reading, then removing: what is gone is deleted when everything was looked at';

COMMENT ON COLUMN app.source_runs.robots IS 'robots.txt of the site as it was when the run began';

COMMENT ON COLUMN app.source_runs.limit_code IS 'First limit that it met, so that not everything is looked at';

COMMENT ON COLUMN app.source_runs.pages_found IS 'Pages that it knows of';

COMMENT ON COLUMN app.source_runs.sitemaps_found IS 'Sitemaps that it knows of';

COMMENT ON COLUMN app.source_runs.bytes_read IS 'Bytes of the answers that it read';

COMMENT ON COLUMN app.source_runs.seen IS 'Pages that it looked at: the sum of new, changed, unchanged, skipped and failed';

COMMENT ON COLUMN app.source_runs.new IS 'Pages that the source did not have before';

COMMENT ON COLUMN app.source_runs.changed IS 'Pages with another content than before';

COMMENT ON COLUMN app.source_runs.unchanged IS 'Pages with the content that they had';

COMMENT ON COLUMN app.source_runs.skipped IS 'Pages that make no document: gone, not to be indexed, the same as another one';

COMMENT ON COLUMN app.source_runs.failed IS 'Pages that could not be looked at';

COMMENT ON COLUMN app.source_runs.deleted IS 'Pages that are no more and whose documents were deleted';

COMMENT ON COLUMN app.source_runs.reason_code IS 'Why it is not completed, for programs';

COMMENT ON COLUMN app.source_runs.reason_detail IS 'The same in words';

COMMENT ON COLUMN app.source_runs.lease_token IS 'Of the worker that works on it';

COMMENT ON COLUMN app.source_runs.lease_expires_at IS 'From then on another worker may take it';

COMMENT ON COLUMN app.source_runs.created_at IS 'When it was asked for';

COMMENT ON COLUMN app.source_runs.touched_at IS 'When something was last done to it';

COMMENT ON COLUMN app.source_runs.started_at IS 'When a worker first took it';

COMMENT ON COLUMN app.source_runs.finished_at IS 'When it came to its end';

COMMENT ON COLUMN app.source_runs.is_planned IS 'Whether all files of an archive or bucket that it looks at are among its pages';

COMMENT ON COLUMN app.source_runs.content_id IS 'Archive that it reads: the id under which it is held in the store of originals';

COMMENT ON COLUMN app.source_runs.content_etag IS 'What the server calls this archive';

COMMENT ON COLUMN app.source_runs.content_last_modified IS 'When the server says that this archive was changed, as it says it';

CREATE TABLE app.sources (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    configuration jsonb NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    every_minutes integer,
    next_run_at timestamp with time zone,
    created_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    content_etag text,
    content_last_modified text,
    strips_top_folder boolean,
    CONSTRAINT sources_every_minutes_check CHECK ((every_minutes > 0)),
    CONSTRAINT sources_kind_check CHECK ((kind = ANY (ARRAY['website'::text, 'archive'::text, 's3'::text]))),
    CONSTRAINT sources_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT sources_next_run_at_check CHECK (((next_run_at IS NULL) OR (every_minutes IS NOT NULL))),
    CONSTRAINT sources_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text])))
);

ALTER TABLE ONLY app.sources FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.sources IS 'Places from which documents are read again and again';

COMMENT ON COLUMN app.sources.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.sources.source_id IS 'UUIDv7';

COMMENT ON COLUMN app.sources.collection_id IS 'Collection that its documents are in; a source goes with it';

COMMENT ON COLUMN app.sources.name IS 'What people call it';

COMMENT ON COLUMN app.sources.kind IS 'What it is: website, archive or s3';

COMMENT ON COLUMN app.sources.configuration IS 'Where and how it is read, as the API shows it, without the kind';

COMMENT ON COLUMN app.sources.state IS 'active, or paused: runs on request alone';

COMMENT ON COLUMN app.sources.every_minutes IS 'How often it is read by itself; null for never';

COMMENT ON COLUMN app.sources.next_run_at IS 'When it is read by itself next; null for never';

COMMENT ON COLUMN app.sources.created_by IS 'Key or person that made it';

COMMENT ON COLUMN app.sources.created_at IS 'When it was made';

COMMENT ON COLUMN app.sources.updated_at IS 'When somebody last changed it';

COMMENT ON COLUMN app.sources.content_etag IS 'What the server calls the archive that all items are from, to ask whether there is another one; null for none';

COMMENT ON COLUMN app.sources.content_last_modified IS 'When the server says that this archive was changed, as it says it';

COMMENT ON COLUMN app.sources.strips_top_folder IS 'Whether the names of its documents are without the one folder around all files of the archive; null when that is open';

CREATE VIEW analytics.source_runs WITH (security_invoker='true', security_barrier='true') AS
 SELECT r.run_id,
    r.source_id,
    s.name AS source,
    k.name AS collection,
    r.trigger,
    r.state,
    r.reason_code,
    r.seen,
    r.new,
    r.changed,
    r.unchanged,
    r.skipped,
    r.failed,
    r.deleted,
    r.bytes_read,
    r.created_at,
    r.started_at,
    r.finished_at
   FROM ((app.source_runs r
     JOIN app.sources s ON (((s.tenant_id = r.tenant_id) AND (s.source_id = r.source_id))))
     JOIN app.collections k ON (((k.tenant_id = s.tenant_id) AND (k.collection_id = s.collection_id))));

COMMENT ON VIEW analytics.source_runs IS 'Readings of sources with what they found; those of a source that was deleted are gone';

CREATE TABLE app.run_traces (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    terms text[] DEFAULT '{}'::text[] NOT NULL,
    searched_chunks bigint,
    dense_candidates integer,
    lexical_candidates integer,
    prepare_ms real,
    embed_ms real,
    dense_ms real,
    lexical_ms real,
    fuse_ms real,
    history_messages integer DEFAULT 0 NOT NULL,
    prompt_chars bigint,
    max_output_tokens integer,
    unread_attachments jsonb
)
PARTITION BY RANGE (run_id);

ALTER TABLE ONLY app.run_traces FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.run_traces IS 'How the answer of a run came about, beside what its own row and its retrievals say';

COMMENT ON COLUMN app.run_traces.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.run_traces.run_id IS 'Run; its month decides the partition';

COMMENT ON COLUMN app.run_traces.terms IS 'Terms of the standalone question that the search by words looked for';

COMMENT ON COLUMN app.run_traces.searched_chunks IS 'Passages that were searched; null when the run ended before';

COMMENT ON COLUMN app.run_traces.dense_candidates IS 'Passages that the search by meaning brought';

COMMENT ON COLUMN app.run_traces.lexical_candidates IS 'Passages that the search by words brought';

COMMENT ON COLUMN app.run_traces.prepare_ms IS 'Milliseconds to make the standalone question';

COMMENT ON COLUMN app.run_traces.embed_ms IS 'Milliseconds to embed it';

COMMENT ON COLUMN app.run_traces.dense_ms IS 'Milliseconds of the search by meaning';

COMMENT ON COLUMN app.run_traces.lexical_ms IS 'Milliseconds of the search by words';

COMMENT ON COLUMN app.run_traces.fuse_ms IS 'Milliseconds to fuse both and to read the passages';

COMMENT ON COLUMN app.run_traces.history_messages IS 'Earlier messages that the model was given';

COMMENT ON COLUMN app.run_traces.prompt_chars IS 'Characters of instructions, history, passages and question; null when no model was asked';

COMMENT ON COLUMN app.run_traces.max_output_tokens IS 'Longest answer that the model was allowed';

COMMENT ON COLUMN app.run_traces.unread_attachments IS 'Attachments of the session that were not in search when the question was: document, name and state of each; null for none';

CREATE VIEW analytics.traces WITH (security_invoker='true', security_barrier='true') AS
 SELECT run_id,
    terms,
    searched_chunks,
    dense_candidates,
    lexical_candidates,
    prepare_ms,
    embed_ms,
    dense_ms,
    lexical_ms,
    fuse_ms,
    history_messages,
    prompt_chars,
    max_output_tokens
   FROM app.run_traces t;

COMMENT ON VIEW analytics.traces IS 'One row per answer: what search found, what the prompt held, and what each stage took';

CREATE VIEW analytics.unanswered_questions WITH (security_invoker='true', security_barrier='true') AS
 SELECT r.run_id,
    r.session_id,
    q.content AS question,
    r.standalone_question,
    r.outcome,
    r.outcome_reason,
    ( SELECT max(t.similarity) AS max
           FROM app.retrievals t
          WHERE ((t.tenant_id = r.tenant_id) AND (t.run_id = r.run_id))) AS best_similarity,
    r.created_at AS asked_at
   FROM (app.runs r
     JOIN app.messages q ON (((q.tenant_id = r.tenant_id) AND (q.message_id = r.question_id))))
  WHERE (r.outcome = ANY (ARRAY['no_answer'::text, 'failed'::text, 'partial'::text]));

COMMENT ON VIEW analytics.unanswered_questions IS 'Questions without a full answer: where the documentation has gaps';

CREATE VIEW analytics.usage_by_day WITH (security_invoker='true', security_barrier='true') AS
 SELECT ((created_at AT TIME ZONE 'UTC'::text))::date AS day,
    provider,
    model,
    count(*) AS questions,
    count(*) FILTER (WHERE (outcome = 'answered'::text)) AS answered,
    count(*) FILTER (WHERE (outcome = 'no_answer'::text)) AS not_answered,
    count(*) FILTER (WHERE (outcome = 'failed'::text)) AS failed,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    (sum(cost_micro_usd) / '1000000'::numeric) AS cost_usd,
    percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY ((first_token_ms)::double precision)) AS first_token_ms_p50,
    percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY ((first_token_ms)::double precision)) AS first_token_ms_p95
   FROM app.runs r
  GROUP BY (((created_at AT TIME ZONE 'UTC'::text))::date), provider, model;

COMMENT ON VIEW analytics.usage_by_day IS 'Questions, outcomes, tokens, cost and time to first text by day (UTC) and model';

CREATE TABLE app.quota_reservations (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    assistant_id uuid,
    api_key_id uuid,
    person_id uuid,
    reserved_at timestamp with time zone NOT NULL,
    reserved_tokens bigint NOT NULL,
    reserved_cost_micro_usd bigint NOT NULL,
    settled_at timestamp with time zone,
    provider text,
    model text,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cost_micro_usd bigint DEFAULT 0 NOT NULL
)
PARTITION BY RANGE (run_id);

ALTER TABLE ONLY app.quota_reservations FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.quota_reservations IS 'What each run may use while it goes on, and what it used; and each call of a model about a document. No word of either';

COMMENT ON COLUMN app.quota_reservations.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.quota_reservations.run_id IS 'Run, or call of a model about a document: that has version 8 in place of 7. Its month decides the partition';

COMMENT ON COLUMN app.quota_reservations.assistant_id IS 'Assistant that was asked; null for none';

COMMENT ON COLUMN app.quota_reservations.api_key_id IS 'Key that asked, or the key of the widget; null for a person with a login';

COMMENT ON COLUMN app.quota_reservations.person_id IS 'Member or end user who asked; null for a key';

COMMENT ON COLUMN app.quota_reservations.reserved_at IS 'When the question came: it and what it uses count in the periods of this instant';

COMMENT ON COLUMN app.quota_reservations.reserved_tokens IS 'Most tokens of prompt and answer that the run may use';

COMMENT ON COLUMN app.quota_reservations.reserved_cost_micro_usd IS 'Their price, in millionths of a US dollar; 0 when no price is known';

COMMENT ON COLUMN app.quota_reservations.settled_at IS 'When the run ended; null while it goes on';

COMMENT ON COLUMN app.quota_reservations.provider IS 'Provider of the model that answered';

COMMENT ON COLUMN app.quota_reservations.model IS 'Model that answered';

COMMENT ON COLUMN app.quota_reservations.input_tokens IS 'Tokens of the prompt that were used; 0 until it is settled, and when the provider does not say';

COMMENT ON COLUMN app.quota_reservations.output_tokens IS 'Tokens of the answer that were used; 0 likewise';

COMMENT ON COLUMN app.quota_reservations.cost_micro_usd IS 'Price of both, in millionths of a US dollar; 0 when no price is known';

CREATE VIEW analytics.usage_of_subjects_by_day WITH (security_invoker='true', security_barrier='true') AS
 SELECT ((reserved_at AT TIME ZONE 'UTC'::text))::date AS day,
    assistant_id,
    api_key_id,
    person_id,
    provider,
    model,
    count(*) FILTER (WHERE (uuid_extract_version(run_id) IS DISTINCT FROM 8)) AS questions,
    count(*) FILTER (WHERE ((uuid_extract_version(run_id) IS DISTINCT FROM 8) AND (settled_at IS NULL))) AS running,
    (sum(input_tokens))::bigint AS input_tokens,
    (sum(output_tokens))::bigint AS output_tokens,
    (sum(cost_micro_usd) / '1000000'::numeric) AS cost_usd,
        CASE
            WHEN (uuid_extract_version(run_id) = 8) THEN 'enrichment'::text
            ELSE 'answer'::text
        END AS purpose
   FROM app.quota_reservations r
  GROUP BY (((reserved_at AT TIME ZONE 'UTC'::text))::date), assistant_id, api_key_id, person_id, provider, model,
        CASE
            WHEN (uuid_extract_version(run_id) = 8) THEN 'enrichment'::text
            ELSE 'answer'::text
        END;

COMMENT ON VIEW analytics.usage_of_subjects_by_day IS 'Questions, tokens and cost by day (UTC), assistant, key, person, model and purpose; they stay when conversations are deleted';

CREATE TABLE app.analyst_logins (
    login name NOT NULL,
    reads_tenant uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone DEFAULT (now() + '90 days'::interval) NOT NULL
);

COMMENT ON TABLE app.analyst_logins IS 'Which tenant a read-only SQL login sees; written by the owner only';

COMMENT ON COLUMN app.analyst_logins.login IS 'Name of the PostgreSQL role';

COMMENT ON COLUMN app.analyst_logins.reads_tenant IS 'The one tenant whose rows this login sees';

COMMENT ON COLUMN app.analyst_logins.created_at IS 'When the login was granted';

COMMENT ON COLUMN app.analyst_logins.expires_at IS 'From then on the login sees no row, and its password is refused';

CREATE TABLE app.api_keys (
    tenant_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    scopes text[] NOT NULL,
    secret_sha256 bytea NOT NULL,
    hint text NOT NULL,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    kind text DEFAULT 'secret'::text NOT NULL,
    collection_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    allowed_addresses text[] DEFAULT '{}'::text[] NOT NULL,
    allowed_origins text[] DEFAULT '{}'::text[] NOT NULL,
    rotated_from uuid,
    CONSTRAINT api_keys_allowed_addresses_check CHECK ((cardinality(allowed_addresses) <= 50)),
    CONSTRAINT api_keys_allowed_origins_check CHECK ((cardinality(allowed_origins) <= 50)),
    CONSTRAINT api_keys_collection_ids_check CHECK ((cardinality(collection_ids) <= 50)),
    CONSTRAINT api_keys_kind_check CHECK ((kind = ANY (ARRAY['secret'::text, 'publishable'::text]))),
    CONSTRAINT api_keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT api_keys_publishable_check CHECK (((kind = 'secret'::text) OR (cardinality(allowed_origins) > 0))),
    CONSTRAINT api_keys_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'member'::text, 'analyst'::text]))),
    CONSTRAINT api_keys_secret_sha256_check CHECK ((length(secret_sha256) = 32))
);

ALTER TABLE ONLY app.api_keys FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.api_keys IS 'Credentials of programs; the secret itself is never stored';

COMMENT ON COLUMN app.api_keys.tenant_id IS 'Tenant that the key belongs to';

COMMENT ON COLUMN app.api_keys.api_key_id IS 'UUIDv7; stands in the key, in front of the secret';

COMMENT ON COLUMN app.api_keys.name IS 'What the key is for, in the words of its maker';

COMMENT ON COLUMN app.api_keys.role IS 'owner, admin, editor, member or analyst: what the key may do';

COMMENT ON COLUMN app.api_keys.scopes IS 'Narrows the role to these scopes; never widens it';

COMMENT ON COLUMN app.api_keys.secret_sha256 IS 'SHA-256 of the secret part (160 random bits, so that a plain hash is right)';

COMMENT ON COLUMN app.api_keys.hint IS 'Last four characters, to tell keys apart';

COMMENT ON COLUMN app.api_keys.created_by IS 'Key that made this key; null when the operator made it';

COMMENT ON COLUMN app.api_keys.created_at IS 'When the key was made';

COMMENT ON COLUMN app.api_keys.expires_at IS 'From then on the key is refused';

COMMENT ON COLUMN app.api_keys.revoked_at IS 'From then on the key is refused; null while it is good';

COMMENT ON COLUMN app.api_keys.last_used_at IS 'Last use, exact to a minute';

COMMENT ON COLUMN app.api_keys.kind IS 'secret, or publishable: may stand in a web page, asks only, and only from its origins';

COMMENT ON COLUMN app.api_keys.collection_ids IS 'Collections that the key reaches; empty for those that are open to the whole tenant';

COMMENT ON COLUMN app.api_keys.allowed_addresses IS 'Address ranges (CIDR) that the key may be used from; empty for any';

COMMENT ON COLUMN app.api_keys.allowed_origins IS 'Web origins that a publishable key may be used from';

COMMENT ON COLUMN app.api_keys.rotated_from IS 'Key that this one replaces; both are good during the overlap';

CREATE TABLE app.audit_events (
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    action text NOT NULL,
    target_kind text,
    target_id text,
    before jsonb,
    after jsonb,
    request_id text,
    address text,
    previous_sha256 bytea NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT audit_events_sequence_check CHECK ((sequence >= 1)),
    CONSTRAINT audit_events_sha256_check CHECK (((length(sha256) = 32) AND (length(previous_sha256) = 32)))
);

ALTER TABLE ONLY app.audit_events FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.audit_events IS 'What was done in a tenant, append-only';

COMMENT ON COLUMN app.audit_events.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.audit_events.sequence IS 'Counts from 1 without gaps within the tenant';

COMMENT ON COLUMN app.audit_events.occurred_at IS 'When, to the microsecond';

COMMENT ON COLUMN app.audit_events.actor_kind IS 'api_key, member, end_user, operator or system';

COMMENT ON COLUMN app.audit_events.actor_id IS 'Key, person or end user; null for the system';

COMMENT ON COLUMN app.audit_events.actor_name IS 'Name at that time';

COMMENT ON COLUMN app.audit_events.action IS 'What was done, e.g. api_key.created';

COMMENT ON COLUMN app.audit_events.target_kind IS 'Noun of what it was done to';

COMMENT ON COLUMN app.audit_events.target_id IS 'Id of what it was done to';

COMMENT ON COLUMN app.audit_events.before IS 'What was there, as far as it changed; never a secret';

COMMENT ON COLUMN app.audit_events.after IS 'What is there now, as far as it changed; never a secret';

COMMENT ON COLUMN app.audit_events.request_id IS 'Request that did it; finds it in the log';

COMMENT ON COLUMN app.audit_events.address IS 'Address that the request came from';

COMMENT ON COLUMN app.audit_events.previous_sha256 IS 'Digest of the entry before; zeros for the first';

COMMENT ON COLUMN app.audit_events.sha256 IS 'SHA-256 over the digest of the entry before and all fields of this one';

CREATE TABLE app.audit_heads (
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT audit_heads_sha256_check CHECK ((length(sha256) = 32))
);

ALTER TABLE ONLY app.audit_heads FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.audit_heads IS 'Last entry of each tenant''s audit log: orders those who write at once, and tells when entries were cut off the end';

COMMENT ON COLUMN app.audit_heads.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.audit_heads.sequence IS 'Number of the last entry';

COMMENT ON COLUMN app.audit_heads.sha256 IS 'Digest of the last entry; zeros while there is none';

CREATE TABLE app.browser_sessions (
    tenant_id uuid NOT NULL,
    browser_session_id uuid NOT NULL,
    member_id uuid NOT NULL,
    secret_sha256 bytea NOT NULL,
    provider text NOT NULL,
    user_agent text,
    address text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT browser_sessions_secret_sha256_check CHECK ((length(secret_sha256) = 32))
);

ALTER TABLE ONLY app.browser_sessions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.browser_sessions IS 'Logins of browsers; the cookie''s secret is never stored, and no token of the issuer is kept';

COMMENT ON COLUMN app.browser_sessions.tenant_id IS 'Tenant that the person entered';

COMMENT ON COLUMN app.browser_sessions.browser_session_id IS 'UUIDv7; stands in the cookie';

COMMENT ON COLUMN app.browser_sessions.member_id IS 'Person';

COMMENT ON COLUMN app.browser_sessions.secret_sha256 IS 'SHA-256 of the secret part of the cookie (256 random bits)';

COMMENT ON COLUMN app.browser_sessions.provider IS 'Login provider that vouched for the person';

COMMENT ON COLUMN app.browser_sessions.user_agent IS 'What the browser calls itself, cut to 300 characters';

COMMENT ON COLUMN app.browser_sessions.address IS 'Address that the login came from';

COMMENT ON COLUMN app.browser_sessions.created_at IS 'When the person logged in';

COMMENT ON COLUMN app.browser_sessions.last_seen_at IS 'Last use, exact to a minute; the idle time counts from it';

COMMENT ON COLUMN app.browser_sessions.expires_at IS 'End, however much it is used';

COMMENT ON COLUMN app.browser_sessions.ended_at IS 'When it was ended by logout or by an admin; null while it is good';

CREATE TABLE app.chunk_terms (
    tenant_id uuid NOT NULL,
    term text NOT NULL,
    version_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    chunk_ids uuid[] NOT NULL,
    frequencies integer[] NOT NULL,
    lengths integer[] NOT NULL,
    CONSTRAINT chunk_terms_arrays_check CHECK (((cardinality(chunk_ids) = cardinality(frequencies)) AND (cardinality(chunk_ids) = cardinality(lengths))))
)
PARTITION BY HASH (tenant_id);

ALTER TABLE ONLY app.chunk_terms FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.chunk_terms IS 'In which passages of a version a term stands, and how often';

COMMENT ON COLUMN app.chunk_terms.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.chunk_terms.term IS 'Stem or identifier, as the term analysis gives it';

COMMENT ON COLUMN app.chunk_terms.version_id IS 'Version of the passages';

COMMENT ON COLUMN app.chunk_terms.collection_id IS 'Collection, repeated here so that a filtered scan needs no join';

COMMENT ON COLUMN app.chunk_terms.chunk_ids IS 'Passages that hold the term';

COMMENT ON COLUMN app.chunk_terms.frequencies IS 'How often each of them holds it';

COMMENT ON COLUMN app.chunk_terms.lengths IS 'Terms in each of them, for the length norm';

CREATE TABLE app.chunk_terms_p00 (
    tenant_id uuid CONSTRAINT chunk_terms_tenant_id_not_null NOT NULL,
    term text CONSTRAINT chunk_terms_term_not_null NOT NULL,
    version_id uuid CONSTRAINT chunk_terms_version_id_not_null NOT NULL,
    collection_id uuid CONSTRAINT chunk_terms_collection_id_not_null NOT NULL,
    chunk_ids uuid[] CONSTRAINT chunk_terms_chunk_ids_not_null NOT NULL,
    frequencies integer[] CONSTRAINT chunk_terms_frequencies_not_null NOT NULL,
    lengths integer[] CONSTRAINT chunk_terms_lengths_not_null NOT NULL,
    CONSTRAINT chunk_terms_arrays_check CHECK (((cardinality(chunk_ids) = cardinality(frequencies)) AND (cardinality(chunk_ids) = cardinality(lengths))))
);

ALTER TABLE ONLY app.chunk_terms_p00 FORCE ROW LEVEL SECURITY;

CREATE TABLE app.chunk_windows (
    tenant_id uuid NOT NULL,
    chunk_id uuid NOT NULL,
    number integer NOT NULL,
    collection_id uuid NOT NULL,
    embedding_model text NOT NULL,
    embedding public.halfvec NOT NULL
)
PARTITION BY HASH (tenant_id);
ALTER TABLE ONLY app.chunk_windows ALTER COLUMN embedding SET STORAGE PLAIN;

ALTER TABLE ONLY app.chunk_windows FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.chunk_windows IS 'Embeddings: one for each window of a passage, since a model reads a limited number of tokens';

COMMENT ON COLUMN app.chunk_windows.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.chunk_windows.chunk_id IS 'Passage';

COMMENT ON COLUMN app.chunk_windows.number IS 'Counts from 0 within the passage';

COMMENT ON COLUMN app.chunk_windows.collection_id IS 'Collection, repeated here so that a filtered scan needs no join';

COMMENT ON COLUMN app.chunk_windows.embedding_model IS 'The database''s own model';

COMMENT ON COLUMN app.chunk_windows.embedding IS 'Unit length, 16-bit floats';

CREATE TABLE app.chunk_windows_p00 (
    tenant_id uuid CONSTRAINT chunk_windows_tenant_id_not_null NOT NULL,
    chunk_id uuid CONSTRAINT chunk_windows_chunk_id_not_null NOT NULL,
    number integer CONSTRAINT chunk_windows_number_not_null NOT NULL,
    collection_id uuid CONSTRAINT chunk_windows_collection_id_not_null NOT NULL,
    embedding_model text CONSTRAINT chunk_windows_embedding_model_not_null NOT NULL,
    embedding public.halfvec CONSTRAINT chunk_windows_embedding_not_null NOT NULL
);
ALTER TABLE ONLY app.chunk_windows_p00 ALTER COLUMN embedding SET STORAGE PLAIN;

ALTER TABLE ONLY app.chunk_windows_p00 FORCE ROW LEVEL SECURITY;

CREATE TABLE app.chunks (
    tenant_id uuid NOT NULL,
    chunk_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    document_id uuid NOT NULL,
    version_id uuid NOT NULL,
    ordinal integer NOT NULL,
    heading_path text[] NOT NULL,
    anchor text,
    char_start integer NOT NULL,
    char_end integer NOT NULL,
    body text NOT NULL,
    embedded_sha256 bytea NOT NULL,
    embedding_model text NOT NULL,
    page integer,
    page_starts integer[] DEFAULT '{}'::integer[] NOT NULL,
    context text,
    CONSTRAINT chunks_page_check CHECK ((page >= 1)),
    CONSTRAINT chunks_range_check CHECK (((char_start >= 0) AND (char_end > char_start)))
)
PARTITION BY HASH (tenant_id);

ALTER TABLE ONLY app.chunks FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.chunks IS 'Passages of active versions: what is found and cited';

COMMENT ON COLUMN app.chunks.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.chunks.chunk_id IS 'UUIDv7';

COMMENT ON COLUMN app.chunks.collection_id IS 'Collection of the document';

COMMENT ON COLUMN app.chunks.document_id IS 'Document';

COMMENT ON COLUMN app.chunks.version_id IS 'Version that the passage was read from';

COMMENT ON COLUMN app.chunks.ordinal IS 'Counts from 0 within the version';

COMMENT ON COLUMN app.chunks.heading_path IS 'Headings above the passage, outermost first';

COMMENT ON COLUMN app.chunks.anchor IS 'Fragment of the nearest heading, for a link';

COMMENT ON COLUMN app.chunks.char_start IS 'First character in the extracted text, from 0';

COMMENT ON COLUMN app.chunks.char_end IS 'Character after the last one';

COMMENT ON COLUMN app.chunks.body IS 'The passage itself';

COMMENT ON COLUMN app.chunks.embedded_sha256 IS 'SHA-256 of what was embedded: the same text is not embedded again';

COMMENT ON COLUMN app.chunks.embedding_model IS 'The database''s own model, also where a passage has vectors of others or of these alone; leads the index by which the same text is found';

COMMENT ON COLUMN app.chunks.page IS 'Page or slide of the original on which it begins, from 1; null for formats without pages';

COMMENT ON COLUMN app.chunks.page_starts IS 'First character of each later page that the passage reaches, as char_start counts: the first is that of page + 1. Empty for versions that were read before there was this column: reprocess those';

COMMENT ON COLUMN app.chunks.context IS 'Heading in context that a model wrote, embedded and searched with the passage; null for none';

CREATE TABLE app.chunks_p00 (
    tenant_id uuid CONSTRAINT chunks_tenant_id_not_null NOT NULL,
    chunk_id uuid CONSTRAINT chunks_chunk_id_not_null NOT NULL,
    collection_id uuid CONSTRAINT chunks_collection_id_not_null NOT NULL,
    document_id uuid CONSTRAINT chunks_document_id_not_null NOT NULL,
    version_id uuid CONSTRAINT chunks_version_id_not_null NOT NULL,
    ordinal integer CONSTRAINT chunks_ordinal_not_null NOT NULL,
    heading_path text[] CONSTRAINT chunks_heading_path_not_null NOT NULL,
    anchor text,
    char_start integer CONSTRAINT chunks_char_start_not_null NOT NULL,
    char_end integer CONSTRAINT chunks_char_end_not_null NOT NULL,
    body text CONSTRAINT chunks_body_not_null NOT NULL,
    embedded_sha256 bytea CONSTRAINT chunks_embedded_sha256_not_null NOT NULL,
    embedding_model text CONSTRAINT chunks_embedding_model_not_null NOT NULL,
    page integer,
    page_starts integer[] DEFAULT '{}'::integer[] CONSTRAINT chunks_page_starts_not_null NOT NULL,
    context text,
    CONSTRAINT chunks_page_check CHECK ((page >= 1)),
    CONSTRAINT chunks_range_check CHECK (((char_start >= 0) AND (char_end > char_start)))
);

ALTER TABLE ONLY app.chunks_p00 FORCE ROW LEVEL SECURITY;

CREATE TABLE app.citations_default (
    tenant_id uuid CONSTRAINT citations_tenant_id_not_null NOT NULL,
    message_id uuid CONSTRAINT citations_message_id_not_null NOT NULL,
    number integer CONSTRAINT citations_number_not_null NOT NULL,
    citation_id uuid CONSTRAINT citations_citation_id_not_null NOT NULL,
    chunk_id uuid CONSTRAINT citations_chunk_id_not_null NOT NULL,
    document_id uuid CONSTRAINT citations_document_id_not_null NOT NULL,
    version_id uuid CONSTRAINT citations_version_id_not_null NOT NULL,
    version_number integer CONSTRAINT citations_version_number_not_null NOT NULL,
    document_title text CONSTRAINT citations_document_title_not_null NOT NULL,
    heading_path text[] CONSTRAINT citations_heading_path_not_null NOT NULL,
    url text,
    char_start integer CONSTRAINT citations_char_start_not_null NOT NULL,
    char_end integer CONSTRAINT citations_char_end_not_null NOT NULL,
    quote text CONSTRAINT citations_quote_not_null NOT NULL,
    verified boolean CONSTRAINT citations_verified_not_null NOT NULL,
    page integer,
    CONSTRAINT citations_page_check CHECK ((page >= 1))
);

ALTER TABLE ONLY app.citations_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.document_texts (
    tenant_id uuid NOT NULL,
    version_id uuid NOT NULL,
    body text NOT NULL
);

ALTER TABLE ONLY app.document_texts FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.document_texts IS 'Extracted text; the ranges of chunks and citations count its characters';

COMMENT ON COLUMN app.document_texts.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.document_texts.version_id IS 'Version that the text was read from';

COMMENT ON COLUMN app.document_texts.body IS 'Readable text: substring(body from char_start + 1 for char_end - char_start) is a passage';

CREATE TABLE app.dump_files (
    tenant_id uuid NOT NULL,
    files_id uuid NOT NULL,
    keep_until timestamp with time zone NOT NULL
);

ALTER TABLE ONLY app.dump_files FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.dump_files IS 'Files of dumps that may be in the object store: announced before they are written, taken away after they are removed';

COMMENT ON COLUMN app.dump_files.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.dump_files.files_id IS 'Part of the files'' keys';

COMMENT ON COLUMN app.dump_files.keep_until IS 'Until then a worker may be writing; afterwards they are removed where they are those of no dump';

CREATE TABLE app.dumps (
    tenant_id uuid NOT NULL,
    dump_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    format_version integer DEFAULT 1 NOT NULL,
    files_id uuid,
    files jsonb DEFAULT '[]'::jsonb NOT NULL,
    document_count integer DEFAULT 0 NOT NULL,
    chunk_count bigint DEFAULT 0 NOT NULL,
    embedding_count bigint DEFAULT 0 NOT NULL,
    size_bytes bigint DEFAULT 0 NOT NULL,
    embedding_model text,
    embedding_dimensions integer,
    attempts integer DEFAULT 0 NOT NULL,
    failure_code text,
    failure_detail text,
    lease_token uuid,
    lease_expires_at timestamp with time zone,
    created_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    touched_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT dumps_collection_id_check CHECK ((uuid_extract_version(collection_id) IS DISTINCT FROM 8)),
    CONSTRAINT dumps_failure_check CHECK (((state = 'failed'::text) = (failure_code IS NOT NULL))),
    CONSTRAINT dumps_ready_check CHECK (((state <> 'ready'::text) OR ((files_id IS NOT NULL) AND (embedding_model IS NOT NULL) AND (embedding_dimensions IS NOT NULL)))),
    CONSTRAINT dumps_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'ready'::text, 'failed'::text])))
);

ALTER TABLE ONLY app.dumps FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.dumps IS 'Collections as files, each as it was when it was written';

COMMENT ON COLUMN app.dumps.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.dumps.dump_id IS 'UUIDv7';

COMMENT ON COLUMN app.dumps.collection_id IS 'Collection that it is of; a dump goes with it';

COMMENT ON COLUMN app.dumps.state IS 'queued, running, ready or failed';

COMMENT ON COLUMN app.dumps.format_version IS 'Version of the files'' form';

COMMENT ON COLUMN app.dumps.files_id IS 'Part of the files'' keys at the object store; null when nobody writes any and there are none';

COMMENT ON COLUMN app.dumps.files IS 'Name, size, SHA-256 and rows of each file, once it is ready';

COMMENT ON COLUMN app.dumps.document_count IS 'Documents that are in it until now';

COMMENT ON COLUMN app.dumps.chunk_count IS 'Passages of these';

COMMENT ON COLUMN app.dumps.embedding_count IS 'Vectors of these';

COMMENT ON COLUMN app.dumps.size_bytes IS 'Size of all files, once it is ready';

COMMENT ON COLUMN app.dumps.embedding_model IS 'Model of the vectors';

COMMENT ON COLUMN app.dumps.embedding_dimensions IS 'Numbers in each vector';

COMMENT ON COLUMN app.dumps.attempts IS 'How often a worker began to write it';

COMMENT ON COLUMN app.dumps.failure_code IS 'Why it failed, for programs';

COMMENT ON COLUMN app.dumps.failure_detail IS 'The same in words';

COMMENT ON COLUMN app.dumps.lease_token IS 'Of the worker that works on it';

COMMENT ON COLUMN app.dumps.lease_expires_at IS 'From then on another worker may take it';

COMMENT ON COLUMN app.dumps.created_by IS 'Key or person that asked for it';

COMMENT ON COLUMN app.dumps.created_at IS 'When it was asked for';

COMMENT ON COLUMN app.dumps.touched_at IS 'When something was last done to it';

COMMENT ON COLUMN app.dumps.started_at IS 'When a worker first took it';

COMMENT ON COLUMN app.dumps.finished_at IS 'When it was ready, or failed';

COMMENT ON COLUMN app.dumps.expires_at IS 'From then on it is shown to nobody; row and files are removed soon after';

CREATE TABLE app.embedding_space (
    singleton boolean DEFAULT true NOT NULL,
    model text NOT NULL,
    dimensions integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    other_models text[] DEFAULT '{}'::text[] NOT NULL,
    other_models_at timestamp with time zone,
    CONSTRAINT embedding_space_dimensions_check CHECK (((dimensions >= 1) AND (dimensions <= 4000))),
    CONSTRAINT embedding_space_model_check CHECK (((length(model) >= 1) AND (length(model) <= 300))),
    CONSTRAINT embedding_space_singleton_check CHECK (singleton)
);

COMMENT ON TABLE app.embedding_space IS 'The embedding model of all vectors, in one row; of no tenant';

COMMENT ON COLUMN app.embedding_space.singleton IS 'Always true: there is one row';

COMMENT ON COLUMN app.embedding_space.model IS 'Id of the model, as it stands beside each vector';

COMMENT ON COLUMN app.embedding_space.dimensions IS 'Numbers in each vector; a row of vectors must fit on a page of 8 KB';

COMMENT ON COLUMN app.embedding_space.created_at IS 'When the first process claimed it';

COMMENT ON COLUMN app.embedding_space.other_models IS 'Models beside it that collections came to need; those that none needs any more are taken out some time after';

COMMENT ON COLUMN app.embedding_space.other_models_at IS 'When a collection last came to need one';

CREATE TABLE app.feedback_default (
    tenant_id uuid CONSTRAINT feedback_tenant_id_not_null NOT NULL,
    feedback_id uuid CONSTRAINT feedback_feedback_id_not_null NOT NULL,
    message_id uuid CONSTRAINT feedback_message_id_not_null NOT NULL,
    citation_number integer,
    given_by uuid CONSTRAINT feedback_given_by_not_null NOT NULL,
    given_by_kind text CONSTRAINT feedback_given_by_kind_not_null NOT NULL,
    rating text CONSTRAINT feedback_rating_not_null NOT NULL,
    reason text,
    comment text,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT feedback_created_at_not_null NOT NULL,
    updated_at timestamp with time zone DEFAULT now() CONSTRAINT feedback_updated_at_not_null NOT NULL,
    CONSTRAINT feedback_comment_check CHECK (((length(comment) >= 1) AND (length(comment) <= 2000))),
    CONSTRAINT feedback_given_by_kind_check CHECK ((given_by_kind = ANY (ARRAY['api_key'::text, 'member'::text, 'end_user'::text]))),
    CONSTRAINT feedback_rating_check CHECK (
CASE
    WHEN (citation_number IS NULL) THEN (rating = ANY (ARRAY['up'::text, 'down'::text]))
    ELSE (rating = ANY (ARRAY['correct'::text, 'wrong'::text, 'irrelevant'::text]))
END),
    CONSTRAINT feedback_reason_check CHECK (((reason IS NULL) OR ((reason = ANY (ARRAY['wrong'::text, 'incomplete'::text, 'outdated'::text, 'off_topic'::text, 'not_answered'::text, 'unclear'::text, 'unsafe'::text, 'other'::text])) AND (citation_number IS NULL))))
);

ALTER TABLE ONLY app.feedback_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.groups (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT groups_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY app.groups FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.groups IS 'Named sets of people, which collections can be limited to';

COMMENT ON COLUMN app.groups.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.groups.group_id IS 'UUIDv7';

COMMENT ON COLUMN app.groups.name IS 'Unique in the tenant';

COMMENT ON COLUMN app.groups.created_at IS 'When it was made';

COMMENT ON COLUMN app.groups.updated_at IS 'When the row was last changed';

CREATE TABLE app.idempotency_keys (
    tenant_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status integer NOT NULL,
    body text,
    secret_of text,
    run_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255))),
    CONSTRAINT idempotency_keys_request_sha256_check CHECK ((length(request_sha256) = 32))
);

ALTER TABLE ONLY app.idempotency_keys FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.idempotency_keys IS 'Requests that were carried out, by the key that their sender chose; swept when they are over';

COMMENT ON COLUMN app.idempotency_keys.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.idempotency_keys.principal_id IS 'Key, person or end user that sent the request; each has keys of its own';

COMMENT ON COLUMN app.idempotency_keys.key IS 'Header Idempotency-Key of the request';

COMMENT ON COLUMN app.idempotency_keys.request_sha256 IS 'SHA-256 of method, path and body: another request under the same key is refused';

COMMENT ON COLUMN app.idempotency_keys.status IS 'HTTP status of the response';

COMMENT ON COLUMN app.idempotency_keys.body IS 'Body of the response, as it was sent; null where it held a secret, and for answers of a run';

COMMENT ON COLUMN app.idempotency_keys.secret_of IS 'Path of what a secret in the response was for; the reason why the body is not kept';

COMMENT ON COLUMN app.idempotency_keys.run_id IS 'Run whose events are the response';

COMMENT ON COLUMN app.idempotency_keys.created_at IS 'When the request was carried out';

COMMENT ON COLUMN app.idempotency_keys.expires_at IS 'From then on the key is free again, and the row is swept';

CREATE TABLE app.ingestion_attempts (
    tenant_id uuid NOT NULL,
    version_id uuid NOT NULL,
    number integer NOT NULL,
    stage text NOT NULL,
    failure_code text,
    failure_detail text,
    parse_ms integer,
    chunk_ms integer,
    embed_ms integer,
    index_ms integer,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone
);

ALTER TABLE ONLY app.ingestion_attempts FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.ingestion_attempts IS 'Each attempt to process a version: how far it came, how long it took, why it ended';

COMMENT ON COLUMN app.ingestion_attempts.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.ingestion_attempts.version_id IS 'Version';

COMMENT ON COLUMN app.ingestion_attempts.number IS 'Counts from 1 within the version';

COMMENT ON COLUMN app.ingestion_attempts.stage IS 'Last state that it reached';

COMMENT ON COLUMN app.ingestion_attempts.failure_code IS 'Why it ended early; null when it went through or still runs';

COMMENT ON COLUMN app.ingestion_attempts.failure_detail IS 'The same in words';

COMMENT ON COLUMN app.ingestion_attempts.parse_ms IS 'Milliseconds of parsing';

COMMENT ON COLUMN app.ingestion_attempts.chunk_ms IS 'Milliseconds of chunking';

COMMENT ON COLUMN app.ingestion_attempts.embed_ms IS 'Milliseconds of embedding';

COMMENT ON COLUMN app.ingestion_attempts.index_ms IS 'Milliseconds of writing to the index';

COMMENT ON COLUMN app.ingestion_attempts.started_at IS 'When it began';

COMMENT ON COLUMN app.ingestion_attempts.ended_at IS 'When it ended';

CREATE TABLE app.invitations (
    tenant_id uuid NOT NULL,
    invitation_id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    group_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    secret_sha256 bytea NOT NULL,
    invited_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    accepted_by uuid,
    revoked_at timestamp with time zone,
    CONSTRAINT invitations_accepted_check CHECK (((accepted_at IS NULL) = (accepted_by IS NULL))),
    CONSTRAINT invitations_email_check CHECK (((length(email) >= 3) AND (length(email) <= 254))),
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'member'::text, 'analyst'::text]))),
    CONSTRAINT invitations_secret_sha256_check CHECK ((length(secret_sha256) = 32))
);

ALTER TABLE ONLY app.invitations FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.invitations IS 'One-time links by which people join; the link''s secret is never stored';

COMMENT ON COLUMN app.invitations.tenant_id IS 'Tenant that invites';

COMMENT ON COLUMN app.invitations.invitation_id IS 'UUIDv7; stands in the link';

COMMENT ON COLUMN app.invitations.email IS 'Address that the link is for';

COMMENT ON COLUMN app.invitations.role IS 'Role of who accepts';

COMMENT ON COLUMN app.invitations.group_ids IS 'Groups that who accepts is put in';

COMMENT ON COLUMN app.invitations.secret_sha256 IS 'SHA-256 of the secret part (160 random bits)';

COMMENT ON COLUMN app.invitations.invited_by IS 'Person or key that invited; null for the operator';

COMMENT ON COLUMN app.invitations.created_at IS 'When it was made';

COMMENT ON COLUMN app.invitations.expires_at IS 'From then on the link is refused';

COMMENT ON COLUMN app.invitations.accepted_at IS 'When it was used; null until then';

COMMENT ON COLUMN app.invitations.accepted_by IS 'Member that it made';

COMMENT ON COLUMN app.invitations.revoked_at IS 'When it was taken back; null while it is good';

CREATE TABLE app.jobs (
    job_id uuid NOT NULL,
    kind text NOT NULL,
    for_tenant uuid NOT NULL,
    subject_id uuid NOT NULL,
    receives integer DEFAULT 0 NOT NULL,
    visible_at timestamp with time zone DEFAULT now() NOT NULL,
    receipt uuid,
    dead_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE app.jobs IS 'The queue where SQS is not used: at least once, invisible while a worker holds it';

COMMENT ON COLUMN app.jobs.job_id IS 'Id of the outbox message, so that handing over twice queues once';

COMMENT ON COLUMN app.jobs.kind IS 'Name of the job';

COMMENT ON COLUMN app.jobs.for_tenant IS 'Tenant in whose name the job runs';

COMMENT ON COLUMN app.jobs.subject_id IS 'What the job is about';

COMMENT ON COLUMN app.jobs.receives IS 'How often it was handed to a worker';

COMMENT ON COLUMN app.jobs.visible_at IS 'From then on a worker may take it';

COMMENT ON COLUMN app.jobs.receipt IS 'Of the last hand-over; only its holder may extend or delete';

COMMENT ON COLUMN app.jobs.dead_at IS 'Set when it was received too often; kept for a person to look at';

COMMENT ON COLUMN app.jobs.created_at IS 'When it was queued';

CREATE TABLE app.local_accounts (
    tenant_id uuid NOT NULL,
    member_id uuid NOT NULL,
    login_name text NOT NULL,
    password_phc text NOT NULL,
    must_change boolean DEFAULT false NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT local_accounts_login_name_check CHECK (((length(login_name) >= 3) AND (length(login_name) <= 254)))
);

ALTER TABLE ONLY app.local_accounts FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.local_accounts IS 'Passwords of people who log in without an outside issuer';

COMMENT ON COLUMN app.local_accounts.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.local_accounts.member_id IS 'Person';

COMMENT ON COLUMN app.local_accounts.login_name IS 'E-mail address in lower case; unique in the tenant';

COMMENT ON COLUMN app.local_accounts.password_phc IS 'Argon2id hash with its parameters and salt, as a PHC string';

COMMENT ON COLUMN app.local_accounts.must_change IS 'Set by a reset: the next login must choose a new password';

COMMENT ON COLUMN app.local_accounts.changed_at IS 'When the password was last set';

CREATE TABLE app.members (
    tenant_id uuid NOT NULL,
    member_id uuid NOT NULL,
    provider text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    identity_sha256 bytea NOT NULL,
    email text,
    display_name text,
    role text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    held_by_claims boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone,
    CONSTRAINT members_display_name_check CHECK (((length(display_name) >= 1) AND (length(display_name) <= 200))),
    CONSTRAINT members_email_check CHECK (((length(email) >= 3) AND (length(email) <= 254))),
    CONSTRAINT members_identity_sha256_check CHECK ((length(identity_sha256) = 32)),
    CONSTRAINT members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'member'::text, 'analyst'::text]))),
    CONSTRAINT members_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text])))
);

ALTER TABLE ONLY app.members FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.members IS 'People of a tenant; a person in two tenants has a row in each';

COMMENT ON COLUMN app.members.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.members.member_id IS 'UUIDv7; owns the person''s conversations in this tenant';

COMMENT ON COLUMN app.members.provider IS 'Name of the login provider in our settings; local for accounts of our own';

COMMENT ON COLUMN app.members.issuer IS 'Issuer of the person''s tokens, exactly as they say it; local for accounts of our own';

COMMENT ON COLUMN app.members.subject IS 'The issuer''s name for the person, which never changes; an e-mail address may, so it is never the key';

COMMENT ON COLUMN app.members.identity_sha256 IS 'SHA-256 of issuer and subject, each with its length in front: finds the tenants of a person';

COMMENT ON COLUMN app.members.email IS 'Address, as the issuer or the invitation says; for people to read';

COMMENT ON COLUMN app.members.display_name IS 'Name, as the issuer or the person says';

COMMENT ON COLUMN app.members.role IS 'owner, admin, editor, member or analyst';

COMMENT ON COLUMN app.members.state IS 'active, or suspended by an admin: then no login is let in';

COMMENT ON COLUMN app.members.held_by_claims IS 'A claim of the login provider gave the membership: it ends with the claim, and groups decide its role';

COMMENT ON COLUMN app.members.created_at IS 'When the person joined';

COMMENT ON COLUMN app.members.updated_at IS 'When the row was last changed';

COMMENT ON COLUMN app.members.last_seen_at IS 'Last login, or use of a token, exact to a minute';

CREATE TABLE app.messages_default (
    tenant_id uuid CONSTRAINT messages_tenant_id_not_null NOT NULL,
    message_id uuid CONSTRAINT messages_message_id_not_null NOT NULL,
    session_id uuid,
    run_id uuid CONSTRAINT messages_run_id_not_null NOT NULL,
    role text CONSTRAINT messages_role_not_null NOT NULL,
    content text CONSTRAINT messages_content_not_null NOT NULL,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT messages_created_at_not_null NOT NULL,
    read_collection_ids uuid[] DEFAULT '{}'::uuid[] CONSTRAINT messages_read_collection_ids_not_null NOT NULL,
    CONSTRAINT messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text])))
);

ALTER TABLE ONLY app.messages_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.model_prices (
    provider text NOT NULL,
    model text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    input_usd numeric(14,6) NOT NULL,
    output_usd numeric(14,6) NOT NULL,
    cached_input_usd numeric(14,6),
    cache_write_usd numeric(14,6),
    source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT model_prices_source_check CHECK (((length(source) >= 1) AND (length(source) <= 300))),
    CONSTRAINT model_prices_usd_check CHECK ((((input_usd >= (0)::numeric) AND (input_usd <= (100000)::numeric)) AND ((output_usd >= (0)::numeric) AND (output_usd <= (100000)::numeric)) AND ((cached_input_usd >= (0)::numeric) AND (cached_input_usd <= (100000)::numeric)) AND ((cache_write_usd >= (0)::numeric) AND (cache_write_usd <= (100000)::numeric))))
);

COMMENT ON TABLE app.model_prices IS 'What a model costs, in US dollars for a million tokens; a new price is a new row, so that old runs keep theirs';

COMMENT ON COLUMN app.model_prices.provider IS 'Provider of the model';

COMMENT ON COLUMN app.model_prices.model IS 'Model';

COMMENT ON COLUMN app.model_prices.valid_from IS 'From then on, until the next row begins';

COMMENT ON COLUMN app.model_prices.input_usd IS 'For a million tokens read';

COMMENT ON COLUMN app.model_prices.output_usd IS 'For a million tokens written';

COMMENT ON COLUMN app.model_prices.cached_input_usd IS 'For a million tokens read from the cache; null: as any others';

COMMENT ON COLUMN app.model_prices.cache_write_usd IS 'For a million tokens read and put into the cache; null: as any others';

COMMENT ON COLUMN app.model_prices.source IS 'Where the price was read';

COMMENT ON COLUMN app.model_prices.created_at IS 'When it was entered';

CREATE TABLE app.models (
    provider text NOT NULL,
    model text NOT NULL,
    context_tokens integer,
    max_output_tokens integer,
    prompt_caching boolean DEFAULT false NOT NULL,
    system_prompt boolean DEFAULT true NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT models_context_tokens_check CHECK ((context_tokens > 0)),
    CONSTRAINT models_max_output_tokens_check CHECK ((max_output_tokens > 0)),
    CONSTRAINT models_model_check CHECK (((length(model) >= 1) AND (length(model) <= 200))),
    CONSTRAINT models_provider_check CHECK (((length(provider) >= 1) AND (length(provider) <= 30)))
);

COMMENT ON TABLE app.models IS 'Models that can be asked: how much they read and write, and what they can; of no tenant';

COMMENT ON COLUMN app.models.provider IS 'Adapter (extractive, bedrock, openai) or name of a provider of the settings';

COMMENT ON COLUMN app.models.model IS 'Name of the model as the provider knows it';

COMMENT ON COLUMN app.models.context_tokens IS 'Tokens that a prompt may have; null when unknown';

COMMENT ON COLUMN app.models.max_output_tokens IS 'Tokens of the longest answer; null when unknown';

COMMENT ON COLUMN app.models.prompt_caching IS 'Whether requests mark what the provider shall keep in its cache';

COMMENT ON COLUMN app.models.system_prompt IS 'Whether it takes rules apart from the conversation';

COMMENT ON COLUMN app.models.updated_at IS 'When the operator last changed it';

CREATE TABLE app.operator_idempotency_keys (
    operator_key_id uuid NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status integer NOT NULL,
    body text,
    secret_of text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT operator_idempotency_keys_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255))),
    CONSTRAINT operator_idempotency_keys_request_sha256_check CHECK ((length(request_sha256) = 32))
);

COMMENT ON TABLE app.operator_idempotency_keys IS 'The same for requests of the operator, who has no tenant';

COMMENT ON COLUMN app.operator_idempotency_keys.operator_key_id IS 'Key of the operator that sent the request';

COMMENT ON COLUMN app.operator_idempotency_keys.key IS 'Header Idempotency-Key of the request';

COMMENT ON COLUMN app.operator_idempotency_keys.request_sha256 IS 'SHA-256 of method, path and body: another request under the same key is refused';

COMMENT ON COLUMN app.operator_idempotency_keys.status IS 'HTTP status of the response';

COMMENT ON COLUMN app.operator_idempotency_keys.body IS 'Body of the response, as it was sent; null where it held a secret';

COMMENT ON COLUMN app.operator_idempotency_keys.secret_of IS 'Path of what a secret in the response was for; the reason why the body is not kept';

COMMENT ON COLUMN app.operator_idempotency_keys.created_at IS 'When the request was carried out';

COMMENT ON COLUMN app.operator_idempotency_keys.expires_at IS 'From then on the key is free again, and the row is swept';

CREATE TABLE app.operator_keys (
    operator_key_id uuid NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    hint text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT operator_keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT operator_keys_secret_sha256_check CHECK ((length(secret_sha256) = 32))
);

COMMENT ON TABLE app.operator_keys IS 'Credentials of the operator, who stands outside the tenants: they manage tenants and read no data of theirs';

COMMENT ON COLUMN app.operator_keys.operator_key_id IS 'UUIDv7; stands in the key';

COMMENT ON COLUMN app.operator_keys.name IS 'Who or what it is for';

COMMENT ON COLUMN app.operator_keys.secret_sha256 IS 'SHA-256 of the secret part (160 random bits)';

COMMENT ON COLUMN app.operator_keys.hint IS 'Last four characters, to tell keys apart';

COMMENT ON COLUMN app.operator_keys.created_at IS 'When it was made';

COMMENT ON COLUMN app.operator_keys.expires_at IS 'From then on it is refused';

COMMENT ON COLUMN app.operator_keys.revoked_at IS 'From then on it is refused; null while it is good';

COMMENT ON COLUMN app.operator_keys.last_used_at IS 'Last use, exact to a minute';

CREATE TABLE app.outbox (
    message_id uuid NOT NULL,
    kind text NOT NULL,
    for_tenant uuid NOT NULL,
    subject_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    handed_at timestamp with time zone,
    lost_at timestamp with time zone,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    traceparent text,
    CONSTRAINT outbox_lost_at_check CHECK (((handed_at IS NULL) = (lost_at IS NULL))),
    CONSTRAINT outbox_traceparent_check CHECK ((traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$'::text))
);

COMMENT ON TABLE app.outbox IS 'Work that a transaction asked for: it waits here for its turn, and stays until the worker has done it';

COMMENT ON COLUMN app.outbox.message_id IS 'UUIDv7: order of hand-over';

COMMENT ON COLUMN app.outbox.kind IS 'Name of the job';

COMMENT ON COLUMN app.outbox.for_tenant IS 'Tenant in whose name the job runs';

COMMENT ON COLUMN app.outbox.subject_id IS 'What the job is about, e.g. a document version';

COMMENT ON COLUMN app.outbox.created_at IS 'When the work was asked for';

COMMENT ON COLUMN app.outbox.handed_at IS 'When it was handed to the queue; null while it waits in the line';

COMMENT ON COLUMN app.outbox.lost_at IS 'From then on it is taken for lost in the queue, and waits again; moved on while somebody works on it';

COMMENT ON COLUMN app.outbox.due_at IS 'From then on it may be handed to the queue; the line is in this order';

COMMENT ON COLUMN app.outbox.traceparent IS 'Trace that asked for the work, in the form of W3C Trace Context; null where none was made';

CREATE TABLE app.passage_contexts (
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL,
    passage_sha256 bytea NOT NULL,
    context text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT passage_contexts_passage_sha256_check CHECK ((length(passage_sha256) = 32))
);

ALTER TABLE ONLY app.passage_contexts FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.passage_contexts IS 'Contexts that were paid for; a passage that stands unchanged in the next version of its document keeps its own';

COMMENT ON COLUMN app.passage_contexts.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.passage_contexts.document_id IS 'Document';

COMMENT ON COLUMN app.passage_contexts.passage_sha256 IS 'SHA-256 of the passage with title and headings, as it is embedded without a context';

COMMENT ON COLUMN app.passage_contexts.context IS 'What the model wrote; empty when it had nothing to say';

COMMENT ON COLUMN app.passage_contexts.created_at IS 'When it was written';

CREATE TABLE app.pending_logins (
    pending_login_id uuid NOT NULL,
    browser_sha256 bytea NOT NULL,
    state_sha256 bytea NOT NULL,
    provider text NOT NULL,
    nonce text,
    pkce_verifier text,
    issuer text,
    subject text,
    return_to text NOT NULL,
    invited_to uuid,
    invitation_id uuid,
    invitation_sha256 bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT pending_logins_invitation_check CHECK ((num_nonnulls(invited_to, invitation_id, invitation_sha256) = ANY (ARRAY[0, 3]))),
    CONSTRAINT pending_logins_sha256_check CHECK (((length(browser_sha256) = 32) AND (length(state_sha256) = 32))),
    CONSTRAINT pending_logins_step_check CHECK (((num_nonnulls(nonce, pkce_verifier) = ANY (ARRAY[0, 2])) AND (num_nonnulls(issuer, subject) = ANY (ARRAY[0, 2])) AND (num_nonnulls(nonce, issuer) = 1)))
);

COMMENT ON TABLE app.pending_logins IS 'Logins on their way: to an issuer and back, or until a person of several tenants has chosen one; no tenant is known yet. A row is taken out by the first request that names it';

COMMENT ON COLUMN app.pending_logins.pending_login_id IS 'UUIDv7';

COMMENT ON COLUMN app.pending_logins.browser_sha256 IS 'SHA-256 of the cookie that ties the login to one browser';

COMMENT ON COLUMN app.pending_logins.state_sha256 IS 'SHA-256 of the state that the issuer sends back, or of the text in the form in which the tenant is chosen';

COMMENT ON COLUMN app.pending_logins.provider IS 'Login provider';

COMMENT ON COLUMN app.pending_logins.nonce IS 'Stands in the ID token, so that it cannot be one of another login; null once the issuer has answered';

COMMENT ON COLUMN app.pending_logins.pkce_verifier IS 'Proves to the issuer that who asks for the token began the login (RFC 7636); null once the issuer has answered';

COMMENT ON COLUMN app.pending_logins.issuer IS 'Issuer that has vouched for the person, who now chooses a tenant; null before';

COMMENT ON COLUMN app.pending_logins.subject IS 'The issuer''s name for the person; null before';

COMMENT ON COLUMN app.pending_logins.return_to IS 'Path of this server to go to afterwards';

COMMENT ON COLUMN app.pending_logins.invited_to IS 'Tenant of the invitation that is to be accepted; null when there is none';

COMMENT ON COLUMN app.pending_logins.invitation_id IS 'Invitation that is to be accepted';

COMMENT ON COLUMN app.pending_logins.invitation_sha256 IS 'SHA-256 of the secret that the invitation''s link brought';

COMMENT ON COLUMN app.pending_logins.created_at IS 'When it began';

COMMENT ON COLUMN app.pending_logins.expires_at IS 'From then on it is refused, and the row is swept';

CREATE TABLE app.pending_originals (
    tenant_id uuid NOT NULL,
    version_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    held_until timestamp with time zone
);

ALTER TABLE ONLY app.pending_originals FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.pending_originals IS 'Originals that are being stored and have no version yet, and content that is held for a time; what stays here is removed';

COMMENT ON COLUMN app.pending_originals.tenant_id IS 'Tenant that uploads';

COMMENT ON COLUMN app.pending_originals.version_id IS 'Version that it will be the original of; for content that is held an id of its own';

COMMENT ON COLUMN app.pending_originals.created_at IS 'When the upload began';

COMMENT ON COLUMN app.pending_originals.held_until IS 'Content that is held is not removed before; null for an original, and for content that no run has noted yet';

CREATE TABLE app.quota_counters (
    tenant_id uuid NOT NULL,
    subject text NOT NULL,
    subject_id uuid NOT NULL,
    period text NOT NULL,
    period_start timestamp with time zone NOT NULL,
    questions bigint DEFAULT 0 NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    cost_micro_usd bigint DEFAULT 0 NOT NULL,
    CONSTRAINT quota_counters_period_check CHECK ((period = ANY (ARRAY['minute'::text, 'day'::text, 'month'::text, 'none'::text]))),
    CONSTRAINT quota_counters_subject_check CHECK ((subject = ANY (ARRAY['tenant'::text, 'assistant'::text, 'key'::text, 'person'::text])))
)
WITH (fillfactor='50');

ALTER TABLE ONLY app.quota_counters FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.quota_counters IS 'What limited subjects used in the period that runs: sums of quota_reservations, kept so that no question adds them up';

COMMENT ON COLUMN app.quota_counters.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.quota_counters.subject IS 'tenant, assistant, key or person';

COMMENT ON COLUMN app.quota_counters.subject_id IS 'Which one';

COMMENT ON COLUMN app.quota_counters.period IS 'minute, day or month; none orders questions of those whose concurrent runs are limited';

COMMENT ON COLUMN app.quota_counters.period_start IS 'When the period that is counted began; a later question begins it anew';

COMMENT ON COLUMN app.quota_counters.questions IS 'Questions asked in it';

COMMENT ON COLUMN app.quota_counters.tokens IS 'Tokens of prompts and answers of those that are settled';

COMMENT ON COLUMN app.quota_counters.cost_micro_usd IS 'Their price, in millionths of a US dollar';

CREATE TABLE app.quota_reservations_default (
    tenant_id uuid CONSTRAINT quota_reservations_tenant_id_not_null NOT NULL,
    run_id uuid CONSTRAINT quota_reservations_run_id_not_null NOT NULL,
    assistant_id uuid,
    api_key_id uuid,
    person_id uuid,
    reserved_at timestamp with time zone CONSTRAINT quota_reservations_reserved_at_not_null NOT NULL,
    reserved_tokens bigint CONSTRAINT quota_reservations_reserved_tokens_not_null NOT NULL,
    reserved_cost_micro_usd bigint CONSTRAINT quota_reservations_reserved_cost_micro_usd_not_null NOT NULL,
    settled_at timestamp with time zone,
    provider text,
    model text,
    input_tokens bigint DEFAULT 0 CONSTRAINT quota_reservations_input_tokens_not_null NOT NULL,
    output_tokens bigint DEFAULT 0 CONSTRAINT quota_reservations_output_tokens_not_null NOT NULL,
    cost_micro_usd bigint DEFAULT 0 CONSTRAINT quota_reservations_cost_micro_usd_not_null NOT NULL
);

ALTER TABLE ONLY app.quota_reservations_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.quotas (
    tenant_id uuid NOT NULL,
    quota_id uuid NOT NULL,
    set_by text NOT NULL,
    subject text NOT NULL,
    subject_id uuid NOT NULL,
    measure text NOT NULL,
    period text NOT NULL,
    soft_limit bigint,
    hard_limit bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT quotas_limits_check CHECK (((soft_limit >= 0) AND (hard_limit >= 0) AND (soft_limit <= hard_limit))),
    CONSTRAINT quotas_measure_check CHECK ((measure = ANY (ARRAY['questions'::text, 'tokens'::text, 'cost_micro_usd'::text, 'concurrent_runs'::text]))),
    CONSTRAINT quotas_period_check CHECK (((period = ANY (ARRAY['minute'::text, 'day'::text, 'month'::text, 'none'::text])) AND ((measure = 'concurrent_runs'::text) = (period = 'none'::text)))),
    CONSTRAINT quotas_set_by_check CHECK ((set_by = ANY (ARRAY['operator'::text, 'tenant'::text]))),
    CONSTRAINT quotas_subject_check CHECK ((subject = ANY (ARRAY['tenant'::text, 'assistant'::text, 'key'::text, 'person'::text])))
);

ALTER TABLE ONLY app.quotas FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.quotas IS 'How much may be used; what has no row is not limited';

COMMENT ON COLUMN app.quotas.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.quotas.quota_id IS 'UUIDv7';

COMMENT ON COLUMN app.quotas.set_by IS 'operator: a ceiling that the tenant cannot change; tenant: set by its admins';

COMMENT ON COLUMN app.quotas.subject IS 'tenant, assistant, key or person: what is limited';

COMMENT ON COLUMN app.quotas.subject_id IS 'Which one; zeros for each one that has no row of its own';

COMMENT ON COLUMN app.quotas.measure IS 'questions, tokens (of prompt and answer), cost_micro_usd or concurrent_runs';

COMMENT ON COLUMN app.quotas.period IS 'minute, day or month of UTC; none for concurrent_runs';

COMMENT ON COLUMN app.quotas.soft_limit IS 'From this much on answers carry a warning; null for never';

COMMENT ON COLUMN app.quotas.hard_limit IS 'From this much on questions are refused; null for never';

COMMENT ON COLUMN app.quotas.created_at IS 'When it was set first';

COMMENT ON COLUMN app.quotas.updated_at IS 'When it was last changed';

CREATE TABLE app.reembedded_windows (
    tenant_id uuid NOT NULL,
    chunk_id uuid NOT NULL,
    embedding_model text NOT NULL,
    number integer NOT NULL,
    collection_id uuid NOT NULL,
    embedding public.halfvec NOT NULL
)
PARTITION BY HASH (tenant_id);
ALTER TABLE ONLY app.reembedded_windows ALTER COLUMN embedding SET STORAGE PLAIN;

ALTER TABLE ONLY app.reembedded_windows FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.reembedded_windows IS 'Embeddings as in chunk_windows, of other models than the database''s own';

COMMENT ON COLUMN app.reembedded_windows.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.reembedded_windows.chunk_id IS 'Passage';

COMMENT ON COLUMN app.reembedded_windows.embedding_model IS 'Model of the vector: vectors of different models are never compared';

COMMENT ON COLUMN app.reembedded_windows.number IS 'Counts from 0 within the passage and model';

COMMENT ON COLUMN app.reembedded_windows.collection_id IS 'Collection, repeated here so that a filtered scan needs no join';

COMMENT ON COLUMN app.reembedded_windows.embedding IS 'Unit length, 16-bit floats';

CREATE TABLE app.reembedded_windows_p00 (
    tenant_id uuid CONSTRAINT reembedded_windows_tenant_id_not_null NOT NULL,
    chunk_id uuid CONSTRAINT reembedded_windows_chunk_id_not_null NOT NULL,
    embedding_model text CONSTRAINT reembedded_windows_embedding_model_not_null NOT NULL,
    number integer CONSTRAINT reembedded_windows_number_not_null NOT NULL,
    collection_id uuid CONSTRAINT reembedded_windows_collection_id_not_null NOT NULL,
    embedding public.halfvec CONSTRAINT reembedded_windows_embedding_not_null NOT NULL
);
ALTER TABLE ONLY app.reembedded_windows_p00 ALTER COLUMN embedding SET STORAGE PLAIN;

ALTER TABLE ONLY app.reembedded_windows_p00 FORCE ROW LEVEL SECURITY;

CREATE TABLE app.reembeddings (
    tenant_id uuid NOT NULL,
    reembedding_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    from_model text NOT NULL,
    to_model text NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    chunks_done bigint DEFAULT 0 NOT NULL,
    chunks_total bigint DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failure_code text,
    failure_detail text,
    comparison jsonb,
    recall_overlap double precision,
    recall_sample integer,
    recall_depth integer,
    recall_source text,
    drop_model text,
    drop_at timestamp with time zone,
    lease_token uuid,
    lease_expires_at timestamp with time zone,
    created_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    touched_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    ready_at timestamp with time zone,
    switched_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT reembeddings_drop_check CHECK (((drop_model IS NULL) = (drop_at IS NULL))),
    CONSTRAINT reembeddings_failure_check CHECK (((state = 'failed'::text) = (failure_code IS NOT NULL))),
    CONSTRAINT reembeddings_models_check CHECK ((from_model <> to_model)),
    CONSTRAINT reembeddings_recall_check CHECK ((((recall_sample IS NULL) = (recall_depth IS NULL)) AND ((recall_overlap IS NULL) OR (recall_sample > 0)) AND (recall_source = ANY (ARRAY['questions'::text, 'passages'::text])))),
    CONSTRAINT reembeddings_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'ready'::text, 'switched'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY app.reembeddings FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.reembeddings IS 'Changes of the embedding model of a collection';

COMMENT ON COLUMN app.reembeddings.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.reembeddings.reembedding_id IS 'UUIDv7';

COMMENT ON COLUMN app.reembeddings.collection_id IS 'Collection; a re-embedding goes with it';

COMMENT ON COLUMN app.reembeddings.from_model IS 'Model whose vectors searches read when it began';

COMMENT ON COLUMN app.reembeddings.to_model IS 'Model that is to take its place';

COMMENT ON COLUMN app.reembeddings.state IS 'queued, running; ready: every passage has both vectors; switched: searches read the new ones, the old ones are kept; completed: the old ones are gone; failed; cancelled';

COMMENT ON COLUMN app.reembeddings.chunks_done IS 'Passages of the collection that have vectors of the new model';

COMMENT ON COLUMN app.reembeddings.chunks_total IS 'Passages of the collection, when they were last counted';

COMMENT ON COLUMN app.reembeddings.failures IS 'Attempts that failed since a passage was last embedded';

COMMENT ON COLUMN app.reembeddings.failure_code IS 'Why it failed, for programs';

COMMENT ON COLUMN app.reembeddings.failure_detail IS 'The same in words';

COMMENT ON COLUMN app.reembeddings.comparison IS 'What was compared so far: source, and overlap by the SHA-256 of a question or the id of a passage; null before and when it is over';

COMMENT ON COLUMN app.reembeddings.recall_overlap IS 'Mean share, 0 to 1, of the nearest passages by the old vectors that are among the nearest by the new ones; null when nothing was compared';

COMMENT ON COLUMN app.reembeddings.recall_sample IS 'Questions that were compared';

COMMENT ON COLUMN app.reembeddings.recall_depth IS 'How many of the nearest passages were compared for each';

COMMENT ON COLUMN app.reembeddings.recall_source IS 'questions: the last that were asked; passages: texts of the collection, as nobody had asked anything';

COMMENT ON COLUMN app.reembeddings.drop_model IS 'Model whose vectors of the collection are to be removed; null when none are, or it was done';

COMMENT ON COLUMN app.reembeddings.drop_at IS 'From then on they are removed';

COMMENT ON COLUMN app.reembeddings.lease_token IS 'Of the worker that works on it';

COMMENT ON COLUMN app.reembeddings.lease_expires_at IS 'From then on another worker may take it';

COMMENT ON COLUMN app.reembeddings.created_by IS 'Key or person that asked for it';

COMMENT ON COLUMN app.reembeddings.created_at IS 'When it was asked for';

COMMENT ON COLUMN app.reembeddings.touched_at IS 'When something was last done to it';

COMMENT ON COLUMN app.reembeddings.started_at IS 'When a worker first took it';

COMMENT ON COLUMN app.reembeddings.ready_at IS 'When every passage had vectors of the new model';

COMMENT ON COLUMN app.reembeddings.switched_at IS 'When searches began to read the new vectors; null again after a roll back';

COMMENT ON COLUMN app.reembeddings.finished_at IS 'When it came to its end';

CREATE TABLE app.restores (
    tenant_id uuid NOT NULL,
    restore_id uuid NOT NULL,
    dump_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    document_count integer DEFAULT 0 NOT NULL,
    done_count integer DEFAULT 0 NOT NULL,
    skipped_count integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    failure_code text,
    failure_detail text,
    lease_token uuid,
    lease_expires_at timestamp with time zone,
    created_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    touched_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT restores_collection_id_check CHECK ((uuid_extract_version(collection_id) IS DISTINCT FROM 8)),
    CONSTRAINT restores_counts_check CHECK (((skipped_count >= 0) AND (skipped_count <= done_count))),
    CONSTRAINT restores_failure_check CHECK (((state = 'failed'::text) = (failure_code IS NOT NULL))),
    CONSTRAINT restores_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'completed'::text, 'failed'::text])))
);

ALTER TABLE ONLY app.restores FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.restores IS 'Dumps that are brought in again, each as a collection of its own';

COMMENT ON COLUMN app.restores.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.restores.restore_id IS 'UUIDv7';

COMMENT ON COLUMN app.restores.dump_id IS 'Dump that is brought in; it may be gone afterwards';

COMMENT ON COLUMN app.restores.collection_id IS 'Collection that was made for it; a restore goes with it';

COMMENT ON COLUMN app.restores.state IS 'queued, running, completed or failed';

COMMENT ON COLUMN app.restores.document_count IS 'Documents in the dump';

COMMENT ON COLUMN app.restores.done_count IS 'Documents that were dealt with until now, in the order of the file';

COMMENT ON COLUMN app.restores.skipped_count IS 'Those among them that were left out, as somebody had put a document of the name there';

COMMENT ON COLUMN app.restores.attempts IS 'How often a worker began to work on it';

COMMENT ON COLUMN app.restores.failure_code IS 'Why it failed, for programs';

COMMENT ON COLUMN app.restores.failure_detail IS 'The same in words';

COMMENT ON COLUMN app.restores.lease_token IS 'Of the worker that works on it';

COMMENT ON COLUMN app.restores.lease_expires_at IS 'From then on another worker may take it';

COMMENT ON COLUMN app.restores.created_by IS 'Key or person that asked for it';

COMMENT ON COLUMN app.restores.created_at IS 'When it was asked for';

COMMENT ON COLUMN app.restores.touched_at IS 'When something was last done to it';

COMMENT ON COLUMN app.restores.started_at IS 'When a worker first took it';

COMMENT ON COLUMN app.restores.finished_at IS 'When it came to its end';

CREATE TABLE app.retrievals_default (
    tenant_id uuid CONSTRAINT retrievals_tenant_id_not_null NOT NULL,
    run_id uuid CONSTRAINT retrievals_run_id_not_null NOT NULL,
    rank integer CONSTRAINT retrievals_rank_not_null NOT NULL,
    chunk_id uuid CONSTRAINT retrievals_chunk_id_not_null NOT NULL,
    document_id uuid CONSTRAINT retrievals_document_id_not_null NOT NULL,
    version_id uuid CONSTRAINT retrievals_version_id_not_null NOT NULL,
    dense_rank integer,
    similarity real,
    lexical_rank integer,
    lexical_score real,
    fused_score real CONSTRAINT retrievals_fused_score_not_null NOT NULL,
    used boolean CONSTRAINT retrievals_used_not_null NOT NULL,
    matched_terms text[] DEFAULT '{}'::text[] CONSTRAINT retrievals_matched_terms_not_null NOT NULL,
    dropped text,
    CONSTRAINT retrievals_dropped_check CHECK ((dropped = ANY (ARRAY['below_cut'::text, 'prompt_budget'::text, 'below_threshold'::text, 'run_failed'::text])))
);

ALTER TABLE ONLY app.retrievals_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.run_events (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    first_number integer NOT NULL,
    last_number integer NOT NULL,
    events text NOT NULL,
    CONSTRAINT run_events_numbers_check CHECK (((first_number >= 1) AND (last_number >= first_number)))
)
PARTITION BY RANGE (run_id);

ALTER TABLE ONLY app.run_events FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.run_events IS 'What readers of a run were shown, in numbered events';

COMMENT ON COLUMN app.run_events.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.run_events.run_id IS 'Run; its month decides the partition';

COMMENT ON COLUMN app.run_events.first_number IS 'Number of the first event of the row';

COMMENT ON COLUMN app.run_events.last_number IS 'Number of the last event of the row';

COMMENT ON COLUMN app.run_events.events IS 'The events as a JSON array; as text, since jsonb knows no NUL';

CREATE TABLE app.run_events_default (
    tenant_id uuid CONSTRAINT run_events_tenant_id_not_null NOT NULL,
    run_id uuid CONSTRAINT run_events_run_id_not_null NOT NULL,
    first_number integer CONSTRAINT run_events_first_number_not_null NOT NULL,
    last_number integer CONSTRAINT run_events_last_number_not_null NOT NULL,
    events text CONSTRAINT run_events_events_not_null NOT NULL,
    CONSTRAINT run_events_numbers_check CHECK (((first_number >= 1) AND (last_number >= first_number)))
);

ALTER TABLE ONLY app.run_events_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.run_leases (
    run_id uuid NOT NULL,
    for_tenant uuid NOT NULL,
    session_id uuid,
    instance_id uuid NOT NULL,
    event_count integer NOT NULL,
    read_collection_ids uuid[],
    expires_at timestamp with time zone NOT NULL,
    cancel_requested_at timestamp with time zone,
    CONSTRAINT run_leases_event_count_check CHECK ((event_count >= 1))
);

COMMENT ON TABLE app.run_leases IS 'Which instance makes a run that goes on, and until when it is believed to live';

COMMENT ON COLUMN app.run_leases.run_id IS 'Run';

COMMENT ON COLUMN app.run_leases.for_tenant IS 'Its tenant';

COMMENT ON COLUMN app.run_leases.session_id IS 'Its conversation; null for a single question';

COMMENT ON COLUMN app.run_leases.instance_id IS 'Instance that makes it; nobody else may add events';

COMMENT ON COLUMN app.run_leases.event_count IS 'Number of the last event that is stored';

COMMENT ON COLUMN app.run_leases.read_collection_ids IS 'Collections whose text the model was given; null until that is known';

COMMENT ON COLUMN app.run_leases.expires_at IS 'After that the instance is taken for dead and the run is ended by another';

COMMENT ON COLUMN app.run_leases.cancel_requested_at IS 'When somebody asked to stop it';

CREATE TABLE app.run_traces_default (
    tenant_id uuid CONSTRAINT run_traces_tenant_id_not_null NOT NULL,
    run_id uuid CONSTRAINT run_traces_run_id_not_null NOT NULL,
    terms text[] DEFAULT '{}'::text[] CONSTRAINT run_traces_terms_not_null NOT NULL,
    searched_chunks bigint,
    dense_candidates integer,
    lexical_candidates integer,
    prepare_ms real,
    embed_ms real,
    dense_ms real,
    lexical_ms real,
    fuse_ms real,
    history_messages integer DEFAULT 0 CONSTRAINT run_traces_history_messages_not_null NOT NULL,
    prompt_chars bigint,
    max_output_tokens integer,
    unread_attachments jsonb
);

ALTER TABLE ONLY app.run_traces_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.runs_default (
    tenant_id uuid CONSTRAINT runs_tenant_id_not_null NOT NULL,
    run_id uuid CONSTRAINT runs_run_id_not_null NOT NULL,
    session_id uuid,
    question_id uuid CONSTRAINT runs_question_id_not_null NOT NULL,
    answer_id uuid,
    state text DEFAULT 'running'::text CONSTRAINT runs_state_not_null NOT NULL,
    outcome text,
    outcome_reason text,
    collection_ids uuid[] DEFAULT '{}'::uuid[] CONSTRAINT runs_collection_ids_not_null NOT NULL,
    standalone_question text,
    provider text,
    model text,
    input_tokens bigint,
    output_tokens bigint,
    cost_micro_usd bigint,
    unknown_markers integer DEFAULT 0 CONSTRAINT runs_unknown_markers_not_null NOT NULL,
    search_ms integer,
    first_token_ms integer,
    total_ms integer,
    asked_by uuid CONSTRAINT runs_asked_by_not_null NOT NULL,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT runs_created_at_not_null NOT NULL,
    ended_at timestamp with time zone,
    event_count integer,
    attempts jsonb DEFAULT '[]'::jsonb CONSTRAINT runs_attempts_not_null NOT NULL,
    cached_input_tokens bigint,
    usage_estimated boolean DEFAULT false CONSTRAINT runs_usage_estimated_not_null NOT NULL,
    assistant_id uuid,
    assistant_version integer,
    configuration_sha256 bytea,
    prompt_sha256 bytea,
    prompt_left_out jsonb,
    filtered jsonb,
    CONSTRAINT runs_attempts_check CHECK ((jsonb_typeof(attempts) = 'array'::text)),
    CONSTRAINT runs_ended_check CHECK (((state = 'running'::text) = (ended_at IS NULL))),
    CONSTRAINT runs_filtered_check CHECK ((jsonb_typeof(filtered) = 'object'::text)),
    CONSTRAINT runs_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'partial'::text, 'no_answer'::text, 'clarification'::text, 'blocked'::text, 'failed'::text]))),
    CONSTRAINT runs_state_check CHECK ((state = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'interrupted'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY app.runs_default FORCE ROW LEVEL SECURITY;

CREATE TABLE app.session_summaries (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    through_message_id uuid NOT NULL,
    content text NOT NULL,
    read_collection_ids uuid[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY app.session_summaries FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.session_summaries IS 'What the older part of a long conversation comes to, as a model is told of it';

COMMENT ON COLUMN app.session_summaries.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.session_summaries.session_id IS 'Conversation';

COMMENT ON COLUMN app.session_summaries.through_message_id IS 'Last message that is in it';

COMMENT ON COLUMN app.session_summaries.content IS 'The summary';

COMMENT ON COLUMN app.session_summaries.read_collection_ids IS 'Collections whose text is in the messages that it was made of: who does not reach all of them is not told it';

COMMENT ON COLUMN app.session_summaries.created_at IS 'When it was made';

CREATE TABLE app.source_items (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    url text NOT NULL,
    document_id uuid,
    etag text,
    last_modified text,
    content_sha256 bytea NOT NULL,
    links text[] DEFAULT '{}'::text[] NOT NULL,
    last_run_id uuid NOT NULL,
    CONSTRAINT source_items_url_check CHECK (((length(url) >= 1) AND (length(url) <= 1000)))
);

ALTER TABLE ONLY app.source_items FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.source_items IS 'Pages of a source that have a document, as they were when they were last read';

COMMENT ON COLUMN app.source_items.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.source_items.source_id IS 'Source';

COMMENT ON COLUMN app.source_items.url IS 'Address, or name of the document of a file';

COMMENT ON COLUMN app.source_items.document_id IS 'Document; null when somebody deleted it, and it comes back when the page is next read';

COMMENT ON COLUMN app.source_items.etag IS 'What the server calls this content, to ask whether there is another one';

COMMENT ON COLUMN app.source_items.last_modified IS 'When the server says that it was changed, as it says it';

COMMENT ON COLUMN app.source_items.content_sha256 IS 'Digest of the content';

COMMENT ON COLUMN app.source_items.links IS 'Pages that it leads to: of one that has not changed no content comes to be read';

COMMENT ON COLUMN app.source_items.last_run_id IS 'Last run that found it';

CREATE TABLE app.source_pages (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    "position" integer NOT NULL,
    url text NOT NULL,
    role text NOT NULL,
    depth integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    outcome text,
    reason_code text,
    reason_detail text,
    leads_to text,
    entry integer,
    CONSTRAINT source_pages_leads_to_check CHECK (((length(leads_to) >= 1) AND (length(leads_to) <= 1000))),
    CONSTRAINT source_pages_outcome_check CHECK ((((state = 'done'::text) = (outcome IS NOT NULL)) AND (outcome = ANY (ARRAY['new'::text, 'changed'::text, 'unchanged'::text, 'skipped'::text, 'failed'::text, 'read'::text])))),
    CONSTRAINT source_pages_role_check CHECK ((role = ANY (ARRAY['page'::text, 'sitemap'::text]))),
    CONSTRAINT source_pages_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text]))),
    CONSTRAINT source_pages_url_check CHECK (((length(url) >= 1) AND (length(url) <= 1000)))
);

ALTER TABLE ONLY app.source_pages FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.source_pages IS 'What a run knows of and looks at; at its end what failed or was skipped stays, as much of it as the limit';

COMMENT ON COLUMN app.source_pages.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.source_pages.run_id IS 'Run';

COMMENT ON COLUMN app.source_pages."position" IS 'Order in which they were found, from 1';

COMMENT ON COLUMN app.source_pages.url IS 'Address of a page, name of a file''s document, or path of a file that is refused';

COMMENT ON COLUMN app.source_pages.role IS 'page, or sitemap: a list of pages';

COMMENT ON COLUMN app.source_pages.depth IS 'Links between it and the start';

COMMENT ON COLUMN app.source_pages.state IS 'waiting or done';

COMMENT ON COLUMN app.source_pages.attempts IS 'How often it was begun';

COMMENT ON COLUMN app.source_pages.due_at IS 'When it is looked at, after an attempt that failed';

COMMENT ON COLUMN app.source_pages.outcome IS 'new, changed, unchanged, skipped or failed; read for a sitemap';

COMMENT ON COLUMN app.source_pages.reason_code IS 'Why it failed or was skipped, for programs';

COMMENT ON COLUMN app.source_pages.reason_detail IS 'The same in words';

COMMENT ON COLUMN app.source_pages.leads_to IS 'Address of the page that it redirects to or calls the right one, when it was left out for that one; stays while it is looked at once more';

COMMENT ON COLUMN app.source_pages.entry IS 'Number of a file in its archive or bucket, from 0; null for a page, and for a file that is refused';

CREATE TABLE app.tenant_buckets (
    tenant_id uuid NOT NULL,
    bucket text NOT NULL,
    prefix text NOT NULL,
    region text,
    owner_account text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenant_buckets_bucket_check CHECK ((bucket ~ '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'::text)),
    CONSTRAINT tenant_buckets_owner_account_check CHECK ((owner_account ~ '^[0-9]{12}$'::text)),
    CONSTRAINT tenant_buckets_prefix_check CHECK (((length(prefix) <= 500) AND ((prefix = ''::text) OR (prefix ~~ '%/'::text)))),
    CONSTRAINT tenant_buckets_region_check CHECK ((region ~ '^[a-z0-9-]{1,32}$'::text))
);

ALTER TABLE ONLY app.tenant_buckets FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.tenant_buckets IS 'What the operator lets sources of a tenant read in buckets of S3; no operation of the API changes it';

COMMENT ON COLUMN app.tenant_buckets.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.tenant_buckets.bucket IS 'Name of the bucket';

COMMENT ON COLUMN app.tenant_buckets.prefix IS 'Beginning of the keys that may be read, with a slash at its end; empty for the whole bucket';

COMMENT ON COLUMN app.tenant_buckets.region IS 'Region of the bucket; null for that of the worker';

COMMENT ON COLUMN app.tenant_buckets.owner_account IS 'Account of AWS that the bucket must belong to; null for any';

COMMENT ON COLUMN app.tenant_buckets.created_at IS 'When the operator first allowed it';

CREATE TABLE app.tenant_directory (
    id uuid NOT NULL,
    slug text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenant_directory_slug_check CHECK ((slug ~ '^[a-z0-9][a-z0-9-]{0,49}$'::text))
);

COMMENT ON TABLE app.tenant_directory IS 'Operators'' list of tenants: ids and slugs only. The one list that is not behind the wall, since the commands of the operator walk it';

COMMENT ON COLUMN app.tenant_directory.id IS 'The tenant';

COMMENT ON COLUMN app.tenant_directory.slug IS 'Short name that operators type; unique over all tenants, short enough for analyst_<slug> to be a role';

COMMENT ON COLUMN app.tenant_directory.created_at IS 'When the tenant was created';

CREATE TABLE app.tenant_flags (
    tenant_id uuid NOT NULL,
    flag text NOT NULL,
    is_on boolean NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenant_flags_flag_check CHECK ((flag = ANY (ARRAY['uploads'::text, 'questions'::text, 'attachments'::text])))
);

ALTER TABLE ONLY app.tenant_flags FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.tenant_flags IS 'Flags of a tenant of its own; what has no row is as the settings say';

COMMENT ON COLUMN app.tenant_flags.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.tenant_flags.flag IS 'uploads: documents are taken; questions: questions are answered; attachments: files may be attached to sessions';

COMMENT ON COLUMN app.tenant_flags.is_on IS 'Whether it is so';

COMMENT ON COLUMN app.tenant_flags.updated_at IS 'When the operator set it last';

CREATE TABLE app.tenants (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    login_providers text[],
    allowed_origins text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT tenants_allowed_origins_check CHECK ((cardinality(allowed_origins) <= 50)),
    CONSTRAINT tenants_login_providers_check CHECK ((cardinality(login_providers) <= 20)),
    CONSTRAINT tenants_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT tenants_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text])))
);

ALTER TABLE ONLY app.tenants FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.tenants IS 'A company that gives its documentation; each sees its own row only';

COMMENT ON COLUMN app.tenants.tenant_id IS 'UUIDv7; leads every key of the tenant''s data';

COMMENT ON COLUMN app.tenants.name IS 'Name shown to people';

COMMENT ON COLUMN app.tenants.created_at IS 'When the tenant was created';

COMMENT ON COLUMN app.tenants.updated_at IS 'When the row was last changed';

COMMENT ON COLUMN app.tenants.state IS 'active, or suspended by the operator: then every credential of the tenant is refused';

COMMENT ON COLUMN app.tenants.login_providers IS 'Names of the login providers whose people may enter (local for accounts of our own); null for every one that the operator set up';

COMMENT ON COLUMN app.tenants.allowed_origins IS 'Web origins whose pages may call the API from a browser, e.g. https://docs.example.com';

CREATE TABLE app.uploads (
    tenant_id uuid NOT NULL,
    upload_id uuid NOT NULL,
    version_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    name text NOT NULL,
    declared_type text,
    source_url text,
    metadata jsonb,
    size_bytes bigint NOT NULL,
    part_bytes bigint NOT NULL,
    declared_sha256 bytea,
    store_id text,
    state text DEFAULT 'opening'::text NOT NULL,
    failure_code text,
    failure_detail text,
    answer_status smallint,
    answer text,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT uploads_answer_check CHECK (((state = 'completed'::text) = ((answer IS NOT NULL) AND (answer_status IS NOT NULL)))),
    CONSTRAINT uploads_declared_sha256_check CHECK ((length(declared_sha256) = 32)),
    CONSTRAINT uploads_failure_check CHECK (((state = 'failed'::text) = (failure_code IS NOT NULL))),
    CONSTRAINT uploads_sizes_check CHECK (((size_bytes > 0) AND (part_bytes > 0))),
    CONSTRAINT uploads_state_check CHECK ((state = ANY (ARRAY['opening'::text, 'open'::text, 'completing'::text, 'completed'::text, 'failed'::text]))),
    CONSTRAINT uploads_store_id_check CHECK (((state = 'opening'::text) OR (store_id IS NOT NULL)))
);

ALTER TABLE ONLY app.uploads FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.uploads IS 'Large files that are sent in parts, from the first request until they expire';

COMMENT ON COLUMN app.uploads.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.uploads.upload_id IS 'UUIDv7';

COMMENT ON COLUMN app.uploads.version_id IS 'Version that it will be the original of; part of the key at the store';

COMMENT ON COLUMN app.uploads.collection_id IS 'Collection of the document; who does not reach it does not see the upload';

COMMENT ON COLUMN app.uploads.name IS 'Name of the document';

COMMENT ON COLUMN app.uploads.declared_type IS 'Media type that the sender declared';

COMMENT ON COLUMN app.uploads.source_url IS 'Where a reader finds the original';

COMMENT ON COLUMN app.uploads.metadata IS 'The tenant''s own object';

COMMENT ON COLUMN app.uploads.size_bytes IS 'Size of the whole file, declared at the beginning and checked at the end';

COMMENT ON COLUMN app.uploads.part_bytes IS 'Size of each part but the last one';

COMMENT ON COLUMN app.uploads.declared_sha256 IS 'SHA-256 of the whole file, where it was declared at the beginning';

COMMENT ON COLUMN app.uploads.store_id IS 'The store''s own id of the upload; null until the store has begun it';

COMMENT ON COLUMN app.uploads.state IS 'opening (nobody was told of it yet), open, completing, completed or failed';

COMMENT ON COLUMN app.uploads.failure_code IS 'Why it failed, for programs';

COMMENT ON COLUMN app.uploads.failure_detail IS 'The same in words';

COMMENT ON COLUMN app.uploads.answer_status IS 'Status of HTTP of the answer to its completion';

COMMENT ON COLUMN app.uploads.answer IS 'Body of that answer, given again to whoever completes it again';

COMMENT ON COLUMN app.uploads.created_by IS 'Key or person that began it';

COMMENT ON COLUMN app.uploads.created_at IS 'When it was begun';

COMMENT ON COLUMN app.uploads.expires_at IS 'From then on no part is taken; parts and row are removed soon after';

CREATE TABLE app.webhook_deliveries (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    event text NOT NULL,
    payload text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    attempts_before integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    last_status integer,
    failure_code text,
    failure_detail text,
    lease_token uuid,
    lease_expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT webhook_deliveries_attempts_check CHECK (((attempts_before >= 0) AND (attempts_before <= attempts))),
    CONSTRAINT webhook_deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])))
);

ALTER TABLE ONLY app.webhook_deliveries FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.webhook_deliveries IS 'What webhooks are told: one row for each event and endpoint';

COMMENT ON COLUMN app.webhook_deliveries.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.webhook_deliveries.delivery_id IS 'UUIDv7; also the id of the message that the receiver sees';

COMMENT ON COLUMN app.webhook_deliveries.webhook_id IS 'Endpoint';

COMMENT ON COLUMN app.webhook_deliveries.event IS 'Name of the event; webhook.test for one that somebody asked for';

COMMENT ON COLUMN app.webhook_deliveries.payload IS 'The JSON that is sent, the same bytes with each attempt: ids and states, no text of a document';

COMMENT ON COLUMN app.webhook_deliveries.state IS 'pending, delivered or failed';

COMMENT ON COLUMN app.webhook_deliveries.attempts IS 'How often it was sent';

COMMENT ON COLUMN app.webhook_deliveries.attempts_before IS 'Attempts before it was last asked for again: the limit of attempts counts from there';

COMMENT ON COLUMN app.webhook_deliveries.next_attempt_at IS 'When it is sent again, after an attempt that failed';

COMMENT ON COLUMN app.webhook_deliveries.last_status IS 'Status of HTTP of the last answer; null when there was none';

COMMENT ON COLUMN app.webhook_deliveries.failure_code IS 'Why the last attempt failed, for programs';

COMMENT ON COLUMN app.webhook_deliveries.failure_detail IS 'The same in words';

COMMENT ON COLUMN app.webhook_deliveries.lease_token IS 'Of the worker that sends it';

COMMENT ON COLUMN app.webhook_deliveries.lease_expires_at IS 'From then on another worker may send it';

COMMENT ON COLUMN app.webhook_deliveries.created_at IS 'When the event happened';

COMMENT ON COLUMN app.webhook_deliveries.ended_at IS 'When it was delivered or given up';

CREATE TABLE app.webhook_endpoints (
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    state text DEFAULT 'enabled'::text NOT NULL,
    disabled_reason text,
    failures integer DEFAULT 0 NOT NULL,
    secret_number integer DEFAULT 1 NOT NULL,
    previous_secret_until timestamp with time zone,
    created_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_endpoints_disabled_reason_check CHECK ((((state = 'disabled'::text) = (disabled_reason IS NOT NULL)) AND (disabled_reason = ANY (ARRAY['requested'::text, 'failures'::text, 'gone'::text])))),
    CONSTRAINT webhook_endpoints_events_check CHECK (((cardinality(events) > 0) AND (events <@ ARRAY['document.ready'::text, 'document.failed'::text, 'source.synced'::text]))),
    CONSTRAINT webhook_endpoints_failures_check CHECK ((failures >= 0)),
    CONSTRAINT webhook_endpoints_secret_number_check CHECK ((secret_number >= 1)),
    CONSTRAINT webhook_endpoints_state_check CHECK ((state = ANY (ARRAY['enabled'::text, 'disabled'::text]))),
    CONSTRAINT webhook_endpoints_url_check CHECK (((length(url) >= 1) AND (length(url) <= 8192)))
);

ALTER TABLE ONLY app.webhook_endpoints FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE app.webhook_endpoints IS 'Addresses that are told of events';

COMMENT ON COLUMN app.webhook_endpoints.tenant_id IS 'Tenant';

COMMENT ON COLUMN app.webhook_endpoints.webhook_id IS 'UUIDv7';

COMMENT ON COLUMN app.webhook_endpoints.url IS 'Where events are sent';

COMMENT ON COLUMN app.webhook_endpoints.events IS 'Names of the events that are sent: document.ready, document.failed, source.synced';

COMMENT ON COLUMN app.webhook_endpoints.state IS 'enabled or disabled';

COMMENT ON COLUMN app.webhook_endpoints.disabled_reason IS 'requested: by an admin; failures: too many deliveries in a row were given up; gone: the receiver answered 410';

COMMENT ON COLUMN app.webhook_endpoints.failures IS 'Deliveries that were given up in a row';

COMMENT ON COLUMN app.webhook_endpoints.secret_number IS 'Which secret signs, from 1: the secret itself is derived from that of the installation and stored nowhere';

COMMENT ON COLUMN app.webhook_endpoints.previous_secret_until IS 'Until then the secret before signs too; null when none does';

COMMENT ON COLUMN app.webhook_endpoints.created_by IS 'Key or person that made it';

COMMENT ON COLUMN app.webhook_endpoints.created_at IS 'When it was made';

COMMENT ON COLUMN app.webhook_endpoints.updated_at IS 'When it was last changed by somebody';

ALTER TABLE ONLY app.chunk_terms ATTACH PARTITION app.chunk_terms_p00 FOR VALUES WITH (modulus 16, remainder 0);

ALTER TABLE ONLY app.chunk_windows ATTACH PARTITION app.chunk_windows_p00 FOR VALUES WITH (modulus 16, remainder 0);

ALTER TABLE ONLY app.chunks ATTACH PARTITION app.chunks_p00 FOR VALUES WITH (modulus 16, remainder 0);

ALTER TABLE ONLY app.citations ATTACH PARTITION app.citations_default DEFAULT;

ALTER TABLE ONLY app.feedback ATTACH PARTITION app.feedback_default DEFAULT;

ALTER TABLE ONLY app.messages ATTACH PARTITION app.messages_default DEFAULT;

ALTER TABLE ONLY app.quota_reservations ATTACH PARTITION app.quota_reservations_default DEFAULT;

ALTER TABLE ONLY app.reembedded_windows ATTACH PARTITION app.reembedded_windows_p00 FOR VALUES WITH (modulus 16, remainder 0);

ALTER TABLE ONLY app.retrievals ATTACH PARTITION app.retrievals_default DEFAULT;

ALTER TABLE ONLY app.run_events ATTACH PARTITION app.run_events_default DEFAULT;

ALTER TABLE ONLY app.run_traces ATTACH PARTITION app.run_traces_default DEFAULT;

ALTER TABLE ONLY app.runs ATTACH PARTITION app.runs_default DEFAULT;

ALTER TABLE ONLY app.analyst_logins
    ADD CONSTRAINT analyst_logins_pkey PRIMARY KEY (login);

ALTER TABLE ONLY app.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, api_key_id);

ALTER TABLE ONLY app.assistant_versions
    ADD CONSTRAINT assistant_versions_pkey PRIMARY KEY (tenant_id, assistant_id, number);

ALTER TABLE ONLY app.assistants
    ADD CONSTRAINT assistants_pkey PRIMARY KEY (tenant_id, assistant_id);

ALTER TABLE ONLY app.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (tenant_id, sequence);

ALTER TABLE ONLY app.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY app.browser_sessions
    ADD CONSTRAINT browser_sessions_pkey PRIMARY KEY (tenant_id, browser_session_id);

ALTER TABLE ONLY app.chunk_terms
    ADD CONSTRAINT chunk_terms_pkey PRIMARY KEY (tenant_id, term, version_id);

ALTER TABLE ONLY app.chunk_terms_p00
    ADD CONSTRAINT chunk_terms_p00_pkey PRIMARY KEY (tenant_id, term, version_id);

ALTER TABLE ONLY app.chunk_windows
    ADD CONSTRAINT chunk_windows_pkey PRIMARY KEY (tenant_id, chunk_id, number);

ALTER TABLE ONLY app.chunk_windows_p00
    ADD CONSTRAINT chunk_windows_p00_pkey PRIMARY KEY (tenant_id, chunk_id, number);

ALTER TABLE ONLY app.chunks
    ADD CONSTRAINT chunks_ordinal_key UNIQUE (tenant_id, version_id, ordinal);

ALTER TABLE ONLY app.chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (tenant_id, chunk_id);

ALTER TABLE ONLY app.chunks_p00
    ADD CONSTRAINT chunks_p00_pkey PRIMARY KEY (tenant_id, chunk_id);

ALTER TABLE ONLY app.chunks_p00
    ADD CONSTRAINT chunks_p00_tenant_id_version_id_ordinal_key UNIQUE (tenant_id, version_id, ordinal);

ALTER TABLE ONLY app.citations
    ADD CONSTRAINT citations_pkey PRIMARY KEY (tenant_id, message_id, number);

ALTER TABLE ONLY app.citations_default
    ADD CONSTRAINT citations_default_pkey PRIMARY KEY (tenant_id, message_id, number);

ALTER TABLE ONLY app.collection_groups
    ADD CONSTRAINT collection_groups_pkey PRIMARY KEY (tenant_id, collection_id, group_id);

ALTER TABLE ONLY app.collections
    ADD CONSTRAINT collections_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY app.collections
    ADD CONSTRAINT collections_pkey PRIMARY KEY (tenant_id, collection_id);

ALTER TABLE ONLY app.collections
    ADD CONSTRAINT collections_session_id_key UNIQUE (tenant_id, session_id);

ALTER TABLE ONLY app.document_texts
    ADD CONSTRAINT document_texts_pkey PRIMARY KEY (tenant_id, version_id);

ALTER TABLE ONLY app.document_versions
    ADD CONSTRAINT document_versions_number_key UNIQUE (tenant_id, document_id, number);

ALTER TABLE ONLY app.document_versions
    ADD CONSTRAINT document_versions_pkey PRIMARY KEY (tenant_id, version_id);

ALTER TABLE ONLY app.documents
    ADD CONSTRAINT documents_name_key UNIQUE (tenant_id, collection_id, name);

ALTER TABLE ONLY app.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (tenant_id, document_id);

ALTER TABLE ONLY app.dump_files
    ADD CONSTRAINT dump_files_pkey PRIMARY KEY (tenant_id, files_id);

ALTER TABLE ONLY app.dumps
    ADD CONSTRAINT dumps_pkey PRIMARY KEY (tenant_id, dump_id);

ALTER TABLE ONLY app.embedding_space
    ADD CONSTRAINT embedding_space_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY app.enrichment_usage
    ADD CONSTRAINT enrichment_usage_pkey PRIMARY KEY (tenant_id, collection_id, month);

ALTER TABLE ONLY app.enrichments
    ADD CONSTRAINT enrichments_pkey PRIMARY KEY (tenant_id, document_id);

ALTER TABLE ONLY app.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (tenant_id, message_id, feedback_id);

ALTER TABLE ONLY app.feedback_default
    ADD CONSTRAINT feedback_default_pkey PRIMARY KEY (tenant_id, message_id, feedback_id);

ALTER TABLE ONLY app.feedback
    ADD CONSTRAINT feedback_given_by_key UNIQUE NULLS NOT DISTINCT (tenant_id, message_id, citation_number, given_by);

ALTER TABLE ONLY app.feedback_default
    ADD CONSTRAINT feedback_default_tenant_id_message_id_citation_number_given_key UNIQUE NULLS NOT DISTINCT (tenant_id, message_id, citation_number, given_by);

ALTER TABLE ONLY app.group_members
    ADD CONSTRAINT group_members_pkey PRIMARY KEY (tenant_id, group_id, member_id);

ALTER TABLE ONLY app.groups
    ADD CONSTRAINT groups_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY app.groups
    ADD CONSTRAINT groups_pkey PRIMARY KEY (tenant_id, group_id);

ALTER TABLE ONLY app.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, principal_id, key);

ALTER TABLE ONLY app.ingestion_attempts
    ADD CONSTRAINT ingestion_attempts_pkey PRIMARY KEY (tenant_id, version_id, number);

ALTER TABLE ONLY app.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, invitation_id);

ALTER TABLE ONLY app.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY app.local_accounts
    ADD CONSTRAINT local_accounts_login_name_key UNIQUE (tenant_id, login_name);

ALTER TABLE ONLY app.local_accounts
    ADD CONSTRAINT local_accounts_pkey PRIMARY KEY (tenant_id, member_id);

ALTER TABLE ONLY app.members
    ADD CONSTRAINT members_identity_key UNIQUE (tenant_id, identity_sha256);

ALTER TABLE ONLY app.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (tenant_id, member_id);

ALTER TABLE ONLY app.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (tenant_id, message_id);

ALTER TABLE ONLY app.messages_default
    ADD CONSTRAINT messages_default_pkey PRIMARY KEY (tenant_id, message_id);

ALTER TABLE ONLY app.model_prices
    ADD CONSTRAINT model_prices_pkey PRIMARY KEY (provider, model, valid_from);

ALTER TABLE ONLY app.models
    ADD CONSTRAINT models_pkey PRIMARY KEY (provider, model);

ALTER TABLE ONLY app.operator_idempotency_keys
    ADD CONSTRAINT operator_idempotency_keys_pkey PRIMARY KEY (operator_key_id, key);

ALTER TABLE ONLY app.operator_keys
    ADD CONSTRAINT operator_keys_pkey PRIMARY KEY (operator_key_id);

ALTER TABLE ONLY app.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (message_id);

ALTER TABLE ONLY app.passage_contexts
    ADD CONSTRAINT passage_contexts_pkey PRIMARY KEY (tenant_id, document_id, passage_sha256);

ALTER TABLE ONLY app.pending_logins
    ADD CONSTRAINT pending_logins_pkey PRIMARY KEY (pending_login_id);

ALTER TABLE ONLY app.pending_logins
    ADD CONSTRAINT pending_logins_state_sha256_key UNIQUE (state_sha256);

ALTER TABLE ONLY app.pending_originals
    ADD CONSTRAINT pending_originals_pkey PRIMARY KEY (tenant_id, version_id);

ALTER TABLE ONLY app.quota_counters
    ADD CONSTRAINT quota_counters_pkey PRIMARY KEY (tenant_id, subject, subject_id, period);

ALTER TABLE ONLY app.quota_reservations
    ADD CONSTRAINT quota_reservations_pkey PRIMARY KEY (tenant_id, run_id);

ALTER TABLE ONLY app.quota_reservations_default
    ADD CONSTRAINT quota_reservations_default_pkey PRIMARY KEY (tenant_id, run_id);

ALTER TABLE ONLY app.quotas
    ADD CONSTRAINT quotas_pkey PRIMARY KEY (tenant_id, quota_id);

ALTER TABLE ONLY app.quotas
    ADD CONSTRAINT quotas_subject_key UNIQUE (tenant_id, subject, subject_id, measure, period, set_by);

ALTER TABLE ONLY app.reembedded_windows
    ADD CONSTRAINT reembedded_windows_pkey PRIMARY KEY (tenant_id, chunk_id, embedding_model, number);

ALTER TABLE ONLY app.reembedded_windows_p00
    ADD CONSTRAINT reembedded_windows_p00_pkey PRIMARY KEY (tenant_id, chunk_id, embedding_model, number);

ALTER TABLE ONLY app.reembeddings
    ADD CONSTRAINT reembeddings_pkey PRIMARY KEY (tenant_id, reembedding_id);

ALTER TABLE ONLY app.restores
    ADD CONSTRAINT restores_pkey PRIMARY KEY (tenant_id, restore_id);

ALTER TABLE ONLY app.retrievals
    ADD CONSTRAINT retrievals_pkey PRIMARY KEY (tenant_id, run_id, rank);

ALTER TABLE ONLY app.retrievals_default
    ADD CONSTRAINT retrievals_default_pkey PRIMARY KEY (tenant_id, run_id, rank);

ALTER TABLE ONLY app.run_events
    ADD CONSTRAINT run_events_pkey PRIMARY KEY (tenant_id, run_id, first_number);

ALTER TABLE ONLY app.run_events_default
    ADD CONSTRAINT run_events_default_pkey PRIMARY KEY (tenant_id, run_id, first_number);

ALTER TABLE ONLY app.run_leases
    ADD CONSTRAINT run_leases_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY app.run_leases
    ADD CONSTRAINT run_leases_session_id_key UNIQUE (for_tenant, session_id);

ALTER TABLE ONLY app.run_traces
    ADD CONSTRAINT run_traces_pkey PRIMARY KEY (tenant_id, run_id);

ALTER TABLE ONLY app.run_traces_default
    ADD CONSTRAINT run_traces_default_pkey PRIMARY KEY (tenant_id, run_id);

ALTER TABLE app.run_traces
    ADD CONSTRAINT run_traces_unread_attachments_check CHECK ((jsonb_typeof(unread_attachments) = 'array'::text)) NOT VALID;

ALTER TABLE ONLY app.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (tenant_id, run_id);

ALTER TABLE ONLY app.runs_default
    ADD CONSTRAINT runs_default_pkey PRIMARY KEY (tenant_id, run_id);

ALTER TABLE ONLY app.sealed_collections
    ADD CONSTRAINT sealed_collections_pkey PRIMARY KEY (tenant_id, collection_id);

ALTER TABLE ONLY app.session_summaries
    ADD CONSTRAINT session_summaries_pkey PRIMARY KEY (tenant_id, session_id);

ALTER TABLE ONLY app.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, session_id);

ALTER TABLE ONLY app.source_items
    ADD CONSTRAINT source_items_pkey PRIMARY KEY (tenant_id, source_id, url);

ALTER TABLE ONLY app.source_pages
    ADD CONSTRAINT source_pages_pkey PRIMARY KEY (tenant_id, run_id, "position");

ALTER TABLE ONLY app.source_pages
    ADD CONSTRAINT source_pages_url_key UNIQUE (tenant_id, run_id, url);

ALTER TABLE ONLY app.source_runs
    ADD CONSTRAINT source_runs_pkey PRIMARY KEY (tenant_id, run_id);

ALTER TABLE ONLY app.sources
    ADD CONSTRAINT sources_pkey PRIMARY KEY (tenant_id, source_id);

ALTER TABLE ONLY app.tenant_buckets
    ADD CONSTRAINT tenant_buckets_pkey PRIMARY KEY (tenant_id, bucket, prefix);

ALTER TABLE ONLY app.tenant_directory
    ADD CONSTRAINT tenant_directory_pkey PRIMARY KEY (id);

ALTER TABLE ONLY app.tenant_directory
    ADD CONSTRAINT tenant_directory_slug_key UNIQUE (slug);

ALTER TABLE ONLY app.tenant_flags
    ADD CONSTRAINT tenant_flags_pkey PRIMARY KEY (tenant_id, flag);

ALTER TABLE ONLY app.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY app.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (tenant_id, upload_id);

ALTER TABLE ONLY app.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, delivery_id);

ALTER TABLE ONLY app.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (tenant_id, webhook_id);

CREATE INDEX api_keys_allowed_origins_idx ON app.api_keys USING gin (allowed_origins);

CREATE UNIQUE INDEX assistants_name_idx ON app.assistants USING btree (tenant_id, name) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX assistants_tenant_id_idx ON app.assistants USING btree (tenant_id) WHERE is_default;

CREATE INDEX audit_events_target_id_actor_id_occurred_at_idx ON app.audit_events USING btree (tenant_id, target_id, actor_id, occurred_at) WHERE (action = 'conversation.read'::text);

CREATE INDEX browser_sessions_member_id_idx ON app.browser_sessions USING btree (tenant_id, member_id);

CREATE INDEX chunk_terms_version_id_idx ON ONLY app.chunk_terms USING btree (tenant_id, version_id);

CREATE INDEX chunk_terms_p00_tenant_id_version_id_idx ON app.chunk_terms_p00 USING btree (tenant_id, version_id);

CREATE INDEX chunk_windows_collection_id_idx ON ONLY app.chunk_windows USING btree (tenant_id, collection_id);

CREATE INDEX chunk_windows_p00_tenant_id_collection_id_idx ON app.chunk_windows_p00 USING btree (tenant_id, collection_id);

CREATE INDEX chunks_embedded_sha256_idx ON ONLY app.chunks USING btree (tenant_id, embedding_model, embedded_sha256);

CREATE INDEX chunks_p00_tenant_id_embedding_model_embedded_sha256_idx ON app.chunks_p00 USING btree (tenant_id, embedding_model, embedded_sha256);

CREATE INDEX citations_citation_id_idx ON ONLY app.citations USING btree (tenant_id, citation_id);

CREATE INDEX citations_default_tenant_id_citation_id_idx ON app.citations_default USING btree (tenant_id, citation_id);

CREATE INDEX citations_document_id_idx ON ONLY app.citations USING btree (tenant_id, document_id);

CREATE INDEX citations_default_tenant_id_document_id_idx ON app.citations_default USING btree (tenant_id, document_id);

CREATE INDEX collection_groups_group_id_idx ON app.collection_groups USING btree (tenant_id, group_id);

CREATE INDEX collections_collection_id_idx ON app.collections USING btree (tenant_id, collection_id) WHERE (name IS NULL);

CREATE INDEX document_versions_original_version_id_idx ON app.document_versions USING btree (tenant_id, original_version_id) WHERE (original_version_id IS NOT NULL);

CREATE INDEX document_versions_state_idx ON app.document_versions USING btree (tenant_id, state, version_id);

CREATE INDEX documents_collection_id_idx ON app.documents USING btree (tenant_id, collection_id, document_id);

CREATE INDEX dumps_collection_id_dump_id_idx ON app.dumps USING btree (tenant_id, collection_id, dump_id);

CREATE UNIQUE INDEX dumps_collection_id_idx ON app.dumps USING btree (tenant_id, collection_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

CREATE INDEX enrichments_collection_id_due_at_idx ON app.enrichments USING btree (tenant_id, collection_id, due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text]));

CREATE INDEX feedback_feedback_id_idx ON ONLY app.feedback USING btree (tenant_id, feedback_id);

CREATE INDEX feedback_default_tenant_id_feedback_id_idx ON app.feedback_default USING btree (tenant_id, feedback_id);

CREATE INDEX group_members_member_id_idx ON app.group_members USING btree (tenant_id, member_id);

CREATE INDEX idempotency_keys_expires_at_idx ON app.idempotency_keys USING btree (tenant_id, expires_at);

CREATE INDEX jobs_dead_at_idx ON app.jobs USING btree (dead_at, job_id) WHERE (dead_at IS NOT NULL);

CREATE INDEX jobs_for_tenant_idx ON app.jobs USING btree (for_tenant, visible_at, job_id) WHERE (dead_at IS NULL);

CREATE INDEX members_identity_idx ON app.members USING btree (identity_sha256);

CREATE INDEX messages_session_id_idx ON ONLY app.messages USING btree (tenant_id, session_id, message_id);

CREATE INDEX messages_default_tenant_id_session_id_message_id_idx ON app.messages_default USING btree (tenant_id, session_id, message_id);

CREATE INDEX operator_idempotency_keys_expires_at_idx ON app.operator_idempotency_keys USING btree (expires_at);

CREATE INDEX outbox_due_at_idx ON app.outbox USING btree (for_tenant, due_at, message_id) WHERE (handed_at IS NULL);

CREATE INDEX outbox_for_tenant_idx ON app.outbox USING btree (for_tenant, lost_at) WHERE (handed_at IS NOT NULL);

CREATE INDEX outbox_lost_at_idx ON app.outbox USING btree (lost_at) WHERE (handed_at IS NOT NULL);

CREATE INDEX outbox_subject_id_idx ON app.outbox USING btree (for_tenant, subject_id);

CREATE INDEX pending_logins_browser_sha256_idx ON app.pending_logins USING btree (browser_sha256);

CREATE INDEX pending_logins_expires_at_idx ON app.pending_logins USING btree (expires_at);

CREATE INDEX quota_reservations_run_id_idx ON ONLY app.quota_reservations USING btree (tenant_id, run_id) WHERE (settled_at IS NULL);

CREATE INDEX quota_reservations_default_tenant_id_run_id_idx ON app.quota_reservations_default USING btree (tenant_id, run_id) WHERE (settled_at IS NULL);

CREATE INDEX reembedded_windows_collection_id_embedding_model_idx ON ONLY app.reembedded_windows USING btree (tenant_id, collection_id, embedding_model);

CREATE INDEX reembedded_windows_p00_tenant_id_collection_id_embedding_mo_idx ON app.reembedded_windows_p00 USING btree (tenant_id, collection_id, embedding_model);

CREATE UNIQUE INDEX reembeddings_collection_id_idx ON app.reembeddings USING btree (tenant_id, collection_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'ready'::text, 'switched'::text]));

CREATE INDEX reembeddings_collection_id_reembedding_id_idx ON app.reembeddings USING btree (tenant_id, collection_id, reembedding_id);

CREATE INDEX reembeddings_drop_at_idx ON app.reembeddings USING btree (tenant_id, drop_at) WHERE (drop_at IS NOT NULL);

CREATE INDEX reembeddings_finished_at_idx ON app.reembeddings USING btree (tenant_id, finished_at) WHERE (state = 'completed'::text);

CREATE INDEX reembeddings_touched_at_idx ON app.reembeddings USING btree (tenant_id, touched_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'ready'::text, 'switched'::text]));

CREATE UNIQUE INDEX restores_collection_id_idx ON app.restores USING btree (tenant_id, collection_id);

CREATE INDEX restores_dump_id_idx ON app.restores USING btree (tenant_id, dump_id);

CREATE INDEX runs_session_id_idx ON ONLY app.runs USING btree (tenant_id, session_id, run_id);

CREATE INDEX runs_default_tenant_id_session_id_run_id_idx ON app.runs_default USING btree (tenant_id, session_id, run_id);

CREATE INDEX source_items_document_id_idx ON app.source_items USING btree (tenant_id, document_id);

CREATE INDEX source_items_last_run_id_idx ON app.source_items USING btree (tenant_id, source_id, last_run_id);

CREATE INDEX source_pages_leads_to_idx ON app.source_pages USING btree (tenant_id, run_id, leads_to) WHERE (leads_to IS NOT NULL);

CREATE INDEX source_pages_role_depth_position_idx ON app.source_pages USING btree (tenant_id, run_id, role DESC, depth, "position") WHERE (state = 'waiting'::text);

CREATE UNIQUE INDEX source_runs_source_id_idx ON app.source_runs USING btree (tenant_id, source_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

CREATE INDEX source_runs_source_id_run_id_idx ON app.source_runs USING btree (tenant_id, source_id, run_id);

CREATE INDEX sources_collection_id_idx ON app.sources USING btree (tenant_id, collection_id);

CREATE INDEX sources_next_run_at_idx ON app.sources USING btree (tenant_id, next_run_at) WHERE (next_run_at IS NOT NULL);

CREATE INDEX tenants_allowed_origins_idx ON app.tenants USING gin (allowed_origins);

CREATE INDEX uploads_expires_at_idx ON app.uploads USING btree (tenant_id, expires_at);

CREATE INDEX webhook_deliveries_delivery_id_idx ON app.webhook_deliveries USING btree (tenant_id, delivery_id) WHERE (state = 'pending'::text);

CREATE INDEX webhook_deliveries_ended_at_idx ON app.webhook_deliveries USING btree (tenant_id, ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX webhook_deliveries_webhook_id_idx ON app.webhook_deliveries USING btree (tenant_id, webhook_id, delivery_id);

ALTER INDEX app.chunk_terms_pkey ATTACH PARTITION app.chunk_terms_p00_pkey;

ALTER INDEX app.chunk_terms_version_id_idx ATTACH PARTITION app.chunk_terms_p00_tenant_id_version_id_idx;

ALTER INDEX app.chunk_windows_pkey ATTACH PARTITION app.chunk_windows_p00_pkey;

ALTER INDEX app.chunk_windows_collection_id_idx ATTACH PARTITION app.chunk_windows_p00_tenant_id_collection_id_idx;

ALTER INDEX app.chunks_pkey ATTACH PARTITION app.chunks_p00_pkey;

ALTER INDEX app.chunks_embedded_sha256_idx ATTACH PARTITION app.chunks_p00_tenant_id_embedding_model_embedded_sha256_idx;

ALTER INDEX app.chunks_ordinal_key ATTACH PARTITION app.chunks_p00_tenant_id_version_id_ordinal_key;

ALTER INDEX app.citations_pkey ATTACH PARTITION app.citations_default_pkey;

ALTER INDEX app.citations_citation_id_idx ATTACH PARTITION app.citations_default_tenant_id_citation_id_idx;

ALTER INDEX app.citations_document_id_idx ATTACH PARTITION app.citations_default_tenant_id_document_id_idx;

ALTER INDEX app.feedback_pkey ATTACH PARTITION app.feedback_default_pkey;

ALTER INDEX app.feedback_feedback_id_idx ATTACH PARTITION app.feedback_default_tenant_id_feedback_id_idx;

ALTER INDEX app.feedback_given_by_key ATTACH PARTITION app.feedback_default_tenant_id_message_id_citation_number_given_key;

ALTER INDEX app.messages_pkey ATTACH PARTITION app.messages_default_pkey;

ALTER INDEX app.messages_session_id_idx ATTACH PARTITION app.messages_default_tenant_id_session_id_message_id_idx;

ALTER INDEX app.quota_reservations_pkey ATTACH PARTITION app.quota_reservations_default_pkey;

ALTER INDEX app.quota_reservations_run_id_idx ATTACH PARTITION app.quota_reservations_default_tenant_id_run_id_idx;

ALTER INDEX app.reembedded_windows_pkey ATTACH PARTITION app.reembedded_windows_p00_pkey;

ALTER INDEX app.reembedded_windows_collection_id_embedding_model_idx ATTACH PARTITION app.reembedded_windows_p00_tenant_id_collection_id_embedding_mo_idx;

ALTER INDEX app.retrievals_pkey ATTACH PARTITION app.retrievals_default_pkey;

ALTER INDEX app.run_events_pkey ATTACH PARTITION app.run_events_default_pkey;

ALTER INDEX app.run_traces_pkey ATTACH PARTITION app.run_traces_default_pkey;

ALTER INDEX app.runs_pkey ATTACH PARTITION app.runs_default_pkey;

ALTER INDEX app.runs_session_id_idx ATTACH PARTITION app.runs_default_tenant_id_session_id_run_id_idx;

CREATE TRIGGER make_default_assistant AFTER INSERT ON app.tenants FOR EACH ROW EXECUTE FUNCTION app.make_default_assistant();

ALTER TABLE ONLY app.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.assistant_versions
    ADD CONSTRAINT assistant_versions_assistant_id_fkey FOREIGN KEY (tenant_id, assistant_id) REFERENCES app.assistants(tenant_id, assistant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.assistants
    ADD CONSTRAINT assistants_published_version_fkey FOREIGN KEY (tenant_id, assistant_id, published_version) REFERENCES app.assistant_versions(tenant_id, assistant_id, number);

ALTER TABLE ONLY app.assistants
    ADD CONSTRAINT assistants_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.audit_events
    ADD CONSTRAINT audit_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id);

ALTER TABLE ONLY app.audit_heads
    ADD CONSTRAINT audit_heads_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id);

ALTER TABLE ONLY app.browser_sessions
    ADD CONSTRAINT browser_sessions_member_id_fkey FOREIGN KEY (tenant_id, member_id) REFERENCES app.members(tenant_id, member_id) ON DELETE CASCADE;

ALTER TABLE app.chunk_terms
    ADD CONSTRAINT chunk_terms_version_id_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_versions(tenant_id, version_id) ON DELETE CASCADE;

ALTER TABLE app.chunk_windows
    ADD CONSTRAINT chunk_windows_chunk_id_fkey FOREIGN KEY (tenant_id, chunk_id) REFERENCES app.chunks(tenant_id, chunk_id) ON DELETE CASCADE;

ALTER TABLE app.chunks
    ADD CONSTRAINT chunks_version_id_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_versions(tenant_id, version_id) ON DELETE CASCADE;

ALTER TABLE app.citations
    ADD CONSTRAINT citations_message_id_fkey FOREIGN KEY (tenant_id, message_id) REFERENCES app.messages(tenant_id, message_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.collection_groups
    ADD CONSTRAINT collection_groups_collection_id_fkey FOREIGN KEY (tenant_id, collection_id) REFERENCES app.collections(tenant_id, collection_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.collection_groups
    ADD CONSTRAINT collection_groups_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES app.groups(tenant_id, group_id) ON DELETE RESTRICT;

ALTER TABLE ONLY app.collections
    ADD CONSTRAINT collections_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES app.sessions(tenant_id, session_id) ON DELETE SET NULL (session_id);

ALTER TABLE ONLY app.collections
    ADD CONSTRAINT collections_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.document_texts
    ADD CONSTRAINT document_texts_version_id_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_versions(tenant_id, version_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.document_versions
    ADD CONSTRAINT document_versions_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES app.documents(tenant_id, document_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.document_versions
    ADD CONSTRAINT document_versions_original_version_id_fkey FOREIGN KEY (tenant_id, original_version_id) REFERENCES app.document_versions(tenant_id, version_id);

ALTER TABLE ONLY app.documents
    ADD CONSTRAINT documents_active_version_id_fkey FOREIGN KEY (tenant_id, active_version_id) REFERENCES app.document_versions(tenant_id, version_id);

ALTER TABLE ONLY app.documents
    ADD CONSTRAINT documents_collection_id_fkey FOREIGN KEY (tenant_id, collection_id) REFERENCES app.collections(tenant_id, collection_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.dump_files
    ADD CONSTRAINT dump_files_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.dumps
    ADD CONSTRAINT dumps_collection_id_fkey FOREIGN KEY (tenant_id, collection_id) REFERENCES app.collections(tenant_id, collection_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.enrichment_usage
    ADD CONSTRAINT enrichment_usage_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.enrichments
    ADD CONSTRAINT enrichments_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES app.documents(tenant_id, document_id) ON DELETE CASCADE;

ALTER TABLE app.feedback
    ADD CONSTRAINT feedback_citation_number_fkey FOREIGN KEY (tenant_id, message_id, citation_number) REFERENCES app.citations(tenant_id, message_id, number) ON DELETE CASCADE;

ALTER TABLE app.feedback
    ADD CONSTRAINT feedback_message_id_fkey FOREIGN KEY (tenant_id, message_id) REFERENCES app.messages(tenant_id, message_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.group_members
    ADD CONSTRAINT group_members_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES app.groups(tenant_id, group_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.group_members
    ADD CONSTRAINT group_members_member_id_fkey FOREIGN KEY (tenant_id, member_id) REFERENCES app.members(tenant_id, member_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.groups
    ADD CONSTRAINT groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.idempotency_keys
    ADD CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id);

ALTER TABLE ONLY app.ingestion_attempts
    ADD CONSTRAINT ingestion_attempts_version_id_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES app.document_versions(tenant_id, version_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.invitations
    ADD CONSTRAINT invitations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.local_accounts
    ADD CONSTRAINT local_accounts_member_id_fkey FOREIGN KEY (tenant_id, member_id) REFERENCES app.members(tenant_id, member_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.members
    ADD CONSTRAINT members_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE app.messages
    ADD CONSTRAINT messages_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES app.sessions(tenant_id, session_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.model_prices
    ADD CONSTRAINT model_prices_provider_model_fkey FOREIGN KEY (provider, model) REFERENCES app.models(provider, model) ON DELETE CASCADE;

ALTER TABLE ONLY app.operator_idempotency_keys
    ADD CONSTRAINT operator_idempotency_keys_operator_key_id_fkey FOREIGN KEY (operator_key_id) REFERENCES app.operator_keys(operator_key_id);

ALTER TABLE ONLY app.passage_contexts
    ADD CONSTRAINT passage_contexts_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES app.documents(tenant_id, document_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.pending_originals
    ADD CONSTRAINT pending_originals_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.quotas
    ADD CONSTRAINT quotas_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE app.reembedded_windows
    ADD CONSTRAINT reembedded_windows_chunk_id_fkey FOREIGN KEY (tenant_id, chunk_id) REFERENCES app.chunks(tenant_id, chunk_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.reembeddings
    ADD CONSTRAINT reembeddings_collection_id_fkey FOREIGN KEY (tenant_id, collection_id) REFERENCES app.collections(tenant_id, collection_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.restores
    ADD CONSTRAINT restores_collection_id_fkey FOREIGN KEY (tenant_id, collection_id) REFERENCES app.collections(tenant_id, collection_id) ON DELETE CASCADE;

ALTER TABLE app.retrievals
    ADD CONSTRAINT retrievals_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES app.runs(tenant_id, run_id) ON DELETE CASCADE;

ALTER TABLE app.run_events
    ADD CONSTRAINT run_events_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES app.runs(tenant_id, run_id) ON DELETE CASCADE;

ALTER TABLE app.run_traces
    ADD CONSTRAINT run_traces_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES app.runs(tenant_id, run_id) ON DELETE CASCADE;

ALTER TABLE app.runs
    ADD CONSTRAINT runs_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES app.sessions(tenant_id, session_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.sealed_collections
    ADD CONSTRAINT sealed_collections_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.session_summaries
    ADD CONSTRAINT session_summaries_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES app.sessions(tenant_id, session_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.sessions
    ADD CONSTRAINT sessions_assistant_id_fkey FOREIGN KEY (tenant_id, assistant_id) REFERENCES app.assistants(tenant_id, assistant_id);

ALTER TABLE ONLY app.sessions
    ADD CONSTRAINT sessions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.source_items
    ADD CONSTRAINT source_items_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES app.documents(tenant_id, document_id) ON DELETE SET NULL (document_id);

ALTER TABLE ONLY app.source_items
    ADD CONSTRAINT source_items_source_id_fkey FOREIGN KEY (tenant_id, source_id) REFERENCES app.sources(tenant_id, source_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.source_pages
    ADD CONSTRAINT source_pages_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES app.source_runs(tenant_id, run_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.source_runs
    ADD CONSTRAINT source_runs_source_id_fkey FOREIGN KEY (tenant_id, source_id) REFERENCES app.sources(tenant_id, source_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.sources
    ADD CONSTRAINT sources_collection_id_fkey FOREIGN KEY (tenant_id, collection_id) REFERENCES app.collections(tenant_id, collection_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.tenant_buckets
    ADD CONSTRAINT tenant_buckets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.tenant_flags
    ADD CONSTRAINT tenant_flags_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.uploads
    ADD CONSTRAINT uploads_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_webhook_id_fkey FOREIGN KEY (tenant_id, webhook_id) REFERENCES app.webhook_endpoints(tenant_id, webhook_id) ON DELETE CASCADE;

ALTER TABLE ONLY app.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES app.tenants(tenant_id) ON DELETE CASCADE;

CREATE POLICY analyst ON app.assistant_versions FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.assistants FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.citations FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.collections FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.document_versions FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.documents FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.enrichment_usage FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.enrichments FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.feedback FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.messages FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.quota_reservations FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.retrievals FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.run_traces FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.runs FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.sessions FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.source_runs FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

CREATE POLICY analyst ON app.sources FOR SELECT TO pidima_analyst USING ((tenant_id = ( SELECT app.analyst_tid() AS analyst_tid)));

ALTER TABLE app.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.assistant_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.assistants ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.audit_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.audit_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.browser_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.chunk_terms ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.chunk_terms_p00 ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.chunk_windows ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.chunk_windows_p00 ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.chunks ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.chunks_p00 ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.citations ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.citations_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.collection_groups ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.collections ENABLE ROW LEVEL SECURITY;

CREATE POLICY directory ON app.api_keys FOR SELECT TO pidima_owner USING (true);

CREATE POLICY directory ON app.members FOR SELECT TO pidima_owner USING (true);

CREATE POLICY directory ON app.tenants FOR SELECT TO pidima_owner USING (true);

ALTER TABLE app.document_texts ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.document_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.documents ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.dump_files ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.dumps ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.enrichment_usage ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.enrichments ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.feedback ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.feedback_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.group_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.groups ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.ingestion_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.invitations ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.local_accounts ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.members ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.messages_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.passage_contexts ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.pending_originals ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.quota_counters ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.quota_reservations ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.quota_reservations_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.quotas ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.reembedded_windows ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.reembedded_windows_p00 ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.reembeddings ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.restores ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.retrievals ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.retrievals_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.run_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.run_events_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.run_traces ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.run_traces_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.runs_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.sealed_collections ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.session_summaries ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.source_items ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.source_pages ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.source_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.sources ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON app.api_keys TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.assistant_versions TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.assistants TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.audit_events TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.audit_heads TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.browser_sessions TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.chunk_terms TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.chunk_terms_p00 TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.chunk_windows TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.chunk_windows_p00 TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.chunks TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.chunks_p00 TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.citations TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.citations_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.collection_groups TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.collections TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.document_texts TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.document_versions TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.documents TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.dump_files TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.dumps TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.enrichment_usage TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.enrichments TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.feedback TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.feedback_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.group_members TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.groups TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.idempotency_keys TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.ingestion_attempts TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.invitations TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.local_accounts TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.members TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.messages TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.messages_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.passage_contexts TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.pending_originals TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.quota_counters TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.quota_reservations TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.quota_reservations_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.quotas TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.reembedded_windows TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.reembedded_windows_p00 TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.reembeddings TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.restores TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.retrievals TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.retrievals_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.run_events TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.run_events_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.run_traces TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.run_traces_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.runs TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.runs_default TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.sealed_collections TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.session_summaries TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.sessions TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.source_items TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.source_pages TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.source_runs TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.sources TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.tenant_buckets TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.tenant_flags TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.tenants TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.uploads TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.webhook_deliveries TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

CREATE POLICY tenant ON app.webhook_endpoints TO pidima_app USING ((tenant_id = ( SELECT app.tid() AS tid))) WITH CHECK ((tenant_id = ( SELECT app.tid() AS tid)));

ALTER TABLE app.tenant_buckets ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.tenant_flags ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.uploads ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.webhook_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE app.webhook_endpoints ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA analytics TO pidima_app;
GRANT USAGE ON SCHEMA analytics TO pidima_analyst;

GRANT USAGE ON SCHEMA app TO pidima_app;
GRANT USAGE ON SCHEMA app TO pidima_analyst;

REVOKE ALL ON FUNCTION app.analyst_tid() FROM PUBLIC;
GRANT ALL ON FUNCTION app.analyst_tid() TO pidima_analyst;

REVOKE ALL ON FUNCTION app.cost_micro_usd(p_attempts jsonb, p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION app.cost_micro_usd(p_attempts jsonb, p_at timestamp with time zone) TO pidima_app;

REVOKE ALL ON PROCEDURE app.create_month_partitions(IN p_table regclass, IN p_first date, IN p_months integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.first_uuid_at(p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION app.first_uuid_at(p_at timestamp with time zone) TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.collection_groups TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.group_members TO pidima_app;

GRANT SELECT,INSERT ON TABLE app.sealed_collections TO pidima_app;

REVOKE ALL ON FUNCTION app.hidden_collections(p_tenant uuid, p_member uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.hidden_collections(p_tenant uuid, p_member uuid) TO pidima_app;

REVOKE ALL ON PROCEDURE app.isolate(IN p_table regclass, IN p_rights text) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.make_default_assistant() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.memberships_of(p_identity_sha256 bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.memberships_of(p_identity_sha256 bytea) TO pidima_app;

REVOKE ALL ON PROCEDURE app.open_enrichment_to_analysts() FROM PUBLIC;

REVOKE ALL ON PROCEDURE app.open_to_analysts(IN p_table regclass, IN p_columns text) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.origin_is_known(p_origin text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.origin_is_known(p_origin text) TO pidima_app;

REVOKE ALL ON PROCEDURE app.partition_by_tenant(IN p_table regclass, IN p_partitions integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.sibling_name(p_table regclass, p_suffix text) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.tid() FROM PUBLIC;
GRANT ALL ON FUNCTION app.tid() TO pidima_app;
GRANT ALL ON FUNCTION app.tid() TO pidima_analyst;

GRANT SELECT,INSERT,DELETE ON TABLE app.messages TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.messages TO pidima_analyst;

GRANT SELECT(message_id) ON TABLE app.messages TO pidima_analyst;

GRANT SELECT(session_id) ON TABLE app.messages TO pidima_analyst;

GRANT SELECT(run_id) ON TABLE app.messages TO pidima_analyst;

GRANT SELECT(role) ON TABLE app.messages TO pidima_analyst;

GRANT SELECT(content) ON TABLE app.messages TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.messages TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.runs TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(run_id) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(session_id) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(question_id) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(answer_id) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(state) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(outcome) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(outcome_reason) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(collection_ids) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(standalone_question) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(provider) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(model) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(input_tokens) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(output_tokens) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(cost_micro_usd) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(unknown_markers) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(search_ms) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(first_token_ms) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(total_ms) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(ended_at) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(attempts) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(cached_input_tokens) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(usage_estimated) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(assistant_id) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(assistant_version) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(configuration_sha256) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(prompt_sha256) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(prompt_left_out) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT(filtered) ON TABLE app.runs TO pidima_analyst;

GRANT SELECT ON TABLE analytics.answers TO pidima_app;
GRANT SELECT ON TABLE analytics.answers TO pidima_analyst;

GRANT SELECT,INSERT ON TABLE app.assistant_versions TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.assistant_versions TO pidima_analyst;

GRANT SELECT(assistant_id) ON TABLE app.assistant_versions TO pidima_analyst;

GRANT SELECT(number) ON TABLE app.assistant_versions TO pidima_analyst;

GRANT SELECT(configuration) ON TABLE app.assistant_versions TO pidima_analyst;

GRANT SELECT(published_by) ON TABLE app.assistant_versions TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.assistant_versions TO pidima_analyst;

GRANT SELECT ON TABLE analytics.assistant_versions TO pidima_app;
GRANT SELECT ON TABLE analytics.assistant_versions TO pidima_analyst;

GRANT SELECT,INSERT,UPDATE ON TABLE app.assistants TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(assistant_id) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(name) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(description) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(is_default) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(published_version) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(updated_at) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT(deleted_at) ON TABLE app.assistants TO pidima_analyst;

GRANT SELECT ON TABLE analytics.assistants TO pidima_app;
GRANT SELECT ON TABLE analytics.assistants TO pidima_analyst;

GRANT SELECT,INSERT,DELETE ON TABLE app.citations TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(message_id) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(number) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(citation_id) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(document_id) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(version_id) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(version_number) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(document_title) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(heading_path) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(url) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(char_start) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(char_end) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(quote) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(verified) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT(page) ON TABLE app.citations TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.documents TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(document_id) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(collection_id) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(name) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(title) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(source_url) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(metadata) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(active_version_id) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(latest_version_number) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT(updated_at) ON TABLE app.documents TO pidima_analyst;

GRANT SELECT ON TABLE analytics.citations TO pidima_app;
GRANT SELECT ON TABLE analytics.citations TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.collections TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.collections TO pidima_analyst;

GRANT SELECT(collection_id) ON TABLE app.collections TO pidima_analyst;

GRANT SELECT(name) ON TABLE app.collections TO pidima_analyst;

GRANT SELECT(chunk_count) ON TABLE app.collections TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.document_versions TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(version_id) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(document_id) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(number) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(state) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(failure_code) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(failure_detail) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(media_type) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(size_bytes) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(char_count) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(chunk_count) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(attempts) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT(ready_at) ON TABLE app.document_versions TO pidima_analyst;

GRANT SELECT ON TABLE analytics.documents_by_use TO pidima_app;
GRANT SELECT ON TABLE analytics.documents_by_use TO pidima_analyst;

GRANT SELECT,INSERT,UPDATE ON TABLE app.enrichment_usage TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT(collection_id) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT(month) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT(calls) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT(input_tokens) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT(output_tokens) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT(cached_input_tokens) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT(cost_micro_usd) ON TABLE app.enrichment_usage TO pidima_analyst;

GRANT SELECT ON TABLE analytics.enrichment_by_month TO pidima_app;
GRANT SELECT ON TABLE analytics.enrichment_by_month TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.enrichments TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(document_id) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(version_id) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(collection_id) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(state) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(reason_code) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(passages) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(contexts) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(summary) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(suggested_questions) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT(updated_at) ON TABLE app.enrichments TO pidima_analyst;

GRANT SELECT ON TABLE analytics.enrichments TO pidima_app;
GRANT SELECT ON TABLE analytics.enrichments TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.feedback TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(feedback_id) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(message_id) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(citation_number) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(given_by_kind) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(rating) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(reason) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(comment) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT(updated_at) ON TABLE app.feedback TO pidima_analyst;

GRANT SELECT ON TABLE analytics.feedback TO pidima_app;
GRANT SELECT ON TABLE analytics.feedback TO pidima_analyst;

GRANT SELECT ON TABLE analytics.feedback_by_day TO pidima_app;
GRANT SELECT ON TABLE analytics.feedback_by_day TO pidima_analyst;

GRANT SELECT ON TABLE analytics.filtered_answers TO pidima_app;
GRANT SELECT ON TABLE analytics.filtered_answers TO pidima_analyst;

GRANT SELECT ON TABLE analytics.messages TO pidima_app;
GRANT SELECT ON TABLE analytics.messages TO pidima_analyst;

GRANT SELECT ON TABLE analytics.model_attempts TO pidima_analyst;

GRANT SELECT,INSERT,DELETE ON TABLE app.retrievals TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(run_id) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(rank) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(chunk_id) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(document_id) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(version_id) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(dense_rank) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(similarity) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(lexical_rank) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(lexical_score) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(fused_score) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(used) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(matched_terms) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT(dropped) ON TABLE app.retrievals TO pidima_analyst;

GRANT SELECT ON TABLE analytics.retrievals TO pidima_app;
GRANT SELECT ON TABLE analytics.retrievals TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.sessions TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.sessions TO pidima_analyst;

GRANT SELECT(session_id) ON TABLE app.sessions TO pidima_analyst;

GRANT SELECT(title) ON TABLE app.sessions TO pidima_analyst;

GRANT SELECT(collection_ids) ON TABLE app.sessions TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.sessions TO pidima_analyst;

GRANT SELECT(updated_at) ON TABLE app.sessions TO pidima_analyst;

GRANT SELECT(assistant_id) ON TABLE app.sessions TO pidima_analyst;

GRANT SELECT ON TABLE analytics.sessions TO pidima_app;
GRANT SELECT ON TABLE analytics.sessions TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.source_runs TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(run_id) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(source_id) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(trigger) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(state) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(bytes_read) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(seen) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(new) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(changed) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(unchanged) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(skipped) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(failed) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(deleted) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(reason_code) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(created_at) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(started_at) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT(finished_at) ON TABLE app.source_runs TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.sources TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT(source_id) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT(collection_id) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT(name) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT(kind) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT(state) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT(every_minutes) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT(next_run_at) ON TABLE app.sources TO pidima_analyst;

GRANT SELECT ON TABLE analytics.source_runs TO pidima_app;
GRANT SELECT ON TABLE analytics.source_runs TO pidima_analyst;

GRANT SELECT,INSERT ON TABLE app.run_traces TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(run_id) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(terms) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(searched_chunks) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(dense_candidates) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(lexical_candidates) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(prepare_ms) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(embed_ms) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(dense_ms) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(lexical_ms) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(fuse_ms) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(history_messages) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(prompt_chars) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT(max_output_tokens) ON TABLE app.run_traces TO pidima_analyst;

GRANT SELECT ON TABLE analytics.traces TO pidima_app;
GRANT SELECT ON TABLE analytics.traces TO pidima_analyst;

GRANT SELECT ON TABLE analytics.unanswered_questions TO pidima_app;
GRANT SELECT ON TABLE analytics.unanswered_questions TO pidima_analyst;

GRANT SELECT ON TABLE analytics.usage_by_day TO pidima_app;
GRANT SELECT ON TABLE analytics.usage_by_day TO pidima_analyst;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.quota_reservations TO pidima_app;

GRANT SELECT(tenant_id) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(run_id) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(assistant_id) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(api_key_id) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(person_id) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(reserved_at) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(settled_at) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(provider) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(model) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(input_tokens) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(output_tokens) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT(cost_micro_usd) ON TABLE app.quota_reservations TO pidima_analyst;

GRANT SELECT ON TABLE analytics.usage_of_subjects_by_day TO pidima_app;
GRANT SELECT ON TABLE analytics.usage_of_subjects_by_day TO pidima_analyst;

GRANT SELECT,INSERT,UPDATE ON TABLE app.api_keys TO pidima_app;

GRANT SELECT,INSERT ON TABLE app.audit_events TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.audit_heads TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.browser_sessions TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.chunk_terms TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.chunk_windows TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.chunks TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.document_texts TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.dump_files TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.dumps TO pidima_app;

GRANT SELECT,INSERT ON TABLE app.embedding_space TO pidima_app;

GRANT UPDATE(other_models) ON TABLE app.embedding_space TO pidima_app;

GRANT UPDATE(other_models_at) ON TABLE app.embedding_space TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.groups TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.idempotency_keys TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.ingestion_attempts TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.invitations TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.jobs TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.local_accounts TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.members TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.model_prices TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.models TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.operator_idempotency_keys TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.operator_keys TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.outbox TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.passage_contexts TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.pending_logins TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.pending_originals TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.quota_counters TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.quotas TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.reembedded_windows TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.reembeddings TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.restores TO pidima_app;

GRANT SELECT,INSERT,DELETE ON TABLE app.run_events TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.run_leases TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.session_summaries TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.source_items TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.source_pages TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.tenant_buckets TO pidima_app;

GRANT SELECT,INSERT ON TABLE app.tenant_directory TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.tenant_flags TO pidima_app;

GRANT SELECT,INSERT,UPDATE ON TABLE app.tenants TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.uploads TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.webhook_deliveries TO pidima_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.webhook_endpoints TO pidima_app;

