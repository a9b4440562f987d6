-- Sources of documents: places that are read again and again, and the runs that read them. All that a run knows stands here, so
-- that another worker goes on where one died: what it has still to look at (pages), and what it found the time before (items).

create table app.sources (
    tenant_id uuid not null,
    source_id uuid not null,
    collection_id uuid not null,
    name text not null,
    kind text not null,
    configuration jsonb not null,
    state text not null default 'active',
    every_minutes int,
    next_run_at timestamptz,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sources_pkey primary key (tenant_id, source_id),
    constraint sources_collection_id_fkey foreign key (tenant_id, collection_id)
        references app.collections (tenant_id, collection_id) on delete cascade,
    constraint sources_name_check check (length(name) between 1 and 100),
    constraint sources_kind_check check (kind in ('website')),
    constraint sources_state_check check (state in ('active', 'paused')),
    constraint sources_every_minutes_check check (every_minutes > 0),
    constraint sources_next_run_at_check check (next_run_at is null or every_minutes is not null)
);
comment on table app.sources is 'Places from which documents are read again and again';
comment on column app.sources.tenant_id is 'Tenant';
comment on column app.sources.source_id is 'UUIDv7';
comment on column app.sources.collection_id is 'Collection that its documents are in; a source goes with it';
comment on column app.sources.name is 'What people call it';
comment on column app.sources.kind is 'What it is: website';
comment on column app.sources.configuration is 'Where and how it is read, as the API shows it, without the kind';
comment on column app.sources.state is 'active, or paused: runs on request alone';
comment on column app.sources.every_minutes is 'How often it is read by itself; null for never';
comment on column app.sources.next_run_at is 'When it is read by itself next; null for never';
comment on column app.sources.created_by is 'Key or person that made it';
comment on column app.sources.created_at is 'When it was made';
comment on column app.sources.updated_at is 'When somebody last changed it';
create index sources_collection_id_idx on app.sources (tenant_id, collection_id);
create index sources_next_run_at_idx on app.sources (tenant_id, next_run_at) where next_run_at is not null;
call app.isolate('app.sources', 'select, insert, update, delete');

create table app.source_runs (
    tenant_id uuid not null,
    run_id uuid not null,
    source_id uuid not null,
    trigger text not null,
    allow_mass_deletion boolean not null default false,
    state text not null default 'queued',
    phase text not null default 'reading',
    robots text,
    limit_code text,
    pages_found int not null default 0,
    sitemaps_found int not null default 0,
    bytes_read bigint not null default 0,
    seen int not null default 0,
    new int not null default 0,
    changed int not null default 0,
    unchanged int not null default 0,
    skipped int not null default 0,
    failed int not null default 0,
    deleted int not null default 0,
    reason_code text,
    reason_detail text,
    lease_token uuid,
    lease_expires_at timestamptz,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    constraint source_runs_pkey primary key (tenant_id, run_id),
    constraint source_runs_source_id_fkey foreign key (tenant_id, source_id)
        references app.sources (tenant_id, source_id) on delete cascade,
    constraint source_runs_trigger_check check (trigger in ('request', 'schedule')),
    constraint source_runs_state_check
        check (state in ('queued', 'running', 'completed', 'partial', 'failed', 'cancelled')),
    constraint source_runs_phase_check check (phase in ('reading', 'removing'))
);
comment on table app.source_runs is 'One reading of a source each';
comment on column app.source_runs.tenant_id is 'Tenant';
comment on column app.source_runs.run_id is 'UUIDv7';
comment on column app.source_runs.source_id is 'Source';
comment on column app.source_runs.trigger is 'request: somebody asked for it; schedule: it was time';
comment on column app.source_runs.allow_mass_deletion is 'Whether it may delete more documents than a run usually may';
comment on column app.source_runs.state is
    'queued, running; completed: everything was looked at; partial: not everything was, and nothing was deleted; failed; cancelled';
comment on column app.source_runs.phase is 'reading, then removing: what is gone is deleted when everything was looked at';
comment on column app.source_runs.robots is 'robots.txt of the site as it was when the run began';
comment on column app.source_runs.limit_code is 'First limit that it met, so that not everything is looked at';
comment on column app.source_runs.pages_found is 'Pages that it knows of';
comment on column app.source_runs.sitemaps_found is 'Sitemaps that it knows of';
comment on column app.source_runs.bytes_read is 'Bytes of the answers that it read';
comment on column app.source_runs.seen is 'Pages that it looked at: the sum of new, changed, unchanged, skipped and failed';
comment on column app.source_runs.new is 'Pages that the source did not have before';
comment on column app.source_runs.changed is 'Pages with another content than before';
comment on column app.source_runs.unchanged is 'Pages with the content that they had';
comment on column app.source_runs.skipped is 'Pages that make no document: gone, not to be indexed, the same as another one';
comment on column app.source_runs.failed is 'Pages that could not be looked at';
comment on column app.source_runs.deleted is 'Pages that are no more and whose documents were deleted';
comment on column app.source_runs.reason_code is 'Why it is not completed, for programs';
comment on column app.source_runs.reason_detail is 'The same in words';
comment on column app.source_runs.lease_token is 'Of the worker that works on it';
comment on column app.source_runs.lease_expires_at is 'From then on another worker may take it';
comment on column app.source_runs.created_at is 'When it was asked for';
comment on column app.source_runs.touched_at is 'When something was last done to it';
comment on column app.source_runs.started_at is 'When a worker first took it';
comment on column app.source_runs.finished_at is 'When it came to its end';
create index source_runs_source_id_run_id_idx on app.source_runs (tenant_id, source_id, run_id);
create unique index source_runs_source_id_idx on app.source_runs (tenant_id, source_id) where state in ('queued', 'running');
call app.isolate('app.source_runs', 'select, insert, update, delete');

