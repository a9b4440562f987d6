-- Assistants: what answers, as the tenant's editors set it. A draft is changed; a version, once published, never is.

create table app.assistants (
    tenant_id uuid not null,
    assistant_id uuid not null,
    name text not null,
    description text not null default '',
    is_default boolean not null default false,
    draft jsonb not null default '{}',
    published_version int,
    latest_version int not null default 0,
    revision bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint assistants_pkey primary key (tenant_id, assistant_id),
    constraint assistants_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint assistants_name_check check (length(name) between 1 and 100),
    constraint assistants_draft_check check (jsonb_typeof(draft) = 'object'),
    constraint assistants_default_check check (not is_default or deleted_at is null)
);
comment on table app.assistants is 'What answers: each tenant has a default one, and others that its editors make';
comment on column app.assistants.tenant_id is 'Tenant';
comment on column app.assistants.assistant_id is 'UUIDv7';
comment on column app.assistants.name is 'Unique within the tenant among those that are not deleted';
comment on column app.assistants.description is 'What it is for';
comment on column app.assistants.is_default is 'Whether it answers where a request names none; one of each tenant';
comment on column app.assistants.draft is 'Configuration that is being worked on; what it does not name is as the server sets it';
comment on column app.assistants.published_version is 'Number of the version that answers; null until one is published';
comment on column app.assistants.latest_version is 'Highest number so far';
comment on column app.assistants.revision is 'Counts the changes, so that two editors notice each other';
comment on column app.assistants.created_at is 'When it was created';
comment on column app.assistants.updated_at is 'When it was last changed';
comment on column app.assistants.deleted_at is 'When it was deleted; its versions stay, since answers name them';
create unique index assistants_name_idx on app.assistants (tenant_id, name) where deleted_at is null;
create unique index assistants_tenant_id_idx on app.assistants (tenant_id) where is_default;

create table app.assistant_versions (
    tenant_id uuid not null,
    assistant_id uuid not null,
    number int not null,
    version_id uuid not null,
    configuration jsonb not null,
    published_by uuid,
    created_at timestamptz not null default now(),
    constraint assistant_versions_pkey primary key (tenant_id, assistant_id, number),
    constraint assistant_versions_assistant_id_fkey foreign key (tenant_id, assistant_id)
        references app.assistants (tenant_id, assistant_id) on delete cascade,
    constraint assistant_versions_number_check check (number >= 1)
);
comment on table app.assistant_versions is 'Configurations as they were published; never changed, since answers name them';
comment on column app.assistant_versions.tenant_id is 'Tenant';
comment on column app.assistant_versions.assistant_id is 'Assistant';
comment on column app.assistant_versions.number is 'Counts from 1 within the assistant';
comment on column app.assistant_versions.version_id is 'UUIDv7; orders the list';
comment on column app.assistant_versions.configuration is 'Configuration; what it does not name is as the server sets it';
comment on column app.assistant_versions.published_by is 'Who published it; null for the first version of a default assistant';
comment on column app.assistant_versions.created_at is 'When it was published';

alter table app.assistants
    add constraint assistants_published_version_fkey foreign key (tenant_id, assistant_id, published_version)
        references app.assistant_versions (tenant_id, assistant_id, number);

-- Runs with the rights of whoever makes the tenant, behind the wall like everything else.
create function app.make_default_assistant() returns trigger
language plpgsql
as $$
declare
    -- UUIDv7 (RFC 9562 5.7): 48 bits of milliseconds, the version, random bits.
    v_random uuid := gen_random_uuid();
    v_id uuid := (left(app.first_uuid_at(new.created_at)::text, 14) || '7' || substr(v_random::text, 16))::uuid;
begin
    insert into app.assistants (tenant_id, assistant_id, name, is_default, latest_version)
    values (new.tenant_id, v_id, 'default', true, 1);
    insert into app.assistant_versions (tenant_id, assistant_id, number, version_id, configuration)
    values (new.tenant_id, v_id, 1, v_id, '{}');
    update app.assistants
    set published_version = 1
    where tenant_id = new.tenant_id
        and assistant_id = v_id;
    return null;
end
$$;
comment on function app.make_default_assistant() is 'Gives a new tenant its default assistant, which answers as the server is set';
revoke execute on function app.make_default_assistant() from public;
grant execute on function app.first_uuid_at(timestamptz) to pidima_app;

-- Before the wall goes up: the migrator sees no tenant's rows behind it.
do $$
declare
    v_tenant record;
    v_id uuid;
