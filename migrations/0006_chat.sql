-- Conversations. Messages, runs and what belongs to them are partitioned by month: their ids are UUIDv7, which order
-- by time, so that a range of ids is a month, a look-up by id reads one partition, and retention drops partitions.

create table app.sessions (
    tenant_id uuid not null,
    session_id uuid not null,
    title text,
    collection_ids uuid[] not null default '{}',
    created_by uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sessions_pkey primary key (tenant_id, session_id),
    constraint sessions_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint sessions_title_check check (length(title) between 1 and 200)
);
comment on table app.sessions is 'A conversation of one person with the assistant';
comment on column app.sessions.tenant_id is 'Tenant';
comment on column app.sessions.session_id is 'UUIDv7';
comment on column app.sessions.title is 'Given by the person, else the first question';
comment on column app.sessions.collection_ids is 'Collections that it asks; empty for all';
comment on column app.sessions.created_by is 'Key that opened it';
comment on column app.sessions.created_at is 'When it was opened';
comment on column app.sessions.updated_at is 'When it last got a message';
call app.isolate('app.sessions', 'select, insert, update, delete');

create table app.messages (
    tenant_id uuid not null,
    message_id uuid not null,
    session_id uuid,
    run_id uuid not null,
    role text not null,
    content text not null,
    created_at timestamptz not null default now(),
    constraint messages_pkey primary key (tenant_id, message_id),
    constraint messages_session_id_fkey foreign key (tenant_id, session_id)
        references app.sessions (tenant_id, session_id) on delete cascade,
    constraint messages_role_check check (role in ('user', 'assistant'))
) partition by range (message_id);
comment on table app.messages is 'Questions and answers, in the order of their ids';
comment on column app.messages.tenant_id is 'Tenant';
comment on column app.messages.message_id is 'UUIDv7; its month decides the partition';
comment on column app.messages.session_id is 'Conversation; null for a single question';
comment on column app.messages.run_id is 'Run that the message started or ended';
comment on column app.messages.role is 'user or assistant';
comment on column app.messages.content is 'Text; an answer in Markdown with markers [1], [2] of its citations';
comment on column app.messages.created_at is 'When it was stored';
create index messages_session_id_idx on app.messages (tenant_id, session_id, message_id);
call app.isolate('app.messages', 'select, insert, delete');

create table app.runs (
    tenant_id uuid not null,
    run_id uuid not null,
    session_id uuid,
    question_id uuid not null,
    answer_id uuid,
    state text not null default 'running',
    outcome text,
    outcome_reason text,
    collection_ids uuid[] not null default '{}',
    standalone_question text,
    provider text,
    model text,
    input_tokens bigint,
    output_tokens bigint,
    cost_micro_usd bigint,
    unknown_markers int not null default 0,
    search_ms int,
    first_token_ms int,
    total_ms int,
    asked_by uuid not null,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint runs_pkey primary key (tenant_id, run_id),
    constraint runs_session_id_fkey foreign key (tenant_id, session_id)
        references app.sessions (tenant_id, session_id) on delete cascade,
    constraint runs_state_check check (state in ('running', 'completed', 'failed', 'interrupted')),
    constraint runs_outcome_check
        check (outcome in ('answered', 'partial', 'no_answer', 'clarification', 'blocked', 'failed')),
    constraint runs_ended_check check ((state = 'running') = (ended_at is null))
) partition by range (run_id);
comment on table app.runs is 'How an answer came about; it goes on when the reader hangs up';
comment on column app.runs.tenant_id is 'Tenant';
comment on column app.runs.run_id is 'UUIDv7; its month decides the partition';
comment on column app.runs.session_id is 'Conversation; null for a single question';
comment on column app.runs.question_id is 'Message of the user';
comment on column app.runs.answer_id is 'Message of the assistant; null until there is one';
comment on column app.runs.state is 'running, completed, failed or interrupted';
comment on column app.runs.outcome is 'answered, partial, no_answer, clarification, blocked or failed';
comment on column app.runs.outcome_reason is 'Machine-readable reason, e.g. no_candidates';
comment on column app.runs.collection_ids is 'Collections that were asked; empty for all';
comment on column app.runs.standalone_question is 'The question as it was searched, with what the conversation adds';
comment on column app.runs.provider is 'Provider of the model that answered';
comment on column app.runs.model is 'Model that answered';
comment on column app.runs.input_tokens is 'Tokens of the prompt, as the provider counts; null when it does not say';
comment on column app.runs.output_tokens is 'Tokens of the answer, as the provider counts; null when it does not say';
comment on column app.runs.cost_micro_usd is 'Price of both, in millionths of a US dollar; null when no price is known';
comment on column app.runs.unknown_markers is 'Citation markers that the model made up, which were removed';
comment on column app.runs.search_ms is 'Milliseconds of search';
comment on column app.runs.first_token_ms is 'Milliseconds from the question to the first text';
comment on column app.runs.total_ms is 'Milliseconds from the question to the end';
comment on column app.runs.asked_by is 'Key that asked';
comment on column app.runs.created_at is 'When the question came';
comment on column app.runs.ended_at is 'When the run ended';
create index runs_session_id_idx on app.runs (tenant_id, session_id, run_id);
call app.isolate('app.runs', 'select, insert, update, delete');

