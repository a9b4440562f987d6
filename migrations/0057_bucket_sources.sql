-- Sources that are buckets of S3. They are read with the worker's own role, which may see more than a tenant should: so a source
-- reads what the operator has let its tenant read, and nothing else.

-- What is waited for here holds up everybody behind it: rather not now, and once more.
set local lock_timeout = '5s';

create table app.tenant_buckets (
    tenant_id uuid not null,
    bucket text not null,
    prefix text not null,
    region text,
    owner_account text,
    created_at timestamptz not null default now(),
    constraint tenant_buckets_pkey primary key (tenant_id, bucket, prefix),
    constraint tenant_buckets_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint tenant_buckets_bucket_check check (bucket ~ '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'),
    constraint tenant_buckets_prefix_check check (length(prefix) <= 500 and (prefix = '' or prefix like '%/')),
    constraint tenant_buckets_region_check check (region ~ '^[a-z0-9-]{1,32}$'),
    constraint tenant_buckets_owner_account_check check (owner_account ~ '^[0-9]{12}$')
);
comment on table app.tenant_buckets is 'What the operator lets sources of a tenant read in buckets of S3; no operation of the API changes it';
comment on column app.tenant_buckets.tenant_id is 'Tenant';
comment on column app.tenant_buckets.bucket is 'Name of the bucket';
comment on column app.tenant_buckets.prefix is 'Beginning of the keys that may be read, with a slash at its end; empty for the whole bucket';
comment on column app.tenant_buckets.region is 'Region of the bucket; null for that of the worker';
comment on column app.tenant_buckets.owner_account is 'Account of AWS that the bucket must belong to; null for any';
comment on column app.tenant_buckets.created_at is 'When the operator first allowed it';
call app.isolate('app.tenant_buckets', 'select, insert, update, delete');

alter table app.sources
    drop constraint sources_kind_check,
    add constraint sources_kind_check check (kind in ('website', 'archive', 's3'));
comment on column app.sources.kind is 'What it is: website, archive or s3';
comment on column app.source_runs.is_planned is 'Whether all files of an archive or bucket that it looks at are among its pages';
comment on column app.source_pages.entry is 'Number of a file in its archive or bucket, from 0; null for a page, and for a file that is refused';
