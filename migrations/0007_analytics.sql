-- What analysts query: stable, documented views over one tenant's rows. They run with the rights of whoever asks
-- (security_invoker), so that the row security of the tables below holds for the SQL login too.

create schema analytics;
comment on schema analytics is 'Read-only views for SQL logins of a tenant: questions, answers, citations, cost';
grant usage on schema analytics to pidima_app, pidima_analyst;

call app.open_to_analysts('app.sessions', 'tenant_id, session_id, title, collection_ids, created_at, updated_at');
call app.open_to_analysts('app.messages', 'tenant_id, message_id, session_id, run_id, role, content, created_at');
call app.open_to_analysts('app.runs',
    'tenant_id, run_id, session_id, question_id, answer_id, state, outcome, outcome_reason, collection_ids,'
    ' standalone_question, provider, model, input_tokens, output_tokens, cost_micro_usd, unknown_markers,'
    ' search_ms, first_token_ms, total_ms, created_at, ended_at');
call app.open_to_analysts('app.retrievals',
    'tenant_id, run_id, rank, chunk_id, document_id, version_id, dense_rank, similarity, lexical_rank,'
    ' lexical_score, fused_score, used');
call app.open_to_analysts('app.citations',
    'tenant_id, message_id, number, citation_id, document_id, version_id, version_number, document_title,'
    ' heading_path, url, char_start, char_end, quote, verified');
call app.open_to_analysts('app.collections', 'tenant_id, collection_id, name, chunk_count');
call app.open_to_analysts('app.documents',
    'tenant_id, document_id, collection_id, name, title, source_url, metadata, active_version_id,'
    ' latest_version_number, created_at, updated_at');
call app.open_to_analysts('app.document_versions',
    'tenant_id, version_id, document_id, number, state, failure_code, failure_detail, media_type, size_bytes,'
    ' char_count, chunk_count, attempts, created_at, ready_at');

create view analytics.sessions with (security_invoker = true, security_barrier = true) as
select
    s.session_id,
    s.title,
    s.collection_ids,
    s.created_at,
    s.updated_at,
    (
        select count(*)
        from app.messages m
        where m.tenant_id = s.tenant_id
            and m.session_id = s.session_id
            and m.role = 'user'
    ) as questions
from app.sessions s;
comment on view analytics.sessions is 'One row per conversation';

create view analytics.messages with (security_invoker = true, security_barrier = true) as
select
    m.message_id,
    m.session_id,
    m.run_id,
    m.role,
    m.content,
    m.created_at
from app.messages m;
comment on view analytics.messages is 'One row per question or answer';

create view analytics.answers with (security_invoker = true, security_barrier = true) as
select
    r.run_id,
    r.session_id,
    r.answer_id as message_id,
    q.content as question,
    r.standalone_question,
    a.content as answer,
    r.state,
    r.outcome,
    r.outcome_reason,
    r.provider,
    r.model,
    r.input_tokens,
    r.output_tokens,
    r.cost_micro_usd / 1e6 as cost_usd,
    r.search_ms,
    r.first_token_ms,
    r.total_ms,
    r.created_at as asked_at,
    r.ended_at as answered_at
from app.runs r
join app.messages q on q.tenant_id = r.tenant_id and q.message_id = r.question_id
left join app.messages a on a.tenant_id = r.tenant_id and a.message_id = r.answer_id;
comment on view analytics.answers is 'One row per question with its answer, outcome, tokens, cost and timings';

create view analytics.citations with (security_invoker = true, security_barrier = true) as
select
    c.citation_id,
    c.message_id,
    c.number,
    c.document_id,
    c.document_title,
    c.version_number,
    c.heading_path,
    c.url,
    c.char_start,
    c.char_end,
    c.quote,
    c.verified
from app.citations c;
comment on view analytics.citations is 'One row per citation of an answer';

create view analytics.retrievals with (security_invoker = true, security_barrier = true) as
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
    r.used
from app.retrievals r;
comment on view analytics.retrievals is 'One row per passage that search found for an answer, with its scores';

create view analytics.usage_by_day with (security_invoker = true, security_barrier = true) as
select
    (r.created_at at time zone 'UTC')::date as day,
    r.provider,
    r.model,
    count(*) as questions,
    count(*) filter (where r.outcome = 'answered') as answered,
    count(*) filter (where r.outcome = 'no_answer') as not_answered,
    count(*) filter (where r.outcome = 'failed') as failed,
    sum(r.input_tokens) as input_tokens,
    sum(r.output_tokens) as output_tokens,
    sum(r.cost_micro_usd) / 1e6 as cost_usd,
    percentile_cont(0.5) within group (order by r.first_token_ms) as first_token_ms_p50,
    percentile_cont(0.95) within group (order by r.first_token_ms) as first_token_ms_p95
from app.runs r
group by 1, 2, 3;
comment on view analytics.usage_by_day is 'Questions, outcomes, tokens, cost and time to first text by day (UTC) and model';

create view analytics.unanswered_questions with (security_invoker = true, security_barrier = true) as
select
    r.run_id,
    r.session_id,
    q.content as question,
    r.standalone_question,
    r.outcome,
    r.outcome_reason,
    (
        select max(t.similarity)
        from app.retrievals t
        where t.tenant_id = r.tenant_id
            and t.run_id = r.run_id
    ) as best_similarity,
    r.created_at as asked_at
from app.runs r
join app.messages q on q.tenant_id = r.tenant_id and q.message_id = r.question_id
where r.outcome in ('no_answer', 'failed', 'partial');
comment on view analytics.unanswered_questions is 'Questions without a full answer: where the documentation has gaps';

create view analytics.documents_by_use with (security_invoker = true, security_barrier = true) as
select
    d.document_id,
    d.name,
    d.title,
    k.name as collection,
    v.state as latest_state,
    v.failure_code,
    v.chunk_count,
    d.updated_at,
    (
        select count(*)
        from app.citations c
        where c.tenant_id = d.tenant_id
            and c.document_id = d.document_id
    ) as citations
from app.documents d
join app.collections k on k.tenant_id = d.tenant_id and k.collection_id = d.collection_id
left join app.document_versions v
    on v.tenant_id = d.tenant_id
    and v.document_id = d.document_id
    and v.number = d.latest_version_number;
comment on view analytics.documents_by_use is 'Documents with their state and how often answers cite them; never cited ones have 0';

grant select on all tables in schema analytics to pidima_app, pidima_analyst;
