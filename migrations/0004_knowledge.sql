-- Documentation: collections, documents, their immutable versions, and the log of attempts to read them.

create table app.collections (
    tenant_id uuid not null,
    collection_id uuid not null,
    name text not null,
    description text not null default '',
    chunk_count bigint not null default 0,
    term_count bigint not null default 0,
    window_count bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint collections_pkey primary key (tenant_id, collection_id),
    constraint collections_name_key unique (tenant_id, name),
    constraint collections_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint collections_name_check check (length(name) between 1 and 100)
);
comment on table app.collections is 'A set of documents that is searched together';
comment on column app.collections.tenant_id is 'Tenant';
comment on column app.collections.collection_id is 'UUIDv7';
comment on column app.collections.name is 'Unique within the tenant';
comment on column app.collections.description is 'What is in it, for people';
comment on column app.collections.chunk_count is 'Chunks in search; the N of BM25';
comment on column app.collections.term_count is 'Terms of all chunks; over chunk_count the mean length of BM25';
comment on column app.collections.window_count is 'Embedded windows in search; tells how many vectors a search compares';
comment on column app.collections.created_at is 'When it was created';
comment on column app.collections.updated_at is 'When name or description were last changed';
call app.isolate('app.collections', 'select, insert, update, delete');

create table app.documents (
    tenant_id uuid not null,
    document_id uuid not null,
    collection_id uuid not null,
    name text not null,
    title text not null,
    source_url text,
    metadata jsonb not null default '{}',
    active_version_id uuid,
    latest_version_number int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint documents_pkey primary key (tenant_id, document_id),
    constraint documents_name_key unique (tenant_id, collection_id, name),
    constraint documents_collection_id_fkey foreign key (tenant_id, collection_id)
        references app.collections (tenant_id, collection_id) on delete cascade,
    constraint documents_name_check check (length(name) between 1 and 1000),
    constraint documents_metadata_check check (jsonb_typeof(metadata) = 'object')
);
comment on table app.documents is 'One document of a collection; its contents are its versions';
comment on column app.documents.tenant_id is 'Tenant';
comment on column app.documents.document_id is 'UUIDv7';
comment on column app.documents.collection_id is 'Collection that it is in';
comment on column app.documents.name is 'File name or path; the same name again is a new version';
comment on column app.documents.title is 'Title found in the active version, else the name';
comment on column app.documents.source_url is 'Where a reader finds the original; citations link there';
comment on column app.documents.metadata is 'Object of the tenant''s own, for filters';
comment on column app.documents.active_version_id is 'Version that search and answers read; null until the first one is ready';
comment on column app.documents.latest_version_number is 'Number of the newest version, ready or not';
comment on column app.documents.created_at is 'When the document was first received';
comment on column app.documents.updated_at is 'When anything of it last changed';
create index documents_collection_id_idx on app.documents (tenant_id, collection_id, document_id);
call app.isolate('app.documents', 'select, insert, update, delete');

