-- A version and its attempts tell all of the job that brings it into search. What was missing: from where its attempts are
-- counted, when the next one comes, when it was over, and whose bytes it reads when a document is read once more.

alter table app.document_versions
    add column attempts_before int not null default 0,
    add column next_attempt_at timestamptz,
    add column ended_at timestamptz,
    add column original_version_id uuid,
    add constraint document_versions_attempts_before_check check (attempts_before between 0 and attempts),
    add constraint document_versions_original_version_id_fkey foreign key (tenant_id, original_version_id)
        references app.document_versions (tenant_id, version_id);
comment on column app.document_versions.attempts_before is
    'Attempts that were made before it was last asked for again: the limit of attempts counts from there';
comment on column app.document_versions.next_attempt_at is
    'When the next attempt is due, after one that failed or when it was asked for again; null while one goes on';
comment on column app.document_versions.ended_at is 'When its job came to its end: ready, failed or cancelled';
comment on column app.document_versions.original_version_id is
    'Version whose bytes it reads, when the same bytes are read once more; null when they are its own';
create index document_versions_original_version_id_idx on app.document_versions (tenant_id, original_version_id)
    where original_version_id is not null;
create index document_versions_state_idx on app.document_versions (tenant_id, state, version_id);
