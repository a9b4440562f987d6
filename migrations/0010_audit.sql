-- The audit log: who did what, in a chain in which each entry holds the digest of the one before. The service may add
-- entries and read them; it has no right to change or delete one, and a change by anybody else breaks the chain.

create table app.audit_events (
    tenant_id uuid not null,
    sequence bigint not null,
    occurred_at timestamptz not null,
    actor_kind text not null,
    actor_id uuid,
    actor_name text not null,
    action text not null,
    target_kind text,
    target_id text,
    before jsonb,
    after jsonb,
    request_id text,
    address text,
    previous_sha256 bytea not null,
    sha256 bytea not null,
    constraint audit_events_pkey primary key (tenant_id, sequence),
    constraint audit_events_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint audit_events_sequence_check check (sequence >= 1),
    constraint audit_events_sha256_check check (length(sha256) = 32 and length(previous_sha256) = 32)
);
comment on table app.audit_events is 'What was done in a tenant, append-only';
comment on column app.audit_events.tenant_id is 'Tenant';
comment on column app.audit_events.sequence is 'Counts from 1 without gaps within the tenant';
comment on column app.audit_events.occurred_at is 'When, to the microsecond';
comment on column app.audit_events.actor_kind is 'api_key, member, end_user, operator or system';
comment on column app.audit_events.actor_id is 'Key, person or end user; null for the system';
comment on column app.audit_events.actor_name is 'Name at that time';
comment on column app.audit_events.action is 'What was done, e.g. api_key.created';
comment on column app.audit_events.target_kind is 'Noun of what it was done to';
comment on column app.audit_events.target_id is 'Id of what it was done to';
comment on column app.audit_events.before is 'What was there, as far as it changed; never a secret';
comment on column app.audit_events.after is 'What is there now, as far as it changed; never a secret';
comment on column app.audit_events.request_id is 'Request that did it; finds it in the log';
comment on column app.audit_events.address is 'Address that the request came from';
comment on column app.audit_events.previous_sha256 is 'Digest of the entry before; zeros for the first';
comment on column app.audit_events.sha256 is 'SHA-256 over the digest of the entry before and all fields of this one';
create index audit_events_target_id_actor_id_occurred_at_idx on app.audit_events (tenant_id, target_id, actor_id, occurred_at)
    where action = 'conversation.read';
call app.isolate('app.audit_events', 'select, insert');

create table app.audit_heads (
    tenant_id uuid not null,
    sequence bigint not null,
    sha256 bytea not null,
    constraint audit_heads_pkey primary key (tenant_id),
    constraint audit_heads_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint audit_heads_sha256_check check (length(sha256) = 32)
);
comment on table app.audit_heads is 'Last entry of each tenant''s audit log: orders those who write at once, and tells when entries were cut off the end';
comment on column app.audit_heads.tenant_id is 'Tenant';
comment on column app.audit_heads.sequence is 'Number of the last entry';
comment on column app.audit_heads.sha256 is 'Digest of the last entry; zeros while there is none';
call app.isolate('app.audit_heads', 'select, insert, update');
