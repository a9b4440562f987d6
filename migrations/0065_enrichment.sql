-- Enrichment: a model writes a heading in context for each passage, a summary and questions for each document. A collection
-- is switched on; what its documents have still to get stands here, document by document, so that another worker goes on
-- where one died. What was paid for is a row at once: what is there is not asked for again.
--
-- Processes of the version before go on meanwhile. They know nothing of a context, and hold what analysts may read against a list
-- of their own: so no right of analysts is added here to a database that is in use.

-- To refer to documents and tenants keeps these from being changed for a moment. What is waited for here holds up everybody
-- behind it: rather not now, and once more.
set local lock_timeout = '5s';

create table app.enrichments (
    tenant_id uuid not null,
    document_id uuid not null,
    version_id uuid not null,
    collection_id uuid not null,
    state text not null default 'waiting',
    reason_code text,
    reason_detail text,
    marker text not null,
    passages int not null default 0,
    contexts int not null default 0,
    summary text,
    suggested_questions text[] not null default '{}',
    summarised_at timestamptz,
    attempts int not null default 0,
    due_at timestamptz not null default now(),
    lease_token uuid,
    lease_expires_at timestamptz,
    call_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint enrichments_pkey primary key (tenant_id, document_id),
    constraint enrichments_document_id_fkey foreign key (tenant_id, document_id)
        references app.documents (tenant_id, document_id) on delete cascade,
    constraint enrichments_state_check check (state in ('waiting', 'running', 'completed', 'failed'))
);
comment on table app.enrichments is 'What a model writes for a document, and how far it came; of one version, the one in search';
comment on column app.enrichments.tenant_id is 'Tenant';
comment on column app.enrichments.document_id is 'Document';
comment on column app.enrichments.version_id is 'Version that it is about; when another one is in search, all begins anew';
comment on column app.enrichments.collection_id is 'Collection of the document';
comment on column app.enrichments.state is 'waiting, running, completed or failed';
comment on column app.enrichments.reason_code is 'Why it failed, or waits for another attempt, for programs';
comment on column app.enrichments.reason_detail is 'The same in words';
comment on column app.enrichments.marker is
    'Random word in the tags around the document in prompts: kept, so that a provider finds the same beginning in its cache';
comment on column app.enrichments.passages is 'Passages of the version that are to get a context';
comment on column app.enrichments.contexts is 'How many of them were asked for';
comment on column app.enrichments.summary is 'Summary of the document; null while there is none, and when the model wrote none';
comment on column app.enrichments.suggested_questions is 'Questions that the document answers';
comment on column app.enrichments.summarised_at is 'When summary and questions were asked for; null while they were not';
comment on column app.enrichments.attempts is 'How often a worker began since something was last achieved';
comment on column app.enrichments.due_at is 'From then on a worker may take it; the line within a collection is in this order';
comment on column app.enrichments.lease_token is 'Of the worker that has it; a write with another token changes nothing';
comment on column app.enrichments.lease_expires_at is 'From then on another worker may take it over';
comment on column app.enrichments.call_id is 'Call of a model that its worker reserved last: what one that died reserved is given back';
comment on column app.enrichments.created_at is 'When the document first got its turn';
comment on column app.enrichments.updated_at is 'When something was last achieved';
create index enrichments_collection_id_due_at_idx on app.enrichments (tenant_id, collection_id, due_at)
    where state in ('waiting', 'running');
call app.isolate('app.enrichments', 'select, insert, update, delete');

create table app.passage_contexts (
    tenant_id uuid not null,
    document_id uuid not null,
    passage_sha256 bytea not null,
    context text not null,
    created_at timestamptz not null default now(),
    constraint passage_contexts_pkey primary key (tenant_id, document_id, passage_sha256),
    constraint passage_contexts_document_id_fkey foreign key (tenant_id, document_id)
        references app.documents (tenant_id, document_id) on delete cascade,
    constraint passage_contexts_passage_sha256_check check (length(passage_sha256) = 32)
);
comment on table app.passage_contexts is
    'Contexts that were paid for; a passage that stands unchanged in the next version of its document keeps its own';
comment on column app.passage_contexts.tenant_id is 'Tenant';
comment on column app.passage_contexts.document_id is 'Document';
comment on column app.passage_contexts.passage_sha256 is 'SHA-256 of the passage with title and headings, as it is embedded without a context';
comment on column app.passage_contexts.context is 'What the model wrote; empty when it had nothing to say';
comment on column app.passage_contexts.created_at is 'When it was written';
call app.isolate('app.passage_contexts', 'select, insert, delete');

