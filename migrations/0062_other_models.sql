-- Models that collections need beside the one that the database was made with.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

-- A table without tenants would be a breach of the wall for older processes, which know all of them: so this stands in the row
-- that is there. A process that can not embed with one of these models does not start.
alter table app.embedding_space
    add column other_models text[] not null default '{}',
    add column other_models_at timestamptz;
comment on column app.embedding_space.other_models is
    'Models beside it that collections came to need; those that none needs any more are taken out some time after';
comment on column app.embedding_space.other_models_at is 'When a collection last came to need one';
grant update (other_models, other_models_at) on app.embedding_space to pidima_app;
