-- What readers say of answers and of citations: one word of each reader on each thing, which they may change or take back.

create table app.feedback (
    tenant_id uuid not null,
    feedback_id uuid not null,
    message_id uuid not null,
    citation_number int,
    given_by uuid not null,
    given_by_kind text not null,
    rating text not null,
    reason text,
    comment text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint feedback_pkey primary key (tenant_id, message_id, feedback_id),
    constraint feedback_given_by_key unique nulls not distinct (tenant_id, message_id, citation_number, given_by),
    constraint feedback_message_id_fkey foreign key (tenant_id, message_id)
        references app.messages (tenant_id, message_id) on delete cascade,
    constraint feedback_citation_number_fkey foreign key (tenant_id, message_id, citation_number)
        references app.citations (tenant_id, message_id, number) on delete cascade,
    constraint feedback_given_by_kind_check check (given_by_kind in ('api_key', 'member', 'end_user')),
    constraint feedback_rating_check check (
        case
            when citation_number is null then rating in ('up', 'down')
            else rating in ('correct', 'wrong', 'irrelevant')
        end
    ),
    constraint feedback_reason_check check (
        reason is null
        or reason in ('wrong', 'incomplete', 'outdated', 'off_topic', 'not_answered', 'unclear', 'unsafe', 'other')
        and citation_number is null
    ),
    constraint feedback_comment_check check (length(comment) between 1 and 2000)
) partition by range (message_id);
comment on table app.feedback is 'What readers say of answers and citations';
comment on column app.feedback.tenant_id is 'Tenant';
comment on column app.feedback.feedback_id is 'UUIDv7';
comment on column app.feedback.message_id is 'Answer; its month decides the partition';
comment on column app.feedback.citation_number is 'Number of the citation; null when the answer as a whole is meant';
comment on column app.feedback.given_by is 'Key, person or end user';
comment on column app.feedback.given_by_kind is 'api_key, member or end_user';
comment on column app.feedback.rating is 'up or down for an answer; correct, wrong or irrelevant for a citation';
comment on column app.feedback.reason is
    'wrong, incomplete, outdated, off_topic, not_answered, unclear, unsafe or other; null for none and for citations';
comment on column app.feedback.comment is 'In the reader''s own words; null for none';
comment on column app.feedback.created_at is 'When it was first given';
comment on column app.feedback.updated_at is 'When it was last changed';
create index feedback_feedback_id_idx on app.feedback (tenant_id, feedback_id);
call app.isolate('app.feedback', 'select, insert, update, delete');

create table app.feedback_default partition of app.feedback default;
call app.isolate('app.feedback_default');

call app.open_to_analysts('app.feedback',
    'tenant_id, feedback_id, message_id, citation_number, given_by_kind, rating, reason, comment, created_at, updated_at');

create view analytics.feedback with (security_invoker = true, security_barrier = true) as
select
    f.feedback_id,
    f.message_id,
    c.citation_id,
    c.document_id,
    c.document_title,
    f.given_by_kind,
    f.rating,
    f.reason,
    f.comment,
    f.created_at,
    f.updated_at
from app.feedback f
left join app.citations c
    on c.tenant_id = f.tenant_id
    and c.message_id = f.message_id
    and c.number = f.citation_number;
comment on view analytics.feedback is 'One row per reader and answer or citation that they rated';

create view analytics.feedback_by_day with (security_invoker = true, security_barrier = true) as
select
    (f.created_at at time zone 'UTC')::date as day,
    count(*) filter (where f.rating = 'up') as up,
    count(*) filter (where f.rating = 'down') as down,
    count(*) filter (where f.rating = 'correct') as citations_correct,
    count(*) filter (where f.rating = 'wrong') as citations_wrong,
    count(*) filter (where f.rating = 'irrelevant') as citations_irrelevant
from app.feedback f
group by 1;
comment on view analytics.feedback_by_day is 'Ratings by day (UTC) of answers and of citations';
grant select on analytics.feedback, analytics.feedback_by_day to pidima_app, pidima_analyst;