begin
    for v_tenant in select t.tenant_id, t.created_at from app.tenants t loop
        v_id := (left(app.first_uuid_at(v_tenant.created_at)::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid;
        insert into app.assistants (tenant_id, assistant_id, name, is_default, latest_version, created_at)
        values (v_tenant.tenant_id, v_id, 'default', true, 1, v_tenant.created_at);
        insert into app.assistant_versions (tenant_id, assistant_id, number, version_id, configuration, created_at)
        values (v_tenant.tenant_id, v_id, 1, v_id, '{}', v_tenant.created_at);
    end loop;
    update app.assistants set published_version = 1 where is_default;
end
$$;
call app.isolate('app.assistants', 'select, insert, update');
call app.isolate('app.assistant_versions', 'select, insert');
create trigger make_default_assistant after insert on app.tenants
    for each row execute function app.make_default_assistant();

alter table app.sessions
    add column assistant_id uuid,
    add constraint sessions_assistant_id_fkey foreign key (tenant_id, assistant_id)
        references app.assistants (tenant_id, assistant_id);
comment on column app.sessions.assistant_id is 'Assistant that answers in it; null for the tenant''s default one';

alter table app.runs
    add column assistant_id uuid,
    add column assistant_version int,
    add column configuration_sha256 bytea,
    add column prompt_sha256 bytea,
    add column prompt_left_out jsonb;
comment on column app.runs.assistant_id is 'Assistant that answered; null for runs from before there were any';
comment on column app.runs.assistant_version is 'Its version; null when its draft was tried';
comment on column app.runs.configuration_sha256 is
    'SHA-256 over the canonical JSON of the configuration that answered, the settings of the server included';
comment on column app.runs.prompt_sha256 is
    'SHA-256 over what the model was told, the random marker of the request left out; null when no model was asked';
comment on column app.runs.prompt_left_out is
    'What of the conversation and of the passages did not fit into the prompt, and why; null when everything did';

create table app.session_summaries (
    tenant_id uuid not null,
    session_id uuid not null,
    through_message_id uuid not null,
    content text not null,
    read_collection_ids uuid[] not null,
    created_at timestamptz not null default now(),
    constraint session_summaries_pkey primary key (tenant_id, session_id),
    constraint session_summaries_session_id_fkey foreign key (tenant_id, session_id)
        references app.sessions (tenant_id, session_id) on delete cascade
);
comment on table app.session_summaries is 'What the older part of a long conversation comes to, as a model is told of it';
comment on column app.session_summaries.tenant_id is 'Tenant';
comment on column app.session_summaries.session_id is 'Conversation';
comment on column app.session_summaries.through_message_id is 'Last message that is in it';
comment on column app.session_summaries.content is 'The summary';
comment on column app.session_summaries.read_collection_ids is
    'Collections whose text is in the messages that it was made of: who does not reach all of them is not told it';
comment on column app.session_summaries.created_at is 'When it was made';
call app.isolate('app.session_summaries', 'select, insert, update, delete');

-- Analysts.
call app.open_to_analysts('app.assistants',
    'tenant_id, assistant_id, name, description, is_default, published_version, created_at, updated_at, deleted_at');
call app.open_to_analysts('app.assistant_versions',
    'tenant_id, assistant_id, number, configuration, published_by, created_at');
grant select (assistant_id) on app.sessions to pidima_analyst;
grant select (assistant_id, assistant_version, configuration_sha256, prompt_sha256, prompt_left_out) on app.runs to pidima_analyst;

create view analytics.assistants with (security_invoker = true, security_barrier = true) as
select
    a.assistant_id,
    a.name,
    a.description,
    a.is_default,
    a.published_version,
    a.created_at,
    a.updated_at,
    a.deleted_at
from app.assistants a;
comment on view analytics.assistants is 'One row per assistant, deleted ones included';

create view analytics.assistant_versions with (security_invoker = true, security_barrier = true) as
select
    v.assistant_id,
    v.number,
    v.configuration,
    v.published_by,
    v.created_at as published_at
from app.assistant_versions v;
comment on view analytics.assistant_versions is 'One row per published version of an assistant, with its configuration';
grant select on analytics.assistants, analytics.assistant_versions to pidima_app, pidima_analyst;

create or replace view analytics.answers with (security_invoker = true, security_barrier = true) as
select
    r.run_id,
    r.session_id,
    r.answer_id as message_id,
    q.content as question,
    r.standalone_question,
    a.content as answer,
    r.state,
    r.outcome,
    r.outcome_reason,
    r.provider,
    r.model,
    r.input_tokens,
    r.output_tokens,
    r.cost_micro_usd / 1e6 as cost_usd,
    r.search_ms,
    r.first_token_ms,
    r.total_ms,
    r.created_at as asked_at,
    r.ended_at as answered_at,
    r.assistant_id,
    r.assistant_version,
    encode(r.configuration_sha256, 'hex') as configuration_sha256,
    encode(r.prompt_sha256, 'hex') as prompt_sha256,
    r.prompt_left_out
from app.runs r
join app.messages q on q.tenant_id = r.tenant_id and q.message_id = r.question_id
left join app.messages a on a.tenant_id = r.tenant_id and a.message_id = r.answer_id;
