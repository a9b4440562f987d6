-- Files of one conversation. They are documents like any other, in a collection that belongs to a session: read, cut, embedded
-- and cited the same way, and found in the answers of that session alone.
--
-- Such a collection is told from its id: it is the session's, a UUIDv7, with version 8 in place of 7. So whoever meets the id in
-- a row of documents, passages or postings knows without a look elsewhere that it is nobody's documentation. It has no name,
-- since names are the tenant's own.
--
-- However a session goes, its row takes only the link away: what is left without a session is found by the worker, which removes
-- documents and originals. Who deletes through the API removes both in the same transaction.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

-- There are few collections, so that looking through them takes no time.
alter table app.collections
    alter column name drop not null,
    add column session_id uuid,
    add constraint collections_session_id_key unique (tenant_id, session_id),
    add constraint collections_session_id_fkey foreign key (tenant_id, session_id)
        references app.sessions (tenant_id, session_id) on delete set null (session_id),
    add constraint collections_kind_check
        check ((name is null) = (uuid_extract_version(collection_id) is not distinct from 8));
comment on column app.collections.name is 'Unique within the tenant; null for the attachments of a session';
comment on column app.collections.session_id is
    'Session whose attachments these are; null for documentation, and for attachments whose session is gone, which are removed';
-- Whether the tenant's conversations have any at all is asked by each search; which of them have no session, by the sweep.
create index collections_collection_id_idx on app.collections (tenant_id, collection_id) where name is null;

-- The check holds for what is written from now on; before, the column is null.
alter table app.run_traces
    add column unread_attachments jsonb,
    add constraint run_traces_unread_attachments_check check (jsonb_typeof(unread_attachments) = 'array') not valid;
comment on column app.run_traces.unread_attachments is
    'Attachments of the session that were not in search when the question was: document, name and state of each; null for none';

create or replace view analytics.documents_by_use with (security_invoker = true, security_barrier = true) as
select
    d.document_id,
    d.name,
    d.title,
    k.name as collection,
    v.state as latest_state,
    v.failure_code,
    v.chunk_count,
    d.updated_at,
    (
        select count(*)
        from app.citations c
        where c.tenant_id = d.tenant_id
            and c.document_id = d.document_id
    ) as citations
from app.documents d
join app.collections k on k.tenant_id = d.tenant_id and k.collection_id = d.collection_id
left join app.document_versions v
    on v.tenant_id = d.tenant_id
    and v.document_id = d.document_id
    and v.number = d.latest_version_number
-- What somebody attached to a conversation is no documentation.
where k.name is not null;

-- Processes of the version before take a collection without a name for documentation, and would show what is attached to whoever
-- asks. So tenants that there are get attachments when the operator says that no such process is left; new tenants have them at once.
-- The owner is bound by the wall as everybody else, so it is lifted for this one statement, inside the migration's transaction.
alter table app.tenant_flags
    drop constraint tenant_flags_flag_check,
    add constraint tenant_flags_flag_check check (flag in ('uploads', 'questions', 'attachments'));
comment on column app.tenant_flags.flag is
    'uploads: documents are taken; questions: questions are answered; attachments: files may be attached to sessions';
alter table app.tenant_flags no force row level security;
insert into app.tenant_flags (tenant_id, flag, is_on)
select
    tenant_id,
    'attachments',
    false
from app.tenants;
alter table app.tenant_flags force row level security;
