-- Of a page that another one stands for, which one that is. When nothing comes of that one, the page is found by its address and
-- looked at once more.

alter table app.source_pages
    add column leads_to text,
    add constraint source_pages_leads_to_check check (length(leads_to) between 1 and 1000);
comment on column app.source_pages.leads_to is
    'Address of the page that it redirects to or calls the right one, when it was left out for that one; stays while it is looked at once more';
create index source_pages_leads_to_idx on app.source_pages (tenant_id, run_id, leads_to) where leads_to is not null;
