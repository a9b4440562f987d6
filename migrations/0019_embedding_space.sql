-- Which embedding model the vectors of this database are of. Vectors of different models are never compared: a process with
-- another model would find documents by words alone and tell nobody. So each asks here before it serves.

create table app.embedding_space (
    singleton boolean not null default true,
    model text not null,
    dimensions int not null,
    created_at timestamptz not null default now(),
    constraint embedding_space_pkey primary key (singleton),
    constraint embedding_space_singleton_check check (singleton),
    constraint embedding_space_model_check check (length(model) between 1 and 300),
    constraint embedding_space_dimensions_check check (dimensions between 1 and 4000)
);
comment on table app.embedding_space is 'The embedding model of all vectors, in one row; of no tenant';
comment on column app.embedding_space.singleton is 'Always true: there is one row';
comment on column app.embedding_space.model is 'Id of the model, as it stands beside each vector';
comment on column app.embedding_space.dimensions is 'Numbers in each vector; a row of vectors must fit on a page of 8 KB';
comment on column app.embedding_space.created_at is 'When the first process claimed it';
revoke all on app.embedding_space from public;
grant select, insert on app.embedding_space to pidima_app;

-- A database with tenants was filled when there was one model.
insert into app.embedding_space (model, dimensions)
select 'all-minilm-l6-v2-int8', 384
where exists (select from app.tenant_directory);