create table app.source_pages (
    tenant_id uuid not null,
    run_id uuid not null,
    position int not null,
    url text not null,
    role text not null,
    depth int not null default 0,
    state text not null default 'waiting',
    attempts int not null default 0,
    due_at timestamptz not null default now(),
    outcome text,
    reason_code text,
    reason_detail text,
    constraint source_pages_pkey primary key (tenant_id, run_id, position),
    constraint source_pages_run_id_fkey foreign key (tenant_id, run_id)
        references app.source_runs (tenant_id, run_id) on delete cascade,
    constraint source_pages_url_key unique (tenant_id, run_id, url),
    constraint source_pages_url_check check (length(url) between 1 and 1000),
    constraint source_pages_role_check check (role in ('page', 'sitemap')),
    constraint source_pages_state_check check (state in ('waiting', 'done')),
    constraint source_pages_outcome_check check (
        (state = 'done') = (outcome is not null)
        and outcome in ('new', 'changed', 'unchanged', 'skipped', 'failed', 'read')
    )
);
comment on table app.source_pages is 'What a run knows of and looks at; at its end what failed or was skipped stays, as much of it as the limit';
comment on column app.source_pages.tenant_id is 'Tenant';
comment on column app.source_pages.run_id is 'Run';
comment on column app.source_pages.position is 'Order in which they were found, from 1';
comment on column app.source_pages.url is 'Address';
comment on column app.source_pages.role is 'page, or sitemap: a list of pages';
comment on column app.source_pages.depth is 'Links between it and the start';
comment on column app.source_pages.state is 'waiting or done';
comment on column app.source_pages.attempts is 'How often it was begun';
comment on column app.source_pages.due_at is 'When it is looked at, after an attempt that failed';
comment on column app.source_pages.outcome is 'new, changed, unchanged, skipped or failed; read for a sitemap';
comment on column app.source_pages.reason_code is 'Why it failed or was skipped, for programs';
comment on column app.source_pages.reason_detail is 'The same in words';
create index source_pages_role_depth_position_idx on app.source_pages (tenant_id, run_id, role desc, depth, position)
    where state = 'waiting';
call app.isolate('app.source_pages', 'select, insert, update, delete');

create table app.source_items (
    tenant_id uuid not null,
    source_id uuid not null,
    url text not null,
    document_id uuid,
    etag text,
    last_modified text,
    content_sha256 bytea not null,
    links text[] not null default '{}',
    last_run_id uuid not null,
    constraint source_items_pkey primary key (tenant_id, source_id, url),
    constraint source_items_source_id_fkey foreign key (tenant_id, source_id)
        references app.sources (tenant_id, source_id) on delete cascade,
    constraint source_items_document_id_fkey foreign key (tenant_id, document_id)
        references app.documents (tenant_id, document_id) on delete set null (document_id),
    constraint source_items_url_check check (length(url) between 1 and 1000)
);
comment on table app.source_items is 'Pages of a source that have a document, as they were when they were last read';
comment on column app.source_items.tenant_id is 'Tenant';
comment on column app.source_items.source_id is 'Source';
comment on column app.source_items.url is 'Address';
comment on column app.source_items.document_id is 'Document; null when somebody deleted it, and it comes back when the page is next read';
comment on column app.source_items.etag is 'What the server calls this content, to ask whether there is another one';
comment on column app.source_items.last_modified is 'When the server says that it was changed, as it says it';
comment on column app.source_items.content_sha256 is 'Digest of the content';
comment on column app.source_items.links is 'Pages that it leads to: of one that has not changed no content comes to be read';
comment on column app.source_items.last_run_id is 'Last run that found it';
create index source_items_document_id_idx on app.source_items (tenant_id, document_id);
create index source_items_last_run_id_idx on app.source_items (tenant_id, source_id, last_run_id);
call app.isolate('app.source_items', 'select, insert, update, delete');

alter table app.webhook_endpoints
    drop constraint webhook_endpoints_events_check,
    add constraint webhook_endpoints_events_check check (
        cardinality(events) > 0
        and events <@ array['document.ready', 'document.failed', 'source.synced']
    );
comment on column app.webhook_endpoints.events is
    'Names of the events that are sent: document.ready, document.failed, source.synced';

call app.open_to_analysts('app.sources', 'tenant_id, source_id, collection_id, name, kind, state, every_minutes, next_run_at');
call app.open_to_analysts('app.source_runs',
    'tenant_id, run_id, source_id, trigger, state, bytes_read, seen, new, changed, unchanged, skipped, failed, deleted, reason_code, created_at, started_at, finished_at');

create view analytics.source_runs with (security_invoker = true, security_barrier = true) as
select
    r.run_id,
    r.source_id,
    s.name as source,
    k.name as collection,
    r.trigger,
    r.state,
    r.reason_code,
    r.seen,
    r.new,
    r.changed,
    r.unchanged,
    r.skipped,
    r.failed,
    r.deleted,
    r.bytes_read,
    r.created_at,
    r.started_at,
    r.finished_at
from app.source_runs r
join app.sources s on s.tenant_id = r.tenant_id and s.source_id = r.source_id
join app.collections k on k.tenant_id = s.tenant_id and k.collection_id = s.collection_id;
comment on view analytics.source_runs is 'Readings of sources with what they found; those of a source that was deleted are gone';
grant select on analytics.source_runs to pidima_app, pidima_analyst;
