-- Re-embeddings, each of one collection; to refer to collections keeps these from being changed for a moment.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

create table app.reembeddings (
    tenant_id uuid not null,
    reembedding_id uuid not null,
    collection_id uuid not null,
    from_model text not null,
    to_model text not null,
    state text not null default 'queued',
    chunks_done bigint not null default 0,
    chunks_total bigint not null default 0,
    failures int not null default 0,
    failure_code text,
    failure_detail text,
    comparison jsonb,
    recall_overlap float8,
    recall_sample int,
    recall_depth int,
    recall_source text,
    drop_model text,
    drop_at timestamptz,
    lease_token uuid,
    lease_expires_at timestamptz,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    started_at timestamptz,
    ready_at timestamptz,
    switched_at timestamptz,
    finished_at timestamptz,
    constraint reembeddings_pkey primary key (tenant_id, reembedding_id),
    constraint reembeddings_collection_id_fkey foreign key (tenant_id, collection_id)
        references app.collections (tenant_id, collection_id) on delete cascade,
    constraint reembeddings_models_check check (from_model <> to_model),
    constraint reembeddings_state_check
        check (state in ('queued', 'running', 'ready', 'switched', 'completed', 'failed', 'cancelled')),
    constraint reembeddings_failure_check check ((state = 'failed') = (failure_code is not null)),
    constraint reembeddings_recall_check check (
        (recall_sample is null) = (recall_depth is null)
        and (recall_overlap is null or recall_sample > 0)
        and recall_source in ('questions', 'passages')
    ),
    constraint reembeddings_drop_check check ((drop_model is null) = (drop_at is null))
);
comment on table app.reembeddings is 'Changes of the embedding model of a collection';
comment on column app.reembeddings.tenant_id is 'Tenant';
comment on column app.reembeddings.reembedding_id is 'UUIDv7';
comment on column app.reembeddings.collection_id is 'Collection; a re-embedding goes with it';
comment on column app.reembeddings.from_model is 'Model whose vectors searches read when it began';
comment on column app.reembeddings.to_model is 'Model that is to take its place';
comment on column app.reembeddings.state is
    'queued, running; ready: every passage has both vectors; switched: searches read the new ones, the old ones are kept; completed: the old ones are gone; failed; cancelled';
comment on column app.reembeddings.chunks_done is 'Passages of the collection that have vectors of the new model';
comment on column app.reembeddings.chunks_total is 'Passages of the collection, when they were last counted';
comment on column app.reembeddings.failures is 'Attempts that failed since a passage was last embedded';
comment on column app.reembeddings.failure_code is 'Why it failed, for programs';
comment on column app.reembeddings.failure_detail is 'The same in words';
comment on column app.reembeddings.comparison is
    'What was compared so far: source, and overlap by the SHA-256 of a question or the id of a passage; null before and when it is over';
comment on column app.reembeddings.recall_overlap is
    'Mean share, 0 to 1, of the nearest passages by the old vectors that are among the nearest by the new ones; null when nothing was compared';
comment on column app.reembeddings.recall_sample is 'Questions that were compared';
comment on column app.reembeddings.recall_depth is 'How many of the nearest passages were compared for each';
comment on column app.reembeddings.recall_source is 'questions: the last that were asked; passages: texts of the collection, as nobody had asked anything';
comment on column app.reembeddings.drop_model is 'Model whose vectors of the collection are to be removed; null when none are, or it was done';
comment on column app.reembeddings.drop_at is 'From then on they are removed';
comment on column app.reembeddings.lease_token is 'Of the worker that works on it';
comment on column app.reembeddings.lease_expires_at is 'From then on another worker may take it';
comment on column app.reembeddings.created_by is 'Key or person that asked for it';
comment on column app.reembeddings.created_at is 'When it was asked for';
comment on column app.reembeddings.touched_at is 'When something was last done to it';
comment on column app.reembeddings.started_at is 'When a worker first took it';
comment on column app.reembeddings.ready_at is 'When every passage had vectors of the new model';
comment on column app.reembeddings.switched_at is 'When searches began to read the new vectors; null again after a roll back';
comment on column app.reembeddings.finished_at is 'When it came to its end';
create index reembeddings_collection_id_reembedding_id_idx on app.reembeddings (tenant_id, collection_id, reembedding_id);
create unique index reembeddings_collection_id_idx on app.reembeddings (tenant_id, collection_id)
    where state in ('queued', 'running', 'ready', 'switched');
-- What is looked for again and again is found without reading those that were over long ago.
create index reembeddings_touched_at_idx on app.reembeddings (tenant_id, touched_at)
    where state in ('queued', 'running', 'ready', 'switched');
create index reembeddings_drop_at_idx on app.reembeddings (tenant_id, drop_at) where drop_at is not null;
create index reembeddings_finished_at_idx on app.reembeddings (tenant_id, finished_at) where state = 'completed';
call app.isolate('app.reembeddings', 'select, insert, update, delete');
