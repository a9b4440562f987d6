-- Citations are found by their own id, know their page where the format has any, and say to analysts when they are stale;
-- runs keep what was taken out of the model's text.

alter table app.citations
    add column page int,
    add constraint citations_page_check check (page >= 1);
comment on column app.citations.page is 'Page of the original, from 1; null for formats without pages';
-- A partitioned table takes no index concurrently. Rows are written at the end of an answer only, which waits meanwhile.
create index citations_citation_id_idx on app.citations (tenant_id, citation_id);

alter table app.runs
    add column filtered jsonb,
    add constraint runs_filtered_check check (jsonb_typeof(filtered) = 'object');
comment on column app.runs.filtered is
    'Links, images, markup and characters taken out of the model''s text or made harmless, by kind; null when there were none';

grant select (page) on app.citations to pidima_analyst;
grant select (filtered) on app.runs to pidima_analyst;

create or replace view analytics.citations with (security_invoker = true, security_barrier = true) as
select
    c.citation_id,
    c.message_id,
    c.number,
    c.document_id,
    c.document_title,
    c.version_number,
    c.heading_path,
    c.url,
    c.char_start,
    c.char_end,
    c.quote,
    c.verified,
    c.page,
    not exists (
        select
        from app.documents d
        where d.tenant_id = c.tenant_id
            and d.document_id = c.document_id
            and d.active_version_id = c.version_id
    ) as stale
from app.citations c;

create view analytics.filtered_answers with (security_invoker = true, security_barrier = true) as
select
    r.run_id,
    r.answer_id as message_id,
    r.provider,
    r.model,
    coalesce((r.filtered ->> 'links')::int, 0) as links,
    coalesce((r.filtered ->> 'images')::int, 0) as images,
    coalesce((r.filtered ->> 'markup')::int, 0) as markup,
    coalesce((r.filtered ->> 'characters')::int, 0) as characters,
    r.created_at as asked_at
from app.runs r
where r.filtered is not null;
comment on view analytics.filtered_answers is
    'One row per answer of which something was taken out or made harmless before anybody saw it';
grant select on analytics.filtered_answers to pidima_app, pidima_analyst;
