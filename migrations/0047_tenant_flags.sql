-- What the operator switches off or on for single tenants, whatever holds for all.

create table app.tenant_flags (
    tenant_id uuid not null,
    flag text not null,
    is_on boolean not null,
    updated_at timestamptz not null default now(),
    constraint tenant_flags_pkey primary key (tenant_id, flag),
    constraint tenant_flags_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint tenant_flags_flag_check check (flag in ('uploads', 'questions'))
);
comment on table app.tenant_flags is 'Flags of a tenant of its own; what has no row is as the settings say';
comment on column app.tenant_flags.tenant_id is 'Tenant';
comment on column app.tenant_flags.flag is 'uploads: documents are taken; questions: questions are answered';
comment on column app.tenant_flags.is_on is 'Whether it is so';
comment on column app.tenant_flags.updated_at is 'When the operator set it last';
call app.isolate('app.tenant_flags', 'select, insert, update, delete');
