-- Whether a model writes about the documents of a collection, and for how much.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

alter table app.collections
    add column enrichment text not null default 'off',
    add column enrichment_monthly_tokens bigint,
    add column enrichment_waits_for text,
    -- What has no name holds the attachments of a session: those are nobody's documentation, and no model reads them ahead.
    add constraint collections_enrichment_check check (enrichment = 'off' or enrichment = 'on' and name is not null),
    add constraint collections_enrichment_monthly_tokens_check check (enrichment_monthly_tokens >= 0),
    add constraint collections_enrichment_waits_for_check
        check (enrichment_waits_for in ('no_model', 'collection_budget', 'tenant_budget', 'tenant_quota'));
comment on column app.collections.enrichment is 'off, or on: a model writes headings in context, summaries and questions';
comment on column app.collections.enrichment_monthly_tokens is
    'Tokens that enrichment may use in a month of UTC; null for as many as the settings say';
comment on column app.collections.enrichment_waits_for is
    'Why enrichment stands still: no_model, collection_budget, tenant_budget or tenant_quota; null when it does not';
