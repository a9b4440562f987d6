-- Credentials. A key carries its tenant, so that it is verified under row-level security.

create table app.api_keys (
    tenant_id uuid not null,
    api_key_id uuid not null,
    name text not null,
    role text not null,
    scopes text[] not null,
    secret_sha256 bytea not null,
    hint text not null,
    created_by uuid,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint api_keys_pkey primary key (tenant_id, api_key_id),
    constraint api_keys_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint api_keys_name_check check (length(name) between 1 and 100),
    constraint api_keys_role_check check (role in ('owner', 'admin', 'editor', 'member')),
    constraint api_keys_secret_sha256_check check (length(secret_sha256) = 32)
);
comment on table app.api_keys is 'Credentials of programs; the secret itself is never stored';
comment on column app.api_keys.tenant_id is 'Tenant that the key belongs to';
comment on column app.api_keys.api_key_id is 'UUIDv7; stands in the key, in front of the secret';
comment on column app.api_keys.name is 'What the key is for, in the words of its maker';
comment on column app.api_keys.role is 'owner, admin, editor or member: what the key may do';
comment on column app.api_keys.scopes is 'Narrows the role to these scopes; never widens it';
comment on column app.api_keys.secret_sha256 is 'SHA-256 of the secret part (160 random bits, so that a plain hash is right)';
comment on column app.api_keys.hint is 'Last four characters, to tell keys apart';
comment on column app.api_keys.created_by is 'Key that made this key; null when the operator made it';
comment on column app.api_keys.created_at is 'When the key was made';
comment on column app.api_keys.expires_at is 'From then on the key is refused';
comment on column app.api_keys.revoked_at is 'From then on the key is refused; null while it is good';
comment on column app.api_keys.last_used_at is 'Last use, exact to a minute';
call app.isolate('app.api_keys', 'select, insert, update');
