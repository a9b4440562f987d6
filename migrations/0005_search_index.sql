-- What search reads. All three tables are hash-partitioned by tenant, so that a scan of one tenant's vectors or
-- postings touches one partition. Rows exist for active versions only: a reader never sees a half-indexed document.

create table app.chunks (
    tenant_id uuid not null,
    chunk_id uuid not null,
    collection_id uuid not null,
    document_id uuid not null,
    version_id uuid not null,
    ordinal int not null,
    heading_path text[] not null,
    anchor text,
    char_start int not null,
    char_end int not null,
    body text not null,
    embedded_sha256 bytea not null,
    embedding_model text not null,
    constraint chunks_pkey primary key (tenant_id, chunk_id),
    constraint chunks_ordinal_key unique (tenant_id, version_id, ordinal),
    constraint chunks_version_id_fkey foreign key (tenant_id, version_id)
        references app.document_versions (tenant_id, version_id) on delete cascade,
    constraint chunks_range_check check (char_start >= 0 and char_end > char_start)
) partition by hash (tenant_id);
comment on table app.chunks is 'Passages of active versions: what is found and cited';
comment on column app.chunks.tenant_id is 'Tenant';
comment on column app.chunks.chunk_id is 'UUIDv7';
comment on column app.chunks.collection_id is 'Collection of the document';
comment on column app.chunks.document_id is 'Document';
comment on column app.chunks.version_id is 'Version that the passage was read from';
comment on column app.chunks.ordinal is 'Counts from 0 within the version';
comment on column app.chunks.heading_path is 'Headings above the passage, outermost first';
comment on column app.chunks.anchor is 'Fragment of the nearest heading, for a link';
comment on column app.chunks.char_start is 'First character in the extracted text, from 0';
comment on column app.chunks.char_end is 'Character after the last one';
comment on column app.chunks.body is 'The passage itself';
comment on column app.chunks.embedded_sha256 is 'SHA-256 of what was embedded: the same text is not embedded again';
comment on column app.chunks.embedding_model is 'Model of its vectors';
create index chunks_embedded_sha256_idx on app.chunks (tenant_id, embedding_model, embedded_sha256);
call app.isolate('app.chunks', 'select, insert, delete');
call app.partition_by_tenant('app.chunks', 16);

create table app.chunk_windows (
    tenant_id uuid not null,
    chunk_id uuid not null,
    number int not null,
    collection_id uuid not null,
    embedding_model text not null,
    embedding public.halfvec not null,
    constraint chunk_windows_pkey primary key (tenant_id, chunk_id, number),
    constraint chunk_windows_chunk_id_fkey foreign key (tenant_id, chunk_id)
        references app.chunks (tenant_id, chunk_id) on delete cascade
) partition by hash (tenant_id);
comment on table app.chunk_windows is 'Embeddings: one for each window of a passage, since a model reads a limited number of tokens';
comment on column app.chunk_windows.tenant_id is 'Tenant';
comment on column app.chunk_windows.chunk_id is 'Passage';
comment on column app.chunk_windows.number is 'Counts from 0 within the passage';
comment on column app.chunk_windows.collection_id is 'Collection, repeated here so that a filtered scan needs no join';
comment on column app.chunk_windows.embedding_model is 'Model of the vector: vectors of different models are never compared';
comment on column app.chunk_windows.embedding is 'Unit length, 16-bit floats';
alter table app.chunk_windows alter column embedding set storage plain;
call app.isolate('app.chunk_windows', 'select, insert, delete');
call app.partition_by_tenant('app.chunk_windows', 16);

-- Postings for BM25. A btree of equality on uuid and text is usable under row-level security; GIN is not, since its
-- operators are not leakproof. One row per term and version keeps the rows few.
create table app.chunk_terms (
    tenant_id uuid not null,
    term text not null,
    version_id uuid not null,
    collection_id uuid not null,
    chunk_ids uuid[] not null,
    frequencies int[] not null,
    lengths int[] not null,
    constraint chunk_terms_pkey primary key (tenant_id, term, version_id),
    constraint chunk_terms_version_id_fkey foreign key (tenant_id, version_id)
        references app.document_versions (tenant_id, version_id) on delete cascade,
    constraint chunk_terms_arrays_check
        check (cardinality(chunk_ids) = cardinality(frequencies) and cardinality(chunk_ids) = cardinality(lengths))
) partition by hash (tenant_id);
comment on table app.chunk_terms is 'In which passages of a version a term stands, and how often';
comment on column app.chunk_terms.tenant_id is 'Tenant';
comment on column app.chunk_terms.term is 'Stem or identifier, as the term analysis gives it';
comment on column app.chunk_terms.version_id is 'Version of the passages';
comment on column app.chunk_terms.collection_id is 'Collection, repeated here so that a filtered scan needs no join';
comment on column app.chunk_terms.chunk_ids is 'Passages that hold the term';
comment on column app.chunk_terms.frequencies is 'How often each of them holds it';
comment on column app.chunk_terms.lengths is 'Terms in each of them, for the length norm';
create index chunk_terms_version_id_idx on app.chunk_terms (tenant_id, version_id);
call app.isolate('app.chunk_terms', 'select, insert, delete');
call app.partition_by_tenant('app.chunk_terms', 16);
