-- Re-embedding: a collection gets vectors of another model beside those that its searches read, and is then switched to them.
--
-- The vectors of the database's own model stay in chunk_windows, where older processes look for them; those of any other model
-- lie in a table of their own, so that nobody who knows of one model alone meets the other's. Which vectors a search reads is
-- one column of the collection: changing it is one update, and a search in its snapshot sees either the one or the other.

-- Each table that is in use is changed in a migration, and so a transaction, of its own: who holds one of them and waits for the
-- next could wait for somebody who publishes, and takes them in another order.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

alter table app.document_versions add column embedding_models text[];
comment on column app.document_versions.embedding_models is
    'Models of which all its passages have vectors; null, as older processes leave it, for the database''s own alone';
