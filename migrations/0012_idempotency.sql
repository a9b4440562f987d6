-- Idempotency keys: what a creating request did, so that the same request sent again under its key does nothing twice.
--
-- A row is written in the transaction of the effect, so that there is a row exactly when there is the effect. A request
-- in flight has no row: it holds an advisory lock of its transaction, which ends with it, however it ends.

create table app.idempotency_keys (
    tenant_id uuid not null,
    principal_id uuid not null,
    key text not null,
    request_sha256 bytea not null,
    status int not null,
    body text,
    secret_of text,
    run_id uuid,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, principal_id, key),
    constraint idempotency_keys_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id),
    constraint idempotency_keys_key_check check (length(key) between 1 and 255),
    constraint idempotency_keys_request_sha256_check check (length(request_sha256) = 32)
);
comment on table app.idempotency_keys is 'Requests that were carried out, by the key that their sender chose; swept when they are over';
comment on column app.idempotency_keys.tenant_id is 'Tenant';
comment on column app.idempotency_keys.principal_id is 'Key, person or end user that sent the request; each has keys of its own';
comment on column app.idempotency_keys.key is 'Header Idempotency-Key of the request';
comment on column app.idempotency_keys.request_sha256 is 'SHA-256 of method, path and body: another request under the same key is refused';
comment on column app.idempotency_keys.status is 'HTTP status of the response';
comment on column app.idempotency_keys.body is 'Body of the response, as it was sent; null where it held a secret, and for answers of a run';
comment on column app.idempotency_keys.secret_of is 'Path of what a secret in the response was for; the reason why the body is not kept';
comment on column app.idempotency_keys.run_id is 'Run whose events are the response';
comment on column app.idempotency_keys.created_at is 'When the request was carried out';
comment on column app.idempotency_keys.expires_at is 'From then on the key is free again, and the row is swept';
create index idempotency_keys_expires_at_idx on app.idempotency_keys (tenant_id, expires_at);
call app.isolate('app.idempotency_keys', 'select, insert, update, delete');

create table app.operator_idempotency_keys (
    operator_key_id uuid not null,
    key text not null,
    request_sha256 bytea not null,
    status int not null,
    body text,
    secret_of text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint operator_idempotency_keys_pkey primary key (operator_key_id, key),
    constraint operator_idempotency_keys_operator_key_id_fkey foreign key (operator_key_id)
        references app.operator_keys (operator_key_id),
    constraint operator_idempotency_keys_key_check check (length(key) between 1 and 255),
    constraint operator_idempotency_keys_request_sha256_check check (length(request_sha256) = 32)
);
comment on table app.operator_idempotency_keys is 'The same for requests of the operator, who has no tenant';
comment on column app.operator_idempotency_keys.operator_key_id is 'Key of the operator that sent the request';
comment on column app.operator_idempotency_keys.key is 'Header Idempotency-Key of the request';
comment on column app.operator_idempotency_keys.request_sha256 is 'SHA-256 of method, path and body: another request under the same key is refused';
comment on column app.operator_idempotency_keys.status is 'HTTP status of the response';
comment on column app.operator_idempotency_keys.body is 'Body of the response, as it was sent; null where it held a secret';
comment on column app.operator_idempotency_keys.secret_of is 'Path of what a secret in the response was for; the reason why the body is not kept';
comment on column app.operator_idempotency_keys.created_at is 'When the request was carried out';
comment on column app.operator_idempotency_keys.expires_at is 'From then on the key is free again, and the row is swept';
create index operator_idempotency_keys_expires_at_idx on app.operator_idempotency_keys (expires_at);
grant select, insert, update, delete on app.operator_idempotency_keys to pidima_app;
