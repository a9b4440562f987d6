-- What a tenant and its assistants, keys and people may use: the limits, what is used up in the periods that run, and
-- one row for each run, which holds what it may use until it is settled with what it did use.

create table app.quotas (
    tenant_id uuid not null,
    quota_id uuid not null,
    set_by text not null,
    subject text not null,
    subject_id uuid not null,
    measure text not null,
    period text not null,
    soft_limit bigint,
    hard_limit bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint quotas_pkey primary key (tenant_id, quota_id),
    constraint quotas_subject_key unique (tenant_id, subject, subject_id, measure, period, set_by),
    constraint quotas_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint quotas_set_by_check check (set_by in ('operator', 'tenant')),
    constraint quotas_subject_check check (subject in ('tenant', 'assistant', 'key', 'person')),
    constraint quotas_measure_check check (measure in ('questions', 'tokens', 'cost_micro_usd', 'concurrent_runs')),
    constraint quotas_period_check
        check (period in ('minute', 'day', 'month', 'none') and (measure = 'concurrent_runs') = (period = 'none')),
    constraint quotas_limits_check check (soft_limit >= 0 and hard_limit >= 0 and soft_limit <= hard_limit)
);
comment on table app.quotas is 'How much may be used; what has no row is not limited';
comment on column app.quotas.tenant_id is 'Tenant';
comment on column app.quotas.quota_id is 'UUIDv7';
comment on column app.quotas.set_by is 'operator: a ceiling that the tenant cannot change; tenant: set by its admins';
comment on column app.quotas.subject is 'tenant, assistant, key or person: what is limited';
comment on column app.quotas.subject_id is 'Which one; zeros for each one that has no row of its own';
comment on column app.quotas.measure is 'questions, tokens (of prompt and answer), cost_micro_usd or concurrent_runs';
comment on column app.quotas.period is 'minute, day or month of UTC; none for concurrent_runs';
comment on column app.quotas.soft_limit is 'From this much on answers carry a warning; null for never';
comment on column app.quotas.hard_limit is 'From this much on questions are refused; null for never';
comment on column app.quotas.created_at is 'When it was set first';
comment on column app.quotas.updated_at is 'When it was last changed';
call app.isolate('app.quotas', 'select, insert, update, delete');

create table app.quota_counters (
    tenant_id uuid not null,
    subject text not null,
    subject_id uuid not null,
    period text not null,
    period_start timestamptz not null,
    questions bigint not null default 0,
    tokens bigint not null default 0,
    cost_micro_usd bigint not null default 0,
    constraint quota_counters_pkey primary key (tenant_id, subject, subject_id, period),
    constraint quota_counters_subject_check check (subject in ('tenant', 'assistant', 'key', 'person')),
    constraint quota_counters_period_check check (period in ('minute', 'day', 'month', 'none'))
)
-- Rows are updated with each question and none of their indexes changes: room on the page keeps them where they are.
with (fillfactor = 50);
comment on table app.quota_counters is
    'What limited subjects used in the period that runs: sums of quota_reservations, kept so that no question adds them up';
comment on column app.quota_counters.tenant_id is 'Tenant';
comment on column app.quota_counters.subject is 'tenant, assistant, key or person';
comment on column app.quota_counters.subject_id is 'Which one';
comment on column app.quota_counters.period is 'minute, day or month; none orders questions of those whose concurrent runs are limited';
comment on column app.quota_counters.period_start is 'When the period that is counted began; a later question begins it anew';
comment on column app.quota_counters.questions is 'Questions asked in it';
comment on column app.quota_counters.tokens is 'Tokens of prompts and answers of those that are settled';
comment on column app.quota_counters.cost_micro_usd is 'Their price, in millionths of a US dollar';
call app.isolate('app.quota_counters', 'select, insert, update, delete');

-- No foreign key to runs: what was used stays used when the conversation is deleted.
create table app.quota_reservations (
    tenant_id uuid not null,
    run_id uuid not null,
    assistant_id uuid,
    api_key_id uuid,
    person_id uuid,
    reserved_at timestamptz not null,
    reserved_tokens bigint not null,
    reserved_cost_micro_usd bigint not null,
    settled_at timestamptz,
    provider text,
    model text,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_micro_usd bigint not null default 0,
    constraint quota_reservations_pkey primary key (tenant_id, run_id)
) partition by range (run_id);
comment on table app.quota_reservations is 'What each run may use while it goes on, and what it used; no word of the conversation';
comment on column app.quota_reservations.tenant_id is 'Tenant';
comment on column app.quota_reservations.run_id is 'Run; its month decides the partition';
comment on column app.quota_reservations.assistant_id is 'Assistant that was asked; null for none';
comment on column app.quota_reservations.api_key_id is 'Key that asked, or the key of the widget; null for a person with a login';
comment on column app.quota_reservations.person_id is 'Member or end user who asked; null for a key';
comment on column app.quota_reservations.reserved_at is 'When the question came: it and what it uses count in the periods of this instant';
comment on column app.quota_reservations.reserved_tokens is 'Most tokens of prompt and answer that the run may use';
comment on column app.quota_reservations.reserved_cost_micro_usd is 'Their price, in millionths of a US dollar; 0 when no price is known';
comment on column app.quota_reservations.settled_at is 'When the run ended; null while it goes on';
comment on column app.quota_reservations.provider is 'Provider of the model that answered';
comment on column app.quota_reservations.model is 'Model that answered';
comment on column app.quota_reservations.input_tokens is 'Tokens of the prompt that were used; 0 until it is settled, and when the provider does not say';
comment on column app.quota_reservations.output_tokens is 'Tokens of the answer that were used; 0 likewise';
comment on column app.quota_reservations.cost_micro_usd is 'Price of both, in millionths of a US dollar; 0 when no price is known';
create index quota_reservations_run_id_idx on app.quota_reservations (tenant_id, run_id) where settled_at is null;
call app.isolate('app.quota_reservations', 'select, insert, update, delete');
create table app.quota_reservations_default partition of app.quota_reservations default;
call app.isolate('app.quota_reservations_default'::regclass);

call app.open_to_analysts('app.quota_reservations',
    'tenant_id, run_id, assistant_id, api_key_id, person_id, reserved_at, settled_at, provider, model, input_tokens,'
    ' output_tokens, cost_micro_usd');

create view analytics.usage_of_subjects_by_day with (security_invoker = true, security_barrier = true) as
select
    (r.reserved_at at time zone 'UTC')::date as day,
    r.assistant_id,
    r.api_key_id,
    r.person_id,
    r.provider,
    r.model,
    count(*) as questions,
    count(*) filter (where r.settled_at is null) as running,
    sum(r.input_tokens)::bigint as input_tokens,
    sum(r.output_tokens)::bigint as output_tokens,
    sum(r.cost_micro_usd) / 1e6 as cost_usd
from app.quota_reservations r
group by 1, 2, 3, 4, 5, 6;
comment on view analytics.usage_of_subjects_by_day is
    'Questions, tokens and cost by day (UTC), assistant, key, person and model; they stay when conversations are deleted';
grant select on analytics.usage_of_subjects_by_day to pidima_app, pidima_analyst;
