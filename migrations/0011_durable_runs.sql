-- A run outlives the connection of its reader and the instance that makes it: its events are kept as they happen, who
-- makes it holds a lease, and a lease that runs out tells that its holder is gone.

alter table app.runs drop constraint runs_state_check;
alter table app.runs add constraint runs_state_check
    check (state in ('running', 'completed', 'failed', 'interrupted', 'cancelled'));
alter table app.runs add column event_count int;
comment on column app.runs.state is 'running, completed, failed, interrupted or cancelled';
comment on column app.runs.event_count is 'Number of the last event; null while running, and for runs before events were kept';

-- Several events a row: a row is what was written at once. The first event (started) and the last one of a run with an
-- answer (done) are not here: they are made of `runs`, `messages` and `citations`, so that they can not differ from these.
create table app.run_events (
    tenant_id uuid not null,
    run_id uuid not null,
    first_number int not null,
    last_number int not null,
    events text not null,
    constraint run_events_pkey primary key (tenant_id, run_id, first_number),
    constraint run_events_run_id_fkey foreign key (tenant_id, run_id)
        references app.runs (tenant_id, run_id) on delete cascade,
    constraint run_events_numbers_check check (first_number >= 1 and last_number >= first_number)
) partition by range (run_id);
comment on table app.run_events is 'What readers of a run were shown, in numbered events';
comment on column app.run_events.tenant_id is 'Tenant';
comment on column app.run_events.run_id is 'Run; its month decides the partition';
comment on column app.run_events.first_number is 'Number of the first event of the row';
comment on column app.run_events.last_number is 'Number of the last event of the row';
comment on column app.run_events.events is 'The events as a JSON array; as text, since jsonb knows no NUL';
call app.isolate('app.run_events', 'select, insert, delete');
create table app.run_events_default partition of app.run_events default;
call app.isolate('app.run_events_default');

-- Of runs that go on, and of these only: ids and times, never a text, so that whoever looks for orphans finds those of all
-- tenants. One session has one run at a time.
create table app.run_leases (
    run_id uuid not null,
    for_tenant uuid not null,
    session_id uuid,
    instance_id uuid not null,
    event_count int not null,
    read_collection_ids uuid[],
    expires_at timestamptz not null,
    cancel_requested_at timestamptz,
    constraint run_leases_pkey primary key (run_id),
    constraint run_leases_session_id_key unique (for_tenant, session_id),
    constraint run_leases_event_count_check check (event_count >= 1)
);
comment on table app.run_leases is 'Which instance makes a run that goes on, and until when it is believed to live';
comment on column app.run_leases.run_id is 'Run';
comment on column app.run_leases.for_tenant is 'Its tenant';
comment on column app.run_leases.session_id is 'Its conversation; null for a single question';
comment on column app.run_leases.instance_id is 'Instance that makes it; nobody else may add events';
comment on column app.run_leases.event_count is 'Number of the last event that is stored';
comment on column app.run_leases.read_collection_ids is 'Collections whose text the model was given; null until that is known';
comment on column app.run_leases.expires_at is 'After that the instance is taken for dead and the run is ended by another';
comment on column app.run_leases.cancel_requested_at is 'When somebody asked to stop it';
grant select, insert, update, delete on app.run_leases to pidima_app;
