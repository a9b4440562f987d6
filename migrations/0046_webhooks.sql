-- Webhooks: addresses of a tenant that are told of events, and one row for each thing told. A row is written with what it
-- tells of, so that neither goes without the other.

create table app.webhook_endpoints (
    tenant_id uuid not null,
    webhook_id uuid not null,
    url text not null,
    events text[] not null,
    state text not null default 'enabled',
    disabled_reason text,
    failures int not null default 0,
    secret_number int not null default 1,
    previous_secret_until timestamptz,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhook_endpoints_pkey primary key (tenant_id, webhook_id),
    constraint webhook_endpoints_tenant_id_fkey foreign key (tenant_id)
        references app.tenants (tenant_id) on delete cascade,
    constraint webhook_endpoints_url_check check (length(url) between 1 and 8192),
    constraint webhook_endpoints_events_check
        check (cardinality(events) > 0 and events <@ array['document.ready', 'document.failed']),
    constraint webhook_endpoints_state_check check (state in ('enabled', 'disabled')),
    constraint webhook_endpoints_disabled_reason_check check (
        (state = 'disabled') = (disabled_reason is not null)
        and disabled_reason in ('requested', 'failures', 'gone')
    ),
    constraint webhook_endpoints_failures_check check (failures >= 0),
    constraint webhook_endpoints_secret_number_check check (secret_number >= 1)
);
comment on table app.webhook_endpoints is 'Addresses that are told of events';
comment on column app.webhook_endpoints.tenant_id is 'Tenant';
comment on column app.webhook_endpoints.webhook_id is 'UUIDv7';
comment on column app.webhook_endpoints.url is 'Where events are sent';
comment on column app.webhook_endpoints.events is 'Names of the events that are sent: document.ready, document.failed';
comment on column app.webhook_endpoints.state is 'enabled or disabled';
comment on column app.webhook_endpoints.disabled_reason is
    'requested: by an admin; failures: too many deliveries in a row were given up; gone: the receiver answered 410';
comment on column app.webhook_endpoints.failures is 'Deliveries that were given up in a row';
comment on column app.webhook_endpoints.secret_number is
    'Which secret signs, from 1: the secret itself is derived from that of the installation and stored nowhere';
comment on column app.webhook_endpoints.previous_secret_until is 'Until then the secret before signs too; null when none does';
comment on column app.webhook_endpoints.created_by is 'Key or person that made it';
comment on column app.webhook_endpoints.created_at is 'When it was made';
comment on column app.webhook_endpoints.updated_at is 'When it was last changed by somebody';
call app.isolate('app.webhook_endpoints', 'select, insert, update, delete');

create table app.webhook_deliveries (
    tenant_id uuid not null,
    delivery_id uuid not null,
    webhook_id uuid not null,
    event text not null,
    payload text not null,
    state text not null default 'pending',
    attempts int not null default 0,
    attempts_before int not null default 0,
    next_attempt_at timestamptz,
    last_status int,
    failure_code text,
    failure_detail text,
    lease_token uuid,
    lease_expires_at timestamptz,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint webhook_deliveries_pkey primary key (tenant_id, delivery_id),
    constraint webhook_deliveries_webhook_id_fkey foreign key (tenant_id, webhook_id)
        references app.webhook_endpoints (tenant_id, webhook_id) on delete cascade,
    constraint webhook_deliveries_state_check check (state in ('pending', 'delivered', 'failed')),
    constraint webhook_deliveries_attempts_check check (attempts_before between 0 and attempts)
);
comment on table app.webhook_deliveries is 'What webhooks are told: one row for each event and endpoint';
comment on column app.webhook_deliveries.tenant_id is 'Tenant';
comment on column app.webhook_deliveries.delivery_id is 'UUIDv7; also the id of the message that the receiver sees';
comment on column app.webhook_deliveries.webhook_id is 'Endpoint';
comment on column app.webhook_deliveries.event is 'Name of the event; webhook.test for one that somebody asked for';
comment on column app.webhook_deliveries.payload is 'The JSON that is sent, the same bytes with each attempt: ids and states, no text of a document';
comment on column app.webhook_deliveries.state is 'pending, delivered or failed';
comment on column app.webhook_deliveries.attempts is 'How often it was sent';
comment on column app.webhook_deliveries.attempts_before is
    'Attempts before it was last asked for again: the limit of attempts counts from there';
comment on column app.webhook_deliveries.next_attempt_at is 'When it is sent again, after an attempt that failed';
comment on column app.webhook_deliveries.last_status is 'Status of HTTP of the last answer; null when there was none';
comment on column app.webhook_deliveries.failure_code is 'Why the last attempt failed, for programs';
comment on column app.webhook_deliveries.failure_detail is 'The same in words';
comment on column app.webhook_deliveries.lease_token is 'Of the worker that sends it';
comment on column app.webhook_deliveries.lease_expires_at is 'From then on another worker may send it';
comment on column app.webhook_deliveries.created_at is 'When the event happened';
comment on column app.webhook_deliveries.ended_at is 'When it was delivered or given up';
create index webhook_deliveries_webhook_id_idx on app.webhook_deliveries (tenant_id, webhook_id, delivery_id);
create index webhook_deliveries_delivery_id_idx on app.webhook_deliveries (tenant_id, delivery_id) where state = 'pending';
create index webhook_deliveries_ended_at_idx on app.webhook_deliveries (tenant_id, ended_at) where ended_at is not null;
call app.isolate('app.webhook_deliveries', 'select, insert, update, delete');

-- What is to be tried again in hours waits in the line until it is due, and takes no room in the queue.
alter table app.outbox add column due_at timestamptz;
update app.outbox set due_at = created_at;
alter table app.outbox
    alter column due_at set not null,
    alter column due_at set default now();
comment on column app.outbox.due_at is 'From then on it may be handed to the queue; the line is in this order';
drop index app.outbox_created_at_idx;
create index outbox_due_at_idx on app.outbox (for_tenant, due_at, message_id) where handed_at is null;
