-- Which vectors searches of a collection read.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

alter table app.collections add column embedding_model text;
comment on column app.collections.embedding_model is
    'Model whose vectors searches read; null for the database''s own, which is all that older processes know';