-- No foreign key to collections: what was used stays used when the collection is deleted.
create table app.enrichment_usage (
    tenant_id uuid not null,
    collection_id uuid not null,
    month date not null,
    calls bigint not null default 0,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cached_input_tokens bigint not null default 0,
    cost_micro_usd bigint not null default 0,
    constraint enrichment_usage_pkey primary key (tenant_id, collection_id, month),
    constraint enrichment_usage_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade
);
comment on table app.enrichment_usage is 'What enrichment used, by collection and month: its budgets are measured by it';
comment on column app.enrichment_usage.tenant_id is 'Tenant';
comment on column app.enrichment_usage.collection_id is 'Collection, which may be gone';
comment on column app.enrichment_usage.month is 'First day of the month, in UTC';
comment on column app.enrichment_usage.calls is 'How often a model was asked';
comment on column app.enrichment_usage.input_tokens is 'Tokens read, those from a cache included';
comment on column app.enrichment_usage.output_tokens is 'Tokens written';
comment on column app.enrichment_usage.cached_input_tokens is 'Of the tokens read, those from a provider''s cache';
comment on column app.enrichment_usage.cost_micro_usd is 'Price, in millionths of a US dollar; what has no known price counts 0';
call app.isolate('app.enrichment_usage', 'select, insert, update');

-- What enrichment uses counts in the tenant's quotas of tokens and of money, and is no question. Its rows are told from those of
-- answers by their id, which has version 8: so they need no column that analysts had to be given.
comment on table app.quota_reservations is
    'What each run may use while it goes on, and what it used; and each call of a model about a document. No word of either';
comment on column app.quota_reservations.run_id is
    'Run, or call of a model about a document: that has version 8 in place of 7. Its month decides the partition';

create or replace view analytics.usage_of_subjects_by_day with (security_invoker = true, security_barrier = true) as
select
    (r.reserved_at at time zone 'UTC')::date as day,
    r.assistant_id,
    r.api_key_id,
    r.person_id,
    r.provider,
    r.model,
    count(*) filter (where uuid_extract_version(r.run_id) is distinct from 8) as questions,
    count(*) filter (where uuid_extract_version(r.run_id) is distinct from 8 and r.settled_at is null) as running,
    sum(r.input_tokens)::bigint as input_tokens,
    sum(r.output_tokens)::bigint as output_tokens,
    sum(r.cost_micro_usd) / 1e6 as cost_usd,
    case when uuid_extract_version(r.run_id) = 8 then 'enrichment' else 'answer' end as purpose
from app.quota_reservations r
group by 1, 2, 3, 4, 5, 6, 12;
comment on view analytics.usage_of_subjects_by_day is
    'Questions, tokens and cost by day (UTC), assistant, key, person, model and purpose; they stay when conversations are deleted';

create view analytics.enrichments with (security_invoker = true, security_barrier = true) as
select
    e.document_id,
    e.version_id,
    d.name,
    d.title,
    k.name as collection,
    e.state,
    e.reason_code,
    e.passages,
    e.contexts,
    e.summary,
    e.suggested_questions,
    e.created_at,
    e.updated_at
from app.enrichments e
join app.documents d
    on d.tenant_id = e.tenant_id
    and d.document_id = e.document_id
    and d.active_version_id = e.version_id
join app.collections k on k.tenant_id = e.tenant_id and k.collection_id = e.collection_id;
comment on view analytics.enrichments is 'One row per document that a model writes about, of the version in search: how far it came, summary and questions';
grant select on analytics.enrichments to pidima_app;

create view analytics.enrichment_by_month with (security_invoker = true, security_barrier = true) as
select
    u.month,
    u.collection_id,
    k.name as collection,
    u.calls,
    u.input_tokens,
    u.output_tokens,
    u.cached_input_tokens,
    u.cost_micro_usd / 1e6 as cost_usd
from app.enrichment_usage u
left join app.collections k on k.tenant_id = u.tenant_id and k.collection_id = u.collection_id;
comment on view analytics.enrichment_by_month is 'Calls, tokens and cost of enrichment by month (UTC) and collection; deleted collections have no name';
grant select on analytics.enrichment_by_month to pidima_app;

create procedure app.open_enrichment_to_analysts()
language plpgsql
as $$
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
comment on procedure app.open_enrichment_to_analysts() is
    'Lets SQL logins of tenants read the views of enrichment, once no process is left that would take that for a breach';
revoke execute on procedure app.open_enrichment_to_analysts() from public;

-- To a process of the version before, a right that is not on its list is a breach of the wall: it would not be ready any more. Where
-- there are tenants there may be such processes, and `pidima tenant grant-analyst` opens the views when the operator says so.
do $$
begin
    if not exists (select from app.tenant_directory) then
        call app.open_enrichment_to_analysts();
    end if;
end
$$;
