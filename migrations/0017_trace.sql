-- How an answer came about, as GET /v1/messages/{message_id}/trace tells it: beside the run and its candidates, what each
-- stage took and what the prompt was made of.

create table app.run_traces (
    tenant_id uuid not null,
    run_id uuid not null,
    terms text[] not null default '{}',
    searched_chunks bigint,
    dense_candidates int,
    lexical_candidates int,
    prepare_ms real,
    embed_ms real,
    dense_ms real,
    lexical_ms real,
    fuse_ms real,
    history_messages int not null default 0,
    prompt_chars bigint,
    max_output_tokens int,
    constraint run_traces_pkey primary key (tenant_id, run_id),
    constraint run_traces_run_id_fkey foreign key (tenant_id, run_id)
        references app.runs (tenant_id, run_id) on delete cascade
) partition by range (run_id);
comment on table app.run_traces is 'How the answer of a run came about, beside what its own row and its retrievals say';
comment on column app.run_traces.tenant_id is 'Tenant';
comment on column app.run_traces.run_id is 'Run; its month decides the partition';
comment on column app.run_traces.terms is 'Terms of the standalone question that the search by words looked for';
comment on column app.run_traces.searched_chunks is 'Passages that were searched; null when the run ended before';
comment on column app.run_traces.dense_candidates is 'Passages that the search by meaning brought';
comment on column app.run_traces.lexical_candidates is 'Passages that the search by words brought';
comment on column app.run_traces.prepare_ms is 'Milliseconds to make the standalone question';
comment on column app.run_traces.embed_ms is 'Milliseconds to embed it';
comment on column app.run_traces.dense_ms is 'Milliseconds of the search by meaning';
comment on column app.run_traces.lexical_ms is 'Milliseconds of the search by words';
comment on column app.run_traces.fuse_ms is 'Milliseconds to fuse both and to read the passages';
comment on column app.run_traces.history_messages is 'Earlier messages that the model was given';
comment on column app.run_traces.prompt_chars is 'Characters of instructions, history, passages and question; null when no model was asked';
comment on column app.run_traces.max_output_tokens is 'Longest answer that the model was allowed';
call app.isolate('app.run_traces', 'select, insert');
create table app.run_traces_default partition of app.run_traces default;
call app.isolate('app.run_traces_default'::regclass);

alter table app.retrievals
    add column matched_terms text[] not null default '{}',
    add column dropped text,
    add constraint retrievals_dropped_check check (
        dropped in ('below_cut', 'prompt_budget', 'below_threshold', 'run_failed')
    );
comment on column app.retrievals.matched_terms is 'Terms of the question that stand in the passage';
comment on column app.retrievals.dropped is
    'Why the model was not given it: below_cut, prompt_budget, below_threshold or run_failed; null when it was given it';

call app.open_to_analysts('app.run_traces',
    'tenant_id, run_id, terms, searched_chunks, dense_candidates, lexical_candidates, prepare_ms, embed_ms, dense_ms,'
    ' lexical_ms, fuse_ms, history_messages, prompt_chars, max_output_tokens');
grant select (matched_terms, dropped) on app.retrievals to pidima_analyst;

create view analytics.traces with (security_invoker = true, security_barrier = true) as
select
    t.run_id,
    t.terms,
    t.searched_chunks,
    t.dense_candidates,
    t.lexical_candidates,
    t.prepare_ms,
    t.embed_ms,
    t.dense_ms,
    t.lexical_ms,
    t.fuse_ms,
    t.history_messages,
    t.prompt_chars,
    t.max_output_tokens
from app.run_traces t;
comment on view analytics.traces is 'One row per answer: what search found, what the prompt held, and what each stage took';
grant select on analytics.traces to pidima_app, pidima_analyst;

create or replace view analytics.retrievals with (security_invoker = true, security_barrier = true) as
select
    r.run_id,
    r.rank,
    r.chunk_id,
    r.document_id,
    r.version_id,
    r.dense_rank,
    r.similarity,
    r.lexical_rank,
    r.lexical_score,
    r.fused_score,
    r.used,
    r.matched_terms,
    r.dropped
from app.retrievals r;