create table app.document_versions (
    tenant_id uuid not null,
    version_id uuid not null,
    document_id uuid not null,
    number int not null,
    state text not null default 'received',
    failure_code text,
    failure_detail text,
    media_type text not null,
    size_bytes bigint not null,
    content_sha256 bytea not null,
    object_key text not null,
    title text,
    language text,
    char_count int,
    chunk_count int not null default 0,
    term_count int not null default 0,
    window_count int not null default 0,
    attempts int not null default 0,
    lease_token uuid,
    lease_expires_at timestamptz,
    created_by uuid,
    created_at timestamptz not null default now(),
    ready_at timestamptz,
    constraint document_versions_pkey primary key (tenant_id, version_id),
    constraint document_versions_number_key unique (tenant_id, document_id, number),
    constraint document_versions_document_id_fkey foreign key (tenant_id, document_id)
        references app.documents (tenant_id, document_id) on delete cascade,
    constraint document_versions_state_check
        check (state in ('received', 'parsing', 'chunking', 'embedding', 'ready', 'superseded', 'failed', 'cancelled')),
    constraint document_versions_failure_check check ((state = 'failed') = (failure_code is not null)),
    constraint document_versions_media_type_check
        check (media_type in ('text/markdown', 'text/html', 'text/plain', 'text/x-source')),
    constraint document_versions_content_sha256_check check (length(content_sha256) = 32)
);
comment on table app.document_versions is 'Bytes as they were received; never changed, only replaced by the next number';
comment on column app.document_versions.tenant_id is 'Tenant';
comment on column app.document_versions.version_id is 'UUIDv7';
comment on column app.document_versions.document_id is 'Document that it is a version of';
comment on column app.document_versions.number is 'Counts from 1 within the document';
comment on column app.document_versions.state is 'received, parsing, chunking, embedding, ready; or superseded, failed, cancelled';
comment on column app.document_versions.failure_code is 'Closed set of codes, e.g. not_utf8; set when failed';
comment on column app.document_versions.failure_detail is 'What a person can do about the failure';
comment on column app.document_versions.media_type is 'text/markdown, text/html, text/plain or text/x-source';
comment on column app.document_versions.size_bytes is 'Size of the original, in bytes';
comment on column app.document_versions.content_sha256 is 'SHA-256 of the original: the same bytes are not processed again';
comment on column app.document_versions.object_key is 'Where the original lies in the object store';
comment on column app.document_versions.title is 'Title found in the content';
comment on column app.document_versions.language is 'Language that the content declares';
comment on column app.document_versions.char_count is 'Characters (Unicode scalar values) of the extracted text';
comment on column app.document_versions.chunk_count is 'Chunks made of it';
comment on column app.document_versions.term_count is 'Terms of its chunks';
comment on column app.document_versions.window_count is 'Embedded windows of its chunks';
comment on column app.document_versions.attempts is 'How often a worker began to process it';
comment on column app.document_versions.lease_token is 'Worker that holds it; a write with another token changes nothing';
comment on column app.document_versions.lease_expires_at is 'From then on another worker may take it over';
comment on column app.document_versions.created_by is 'Key that uploaded it';
comment on column app.document_versions.created_at is 'When it was received';
comment on column app.document_versions.ready_at is 'When readers first saw it';
call app.isolate('app.document_versions', 'select, insert, update, delete');

alter table app.documents add constraint documents_active_version_id_fkey
    foreign key (tenant_id, active_version_id) references app.document_versions (tenant_id, version_id);

create table app.document_texts (
    tenant_id uuid not null,
    version_id uuid not null,
    body text not null,
    constraint document_texts_pkey primary key (tenant_id, version_id),
    constraint document_texts_version_id_fkey foreign key (tenant_id, version_id)
        references app.document_versions (tenant_id, version_id) on delete cascade
);
comment on table app.document_texts is 'Extracted text; the ranges of chunks and citations count its characters';
comment on column app.document_texts.tenant_id is 'Tenant';
comment on column app.document_texts.version_id is 'Version that the text was read from';
comment on column app.document_texts.body is 'Readable text: substring(body from char_start + 1 for char_end - char_start) is a passage';
call app.isolate('app.document_texts', 'select, insert, delete');

create table app.ingestion_attempts (
    tenant_id uuid not null,
    version_id uuid not null,
    number int not null,
    stage text not null,
    failure_code text,
    failure_detail text,
    parse_ms int,
    chunk_ms int,
    embed_ms int,
    index_ms int,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint ingestion_attempts_pkey primary key (tenant_id, version_id, number),
    constraint ingestion_attempts_version_id_fkey foreign key (tenant_id, version_id)
        references app.document_versions (tenant_id, version_id) on delete cascade
);
comment on table app.ingestion_attempts is 'Each attempt to process a version: how far it came, how long it took, why it ended';
comment on column app.ingestion_attempts.tenant_id is 'Tenant';
comment on column app.ingestion_attempts.version_id is 'Version';
comment on column app.ingestion_attempts.number is 'Counts from 1 within the version';
comment on column app.ingestion_attempts.stage is 'Last state that it reached';
comment on column app.ingestion_attempts.failure_code is 'Why it ended early; null when it went through or still runs';
comment on column app.ingestion_attempts.failure_detail is 'The same in words';
comment on column app.ingestion_attempts.parse_ms is 'Milliseconds of parsing';
comment on column app.ingestion_attempts.chunk_ms is 'Milliseconds of chunking';
comment on column app.ingestion_attempts.embed_ms is 'Milliseconds of embedding';
comment on column app.ingestion_attempts.index_ms is 'Milliseconds of writing to the index';
comment on column app.ingestion_attempts.started_at is 'When it began';
comment on column app.ingestion_attempts.ended_at is 'When it ended';
call app.isolate('app.ingestion_attempts', 'select, insert, update');
