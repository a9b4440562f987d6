-- Files of dumps are written under an id that is new for each attempt, so that a worker that was taken for dead writes into files
-- of nobody. Files that belong to no dump any more are found here, whatever died in between, and removed.

-- To refer to tenants keeps these from being changed for a moment. What is waited for here holds up everybody behind it: rather
-- not now, and once more.
set local lock_timeout = '5s';

create table app.dump_files (
    tenant_id uuid not null,
    files_id uuid not null,
    keep_until timestamptz not null,
    constraint dump_files_pkey primary key (tenant_id, files_id),
    constraint dump_files_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade
);
comment on table app.dump_files is 'Files of dumps that may be in the object store: announced before they are written, taken away after they are removed';
comment on column app.dump_files.tenant_id is 'Tenant';
comment on column app.dump_files.files_id is 'Part of the files'' keys';
comment on column app.dump_files.keep_until is 'Until then a worker may be writing; afterwards they are removed where they are those of no dump';
call app.isolate('app.dump_files', 'select, insert, update, delete');
