-- Uploads of large files, which go to the store of originals part by part and past the service. A row stands from before the
-- store hears of the upload until it expires: what nobody completes is found here, and its parts are removed.
--
-- The version's id is chosen at the beginning, since the parts are those of its original. When an upload is completed at the
-- store, the original is announced in pending_originals as any other: the row here and that one tell together how far it came.

create table app.uploads (
    tenant_id uuid not null,
    upload_id uuid not null,
    version_id uuid not null,
    collection_id uuid not null,
    name text not null,
    declared_type text,
    source_url text,
    metadata jsonb,
    size_bytes bigint not null,
    part_bytes bigint not null,
    declared_sha256 bytea,
    store_id text,
    state text not null default 'opening',
    failure_code text,
    failure_detail text,
    answer_status smallint,
    answer text,
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint uploads_pkey primary key (tenant_id, upload_id),
    constraint uploads_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint uploads_sizes_check check (size_bytes > 0 and part_bytes > 0),
    constraint uploads_declared_sha256_check check (length(declared_sha256) = 32),
    constraint uploads_state_check check (state in ('opening', 'open', 'completing', 'completed', 'failed')),
    constraint uploads_store_id_check check (state = 'opening' or store_id is not null),
    constraint uploads_failure_check check ((state = 'failed') = (failure_code is not null)),
    constraint uploads_answer_check check ((state = 'completed') = (answer is not null and answer_status is not null))
);
comment on table app.uploads is 'Large files that are sent in parts, from the first request until they expire';
comment on column app.uploads.tenant_id is 'Tenant';
comment on column app.uploads.upload_id is 'UUIDv7';
comment on column app.uploads.version_id is 'Version that it will be the original of; part of the key at the store';
comment on column app.uploads.collection_id is 'Collection of the document; who does not reach it does not see the upload';
comment on column app.uploads.name is 'Name of the document';
comment on column app.uploads.declared_type is 'Media type that the sender declared';
comment on column app.uploads.source_url is 'Where a reader finds the original';
comment on column app.uploads.metadata is 'The tenant''s own object';
comment on column app.uploads.size_bytes is 'Size of the whole file, declared at the beginning and checked at the end';
comment on column app.uploads.part_bytes is 'Size of each part but the last one';
comment on column app.uploads.declared_sha256 is 'SHA-256 of the whole file, where it was declared at the beginning';
comment on column app.uploads.store_id is 'The store''s own id of the upload; null until the store has begun it';
comment on column app.uploads.state is 'opening (nobody was told of it yet), open, completing, completed or failed';
comment on column app.uploads.failure_code is 'Why it failed, for programs';
comment on column app.uploads.failure_detail is 'The same in words';
comment on column app.uploads.answer_status is 'Status of HTTP of the answer to its completion';
comment on column app.uploads.answer is 'Body of that answer, given again to whoever completes it again';
comment on column app.uploads.created_by is 'Key or person that began it';
comment on column app.uploads.created_at is 'When it was begun';
comment on column app.uploads.expires_at is 'From then on no part is taken; parts and row are removed soon after';
create index uploads_expires_at_idx on app.uploads (tenant_id, expires_at);
call app.isolate('app.uploads', 'select, insert, update, delete');
