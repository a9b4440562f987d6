-- A passage may reach over several pages: a citation names the one on which its quote begins.

alter table app.chunks
    add column page_starts int[] not null default '{}';
comment on column app.chunks.page_starts is
    'First character of each later page that the passage reaches, as char_start counts: the first is that of page + 1. Empty for versions that were read before there was this column: reprocess those';
comment on column app.citations.page is 'Page or slide of the original on which the quote begins, from 1; null for formats without pages';
