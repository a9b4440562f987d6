-- An original is stored before there is a version of it, by another service. It is announced first, so that one whose upload
-- breaks off in between is known and removed. The transaction that makes the version takes the announcement away: whichever
-- of both takes it has it, and the other one finds nothing.

create table app.pending_originals (
    tenant_id uuid not null,
    version_id uuid not null,
    created_at timestamptz not null default now(),
    constraint pending_originals_pkey primary key (tenant_id, version_id),
    constraint pending_originals_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade
);
comment on table app.pending_originals is 'Originals that are being stored and have no version yet; what stays here is removed';
comment on column app.pending_originals.tenant_id is 'Tenant that uploads';
comment on column app.pending_originals.version_id is 'Version that it will be the original of';
comment on column app.pending_originals.created_at is 'When the upload began';
-- Nobody changes a row: the right is asked for by locks.
call app.isolate('app.pending_originals', 'select, insert, update, delete');
