-- A search that narrows to some collections must not read the windows of all others to do so. This index is the largest part of what
-- attachments need of the schema, and alone here so that nothing else is locked while it is built.
--
-- Writers of windows wait meanwhile. Where that is too long, an index on these columns is built `concurrently` on each partition of
-- app.chunk_windows beforehand: PostgreSQL takes those for its own here instead of building them.
create index chunk_windows_collection_id_idx on app.chunk_windows (tenant_id, collection_id);
