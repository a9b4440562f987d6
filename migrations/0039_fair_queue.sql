-- The outbox is the waiting line of all tenants. A message stays in it until its job is done, so that the line knows how many
-- of a tenant's messages are in the queue, and a message that got lost there is handed over again.

alter table app.outbox
    add column handed_at timestamptz,
    add column lost_at timestamptz,
    add constraint outbox_lost_at_check check ((handed_at is null) = (lost_at is null));
comment on table app.outbox is
    'Work that a transaction asked for: it waits here for its turn, and stays until the worker has done it';
comment on column app.outbox.handed_at is 'When it was handed to the queue; null while it waits in the line';
comment on column app.outbox.lost_at is 'From then on it is taken for lost in the queue, and waits again; moved on while somebody works on it';
-- By age, not by id alone: an order that the primary key has would be read through it, past the rows of everybody.
create index outbox_created_at_idx on app.outbox (for_tenant, created_at, message_id) where handed_at is null;
create index outbox_for_tenant_idx on app.outbox (for_tenant, lost_at) where handed_at is not null;
create index outbox_lost_at_idx on app.outbox (lost_at) where handed_at is not null;
create index outbox_subject_id_idx on app.outbox (for_tenant, subject_id);

-- From one tenant to the next, and within a tenant the message that has waited longest.
drop index app.jobs_visible_at_idx;
create index jobs_for_tenant_idx on app.jobs (for_tenant, visible_at, job_id) where dead_at is null;
create index jobs_dead_at_idx on app.jobs (dead_at, job_id) where dead_at is not null;
