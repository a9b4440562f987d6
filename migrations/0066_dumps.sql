-- Dumps of collections: their documents, passages and vectors as Parquet files beside the originals; and restores, which bring a
-- dump in again as a collection of its own.

-- To refer to collections keeps these from being changed for a moment. What is waited for here holds up everybody behind it:
-- rather not now, and once more.
set local lock_timeout = '5s';

create table app.dumps (
    tenant_id uuid not null,
    dump_id uuid not null,
    collection_id uuid not null,
    state text not null default 'queued',
    format_version int not null default 1,
    files_id uuid,
    files jsonb not null default '[]',
    document_count int not null default 0,
    chunk_count bigint not null default 0,
    embedding_count bigint not null default 0,
    size_bytes bigint not null default 0,
    embedding_model text,
    embedding_dimensions int,
    attempts int not null default 0,
    failure_code text,
    failure_detail text,
    lease_token uuid,
    lease_expires_at timestamptz,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz not null,
    constraint dumps_pkey primary key (tenant_id, dump_id),
    constraint dumps_collection_id_fkey foreign key (tenant_id, collection_id)
        references app.collections (tenant_id, collection_id) on delete cascade,
    -- What is attached to a conversation is nobody's documentation: version 8 marks the collections of attachments.
    constraint dumps_collection_id_check check (uuid_extract_version(collection_id) is distinct from 8),
    constraint dumps_state_check check (state in ('queued', 'running', 'ready', 'failed')),
    constraint dumps_failure_check check ((state = 'failed') = (failure_code is not null)),
    constraint dumps_ready_check check (
        state <> 'ready'
        or files_id is not null and embedding_model is not null and embedding_dimensions is not null
    )
);
comment on table app.dumps is 'Collections as files, each as it was when it was written';
comment on column app.dumps.tenant_id is 'Tenant';
comment on column app.dumps.dump_id is 'UUIDv7';
comment on column app.dumps.collection_id is 'Collection that it is of; a dump goes with it';
comment on column app.dumps.state is 'queued, running, ready or failed';
comment on column app.dumps.format_version is 'Version of the files'' form';
comment on column app.dumps.files_id is 'Part of the files'' keys at the object store; null when nobody writes any and there are none';
comment on column app.dumps.files is 'Name, size, SHA-256 and rows of each file, once it is ready';
comment on column app.dumps.document_count is 'Documents that are in it until now';
comment on column app.dumps.chunk_count is 'Passages of these';
comment on column app.dumps.embedding_count is 'Vectors of these';
comment on column app.dumps.size_bytes is 'Size of all files, once it is ready';
comment on column app.dumps.embedding_model is 'Model of the vectors';
comment on column app.dumps.embedding_dimensions is 'Numbers in each vector';
comment on column app.dumps.attempts is 'How often a worker began to write it';
comment on column app.dumps.failure_code is 'Why it failed, for programs';
comment on column app.dumps.failure_detail is 'The same in words';
comment on column app.dumps.lease_token is 'Of the worker that works on it';
comment on column app.dumps.lease_expires_at is 'From then on another worker may take it';
comment on column app.dumps.created_by is 'Key or person that asked for it';
comment on column app.dumps.created_at is 'When it was asked for';
comment on column app.dumps.touched_at is 'When something was last done to it';
comment on column app.dumps.started_at is 'When a worker first took it';
comment on column app.dumps.finished_at is 'When it was ready, or failed';
comment on column app.dumps.expires_at is 'From then on it is shown to nobody; row and files are removed soon after';
create index dumps_collection_id_dump_id_idx on app.dumps (tenant_id, collection_id, dump_id);
create unique index dumps_collection_id_idx on app.dumps (tenant_id, collection_id) where state in ('queued', 'running');
call app.isolate('app.dumps', 'select, insert, update, delete');

create table app.restores (
    tenant_id uuid not null,
    restore_id uuid not null,
    dump_id uuid not null,
    collection_id uuid not null,
    state text not null default 'queued',
    document_count int not null default 0,
    done_count int not null default 0,
    skipped_count int not null default 0,
    attempts int not null default 0,
    failure_code text,
    failure_detail text,
    lease_token uuid,
    lease_expires_at timestamptz,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    constraint restores_pkey primary key (tenant_id, restore_id),
    constraint restores_collection_id_fkey foreign key (tenant_id, collection_id)
        references app.collections (tenant_id, collection_id) on delete cascade,
    constraint restores_collection_id_check check (uuid_extract_version(collection_id) is distinct from 8),
    constraint restores_state_check check (state in ('queued', 'running', 'completed', 'failed')),
    constraint restores_failure_check check ((state = 'failed') = (failure_code is not null)),
    constraint restores_counts_check check (skipped_count between 0 and done_count)
);
comment on table app.restores is 'Dumps that are brought in again, each as a collection of its own';
comment on column app.restores.tenant_id is 'Tenant';
comment on column app.restores.restore_id is 'UUIDv7';
comment on column app.restores.dump_id is 'Dump that is brought in; it may be gone afterwards';
comment on column app.restores.collection_id is 'Collection that was made for it; a restore goes with it';
comment on column app.restores.state is 'queued, running, completed or failed';
comment on column app.restores.document_count is 'Documents in the dump';
comment on column app.restores.done_count is 'Documents that were dealt with until now, in the order of the file';
comment on column app.restores.skipped_count is 'Those among them that were left out, as somebody had put a document of the name there';
comment on column app.restores.attempts is 'How often a worker began to work on it';
comment on column app.restores.failure_code is 'Why it failed, for programs';
comment on column app.restores.failure_detail is 'The same in words';
comment on column app.restores.lease_token is 'Of the worker that works on it';
comment on column app.restores.lease_expires_at is 'From then on another worker may take it';
comment on column app.restores.created_by is 'Key or person that asked for it';
comment on column app.restores.created_at is 'When it was asked for';
comment on column app.restores.touched_at is 'When something was last done to it';
comment on column app.restores.started_at is 'When a worker first took it';
comment on column app.restores.finished_at is 'When it came to its end';
create unique index restores_collection_id_idx on app.restores (tenant_id, collection_id);
create index restores_dump_id_idx on app.restores (tenant_id, dump_id);
call app.isolate('app.restores', 'select, insert, update');
