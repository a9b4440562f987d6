-- Vectors of other models than the database's own; to refer to passages keeps these from being stored for a moment.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

create table app.reembedded_windows (
    tenant_id uuid not null,
    chunk_id uuid not null,
    embedding_model text not null,
    number int not null,
    collection_id uuid not null,
    embedding public.halfvec not null,
    constraint reembedded_windows_pkey primary key (tenant_id, chunk_id, embedding_model, number),
    constraint reembedded_windows_chunk_id_fkey foreign key (tenant_id, chunk_id)
        references app.chunks (tenant_id, chunk_id) on delete cascade
) partition by hash (tenant_id);
comment on table app.reembedded_windows is 'Embeddings as in chunk_windows, of other models than the database''s own';
comment on column app.reembedded_windows.tenant_id is 'Tenant';
comment on column app.reembedded_windows.chunk_id is 'Passage';
comment on column app.reembedded_windows.embedding_model is 'Model of the vector: vectors of different models are never compared';
comment on column app.reembedded_windows.number is 'Counts from 0 within the passage and model';
comment on column app.reembedded_windows.collection_id is 'Collection, repeated here so that a filtered scan needs no join';
comment on column app.reembedded_windows.embedding is 'Unit length, 16-bit floats';
alter table app.reembedded_windows alter column embedding set storage plain;
-- As for chunk_windows: who searches some collections reads the vectors of these alone. The model stands in it, so that whoever
-- looks whether any of one model are left need not read those of another.
create index reembedded_windows_collection_id_embedding_model_idx
    on app.reembedded_windows (tenant_id, collection_id, embedding_model);
call app.isolate('app.reembedded_windows', 'select, insert, delete');
call app.partition_by_tenant('app.reembedded_windows', 16);

comment on column app.chunks.embedding_model is
    'The database''s own model, also where a passage has vectors of others or of these alone; leads the index by which the same text is found';
comment on column app.chunk_windows.embedding_model is 'The database''s own model';
