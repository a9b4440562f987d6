-- Work handed from a transaction to the worker. Both tables hold ids only, never a text of a tenant: the worker looks
-- the subject up under the tenant's row-level security, so that a forged id finds nothing.

create table app.outbox (
    message_id uuid not null,
    kind text not null,
    for_tenant uuid not null,
    subject_id uuid not null,
    created_at timestamptz not null default now(),
    constraint outbox_pkey primary key (message_id)
);
comment on table app.outbox is 'Work that a transaction asked for; the relay hands it to the queue and deletes it';
comment on column app.outbox.message_id is 'UUIDv7: order of hand-over';
comment on column app.outbox.kind is 'Name of the job';
comment on column app.outbox.for_tenant is 'Tenant in whose name the job runs';
comment on column app.outbox.subject_id is 'What the job is about, e.g. a document version';
comment on column app.outbox.created_at is 'When the work was asked for';
-- `update` is what locking a row (`for update skip locked`) asks for.
grant select, insert, update, delete on app.outbox to pidima_app;

create table app.jobs (
    job_id uuid not null,
    kind text not null,
    for_tenant uuid not null,
    subject_id uuid not null,
    receives int not null default 0,
    visible_at timestamptz not null default now(),
    receipt uuid,
    dead_at timestamptz,
    created_at timestamptz not null default now(),
    constraint jobs_pkey primary key (job_id)
);
comment on table app.jobs is 'The queue where SQS is not used: at least once, invisible while a worker holds it';
comment on column app.jobs.job_id is 'Id of the outbox message, so that handing over twice queues once';
comment on column app.jobs.kind is 'Name of the job';
comment on column app.jobs.for_tenant is 'Tenant in whose name the job runs';
comment on column app.jobs.subject_id is 'What the job is about';
comment on column app.jobs.receives is 'How often it was handed to a worker';
comment on column app.jobs.visible_at is 'From then on a worker may take it';
comment on column app.jobs.receipt is 'Of the last hand-over; only its holder may extend or delete';
comment on column app.jobs.dead_at is 'Set when it was received too often; kept for a person to look at';
comment on column app.jobs.created_at is 'When it was queued';
create index jobs_visible_at_idx on app.jobs (visible_at) where dead_at is null;
grant select, insert, update, delete on app.jobs to pidima_app;