create table app.retrievals (
    tenant_id uuid not null,
    run_id uuid not null,
    rank int not null,
    chunk_id uuid not null,
    document_id uuid not null,
    version_id uuid not null,
    dense_rank int,
    similarity real,
    lexical_rank int,
    lexical_score real,
    fused_score real not null,
    used boolean not null,
    constraint retrievals_pkey primary key (tenant_id, run_id, rank),
    constraint retrievals_run_id_fkey foreign key (tenant_id, run_id)
        references app.runs (tenant_id, run_id) on delete cascade
) partition by range (run_id);
comment on table app.retrievals is 'What search found for a run, and what of it the model was given';
comment on column app.retrievals.tenant_id is 'Tenant';
comment on column app.retrievals.run_id is 'Run';
comment on column app.retrievals.rank is 'Place after fusion, from 1';
comment on column app.retrievals.chunk_id is 'Passage; it may be gone since';
comment on column app.retrievals.document_id is 'Document; it may be gone since';
comment on column app.retrievals.version_id is 'Version; it may be gone since';
comment on column app.retrievals.dense_rank is 'Place in the search by meaning; null when it was not found there';
comment on column app.retrievals.similarity is 'Cosine similarity of its best window, -1 to 1';
comment on column app.retrievals.lexical_rank is 'Place in the search by words; null when it was not found there';
comment on column app.retrievals.lexical_score is 'BM25 score';
comment on column app.retrievals.fused_score is 'Reciprocal rank fusion of both';
comment on column app.retrievals.used is 'Whether the model was given it';
call app.isolate('app.retrievals', 'select, insert, delete');

create table app.citations (
    tenant_id uuid not null,
    message_id uuid not null,
    number int not null,
    citation_id uuid not null,
    chunk_id uuid not null,
    document_id uuid not null,
    version_id uuid not null,
    version_number int not null,
    document_title text not null,
    heading_path text[] not null,
    url text,
    char_start int not null,
    char_end int not null,
    quote text not null,
    verified boolean not null,
    constraint citations_pkey primary key (tenant_id, message_id, number),
    constraint citations_message_id_fkey foreign key (tenant_id, message_id)
        references app.messages (tenant_id, message_id) on delete cascade
) partition by range (message_id);
comment on table app.citations is 'Which passage a marker of an answer stands for, pinned to the version that was read';
comment on column app.citations.tenant_id is 'Tenant';
comment on column app.citations.message_id is 'Answer';
comment on column app.citations.number is 'The n of the marker [n]';
comment on column app.citations.citation_id is 'UUIDv7';
comment on column app.citations.chunk_id is 'Passage; it may be gone since';
comment on column app.citations.document_id is 'Document; it may be gone since';
comment on column app.citations.version_id is 'Version that was read; it may be gone since';
comment on column app.citations.version_number is 'Its number, for people';
comment on column app.citations.document_title is 'Title at the time';
comment on column app.citations.heading_path is 'Headings above the passage, outermost first';
comment on column app.citations.url is 'Where a reader finds it: address of the original with the anchor';
comment on column app.citations.char_start is 'First character of the quote in the extracted text of the version, from 0';
comment on column app.citations.char_end is 'Character after the last one';
comment on column app.citations.quote is 'The words of the passage that the answer rests on';
comment on column app.citations.verified is 'Whether the words of the answer were found in the passage';
create index citations_document_id_idx on app.citations (tenant_id, document_id);
call app.isolate('app.citations', 'select, insert, delete');

-- A row of a month that nobody prepared must not be refused: the default partition takes it, and `pidima doctor` tells.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['messages', 'runs', 'retrievals', 'citations'] loop
        execute format('create table app.%I partition of app.%I default', v_table || '_default', v_table);
        call app.isolate(('app.' || v_table || '_default')::regclass);
    end loop;
end
$$;
