-- Sources that are archives. An archive is fetched once in a run and held in the store of originals until the run is over, so that
-- whoever goes on with the run reads the very same one. What is held is announced as originals are, and removed in the end
-- whatever becomes of the run.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

alter table app.sources
    add column content_etag text,
    add column content_last_modified text,
    add column strips_top_folder boolean,
    drop constraint sources_kind_check,
    add constraint sources_kind_check check (kind in ('website', 'archive'));
comment on column app.sources.kind is 'What it is: website or archive';
comment on column app.sources.content_etag is
    'What the server calls the archive that all items are from, to ask whether there is another one; null for none';
comment on column app.sources.content_last_modified is 'When the server says that this archive was changed, as it says it';
comment on column app.sources.strips_top_folder is
    'Whether the names of its documents are without the one folder around all files of the archive; null when that is open';

alter table app.source_runs
    add column is_planned boolean not null default false,
    add column content_id uuid,
    add column content_etag text,
    add column content_last_modified text;
comment on column app.source_runs.is_planned is 'Whether all files of an archive that it looks at are among its pages';
comment on column app.source_runs.content_id is 'Archive that it reads: the id under which it is held in the store of originals';
comment on column app.source_runs.content_etag is 'What the server calls this archive';
comment on column app.source_runs.content_last_modified is 'When the server says that this archive was changed, as it says it';

alter table app.source_pages add column entry int;
comment on column app.source_pages.url is 'Address of a page, name of a file''s document, or path of a file that is refused';
comment on column app.source_pages.entry is 'Number of a file in its archive, from 0; null for a page, and for a file that is refused';
comment on column app.source_items.url is 'Address, or name of the document of a file';

-- The last, as each upload writes to it: it is locked for the shortest time.
alter table app.pending_originals add column held_until timestamptz;
comment on table app.pending_originals is
    'Originals that are being stored and have no version yet, and content that is held for a time; what stays here is removed';
comment on column app.pending_originals.version_id is 'Version that it will be the original of; for content that is held an id of its own';
comment on column app.pending_originals.held_until is 'Content that is held is not removed before; null for an original, and for content that no run has noted yet';
