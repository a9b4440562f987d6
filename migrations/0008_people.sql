-- People: who belongs to a tenant, by which login, in which groups, and what groups may read.

alter table app.tenants
    add column state text not null default 'active',
    add column login_providers text[],
    add column allowed_origins text[] not null default '{}',
    add constraint tenants_state_check check (state in ('active', 'suspended')),
    add constraint tenants_login_providers_check check (cardinality(login_providers) <= 20),
    add constraint tenants_allowed_origins_check check (cardinality(allowed_origins) <= 50);
comment on column app.tenants.state is 'active, or suspended by the operator: then every credential of the tenant is refused';
comment on column app.tenants.login_providers is
    'Names of the login providers whose people may enter (local for accounts of our own); null for every one that the operator set up';
comment on column app.tenants.allowed_origins is 'Web origins whose pages may call the API from a browser, e.g. https://docs.example.com';

create table app.members (
    tenant_id uuid not null,
    member_id uuid not null,
    provider text not null,
    issuer text not null,
    subject text not null,
    identity_sha256 bytea not null,
    email text,
    display_name text,
    role text not null,
    state text not null default 'active',
    held_by_claims boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_seen_at timestamptz,
    constraint members_pkey primary key (tenant_id, member_id),
    constraint members_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint members_identity_key unique (tenant_id, identity_sha256),
    constraint members_identity_sha256_check check (length(identity_sha256) = 32),
    constraint members_role_check check (role in ('owner', 'admin', 'editor', 'member', 'analyst')),
    constraint members_state_check check (state in ('active', 'suspended')),
    constraint members_email_check check (length(email) between 3 and 254),
    constraint members_display_name_check check (length(display_name) between 1 and 200)
);
comment on table app.members is 'People of a tenant; a person in two tenants has a row in each';
comment on column app.members.tenant_id is 'Tenant';
comment on column app.members.member_id is 'UUIDv7; owns the person''s conversations in this tenant';
comment on column app.members.provider is 'Name of the login provider in our settings; local for accounts of our own';
comment on column app.members.issuer is 'Issuer of the person''s tokens, exactly as they say it; local for accounts of our own';
comment on column app.members.subject is 'The issuer''s name for the person, which never changes; an e-mail address may, so it is never the key';
comment on column app.members.identity_sha256 is 'SHA-256 of issuer and subject, each with its length in front: finds the tenants of a person';
comment on column app.members.email is 'Address, as the issuer or the invitation says; for people to read';
comment on column app.members.display_name is 'Name, as the issuer or the person says';
comment on column app.members.role is 'owner, admin, editor, member or analyst';
comment on column app.members.state is 'active, or suspended by an admin: then no login is let in';
comment on column app.members.held_by_claims is
    'A claim of the login provider gave the membership: it ends with the claim, and groups decide its role';
comment on column app.members.created_at is 'When the person joined';
comment on column app.members.updated_at is 'When the row was last changed';
comment on column app.members.last_seen_at is 'Last login, or use of a token, exact to a minute';
create index members_identity_idx on app.members (identity_sha256);
call app.isolate('app.members', 'select, insert, update, delete');

-- The one way from a person to their tenants: exact identity in, ids out. The owner reads past the tenant's policy, the
-- service does not.
create policy directory on app.members as permissive for select to pidima_owner using (true);
create function app.memberships_of(p_identity_sha256 bytea) returns table (of_tenant uuid, of_member uuid)
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$ select m.tenant_id, m.member_id from app.members m where m.identity_sha256 = p_identity_sha256 $$;
comment on function app.memberships_of(bytea) is 'Tenants that a person belongs to: ids only, for one exact identity';
revoke execute on function app.memberships_of(bytea) from public;
grant execute on function app.memberships_of(bytea) to pidima_app;

create table app.local_accounts (
    tenant_id uuid not null,
    member_id uuid not null,
    login_name text not null,
    password_phc text not null,
    must_change boolean not null default false,
    changed_at timestamptz not null default now(),
    constraint local_accounts_pkey primary key (tenant_id, member_id),
    constraint local_accounts_member_id_fkey foreign key (tenant_id, member_id)
        references app.members (tenant_id, member_id) on delete cascade,
    constraint local_accounts_login_name_key unique (tenant_id, login_name),
    constraint local_accounts_login_name_check check (length(login_name) between 3 and 254)
);
comment on table app.local_accounts is 'Passwords of people who log in without an outside issuer';
comment on column app.local_accounts.tenant_id is 'Tenant';
comment on column app.local_accounts.member_id is 'Person';
comment on column app.local_accounts.login_name is 'E-mail address in lower case; unique in the tenant';
comment on column app.local_accounts.password_phc is 'Argon2id hash with its parameters and salt, as a PHC string';
comment on column app.local_accounts.must_change is 'Set by a reset: the next login must choose a new password';
comment on column app.local_accounts.changed_at is 'When the password was last set';
call app.isolate('app.local_accounts', 'select, insert, update, delete');

create table app.groups (
    tenant_id uuid not null,
    group_id uuid not null,
    name text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint groups_pkey primary key (tenant_id, group_id),
    constraint groups_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint groups_name_key unique (tenant_id, name),
    constraint groups_name_check check (length(name) between 1 and 100)
);
comment on table app.groups is 'Named sets of people, which collections can be limited to';
comment on column app.groups.tenant_id is 'Tenant';
comment on column app.groups.group_id is 'UUIDv7';
comment on column app.groups.name is 'Unique in the tenant';
comment on column app.groups.created_at is 'When it was made';
comment on column app.groups.updated_at is 'When the row was last changed';
call app.isolate('app.groups', 'select, insert, update, delete');

create table app.group_members (
    tenant_id uuid not null,
    group_id uuid not null,
    member_id uuid not null,
    added_at timestamptz not null default now(),
    constraint group_members_pkey primary key (tenant_id, group_id, member_id),
    constraint group_members_group_id_fkey foreign key (tenant_id, group_id)
        references app.groups (tenant_id, group_id) on delete cascade,
    constraint group_members_member_id_fkey foreign key (tenant_id, member_id)
        references app.members (tenant_id, member_id) on delete cascade
);
comment on table app.group_members is 'Who is in which group';
comment on column app.group_members.tenant_id is 'Tenant';
comment on column app.group_members.group_id is 'Group';
comment on column app.group_members.member_id is 'Person';
comment on column app.group_members.added_at is 'Since when';
create index group_members_member_id_idx on app.group_members (tenant_id, member_id);
call app.isolate('app.group_members', 'select, insert, delete');

create table app.collection_groups (
    tenant_id uuid not null,
    collection_id uuid not null,
    group_id uuid not null,
    added_at timestamptz not null default now(),
    constraint collection_groups_pkey primary key (tenant_id, collection_id, group_id),
    constraint collection_groups_collection_id_fkey foreign key (tenant_id, collection_id)
        references app.collections (tenant_id, collection_id) on delete cascade,
    -- Not cascade: a collection that lost its last group would be open to everybody.
    constraint collection_groups_group_id_fkey foreign key (tenant_id, group_id)
        references app.groups (tenant_id, group_id) on delete restrict
);
comment on table app.collection_groups is 'Groups that a collection is limited to; a collection without a row is open to the whole tenant';
comment on column app.collection_groups.tenant_id is 'Tenant';
comment on column app.collection_groups.collection_id is 'Collection';
comment on column app.collection_groups.group_id is 'Group that may read it';
comment on column app.collection_groups.added_at is 'Since when';
create index collection_groups_group_id_idx on app.collection_groups (tenant_id, group_id);
call app.isolate('app.collection_groups', 'select, insert, delete');

create table app.invitations (
    tenant_id uuid not null,
    invitation_id uuid not null,
    email text not null,
    role text not null,
    group_ids uuid[] not null default '{}',
    secret_sha256 bytea not null,
    invited_by uuid,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at timestamptz,
    constraint invitations_pkey primary key (tenant_id, invitation_id),
    constraint invitations_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade,
    constraint invitations_email_check check (length(email) between 3 and 254),
    constraint invitations_role_check check (role in ('owner', 'admin', 'editor', 'member', 'analyst')),
    constraint invitations_secret_sha256_check check (length(secret_sha256) = 32),
    constraint invitations_accepted_check check ((accepted_at is null) = (accepted_by is null))
);
comment on table app.invitations is 'One-time links by which people join; the link''s secret is never stored';
comment on column app.invitations.tenant_id is 'Tenant that invites';
comment on column app.invitations.invitation_id is 'UUIDv7; stands in the link';
comment on column app.invitations.email is 'Address that the link is for';
comment on column app.invitations.role is 'Role of who accepts';
comment on column app.invitations.group_ids is 'Groups that who accepts is put in';
comment on column app.invitations.secret_sha256 is 'SHA-256 of the secret part (160 random bits)';
comment on column app.invitations.invited_by is 'Person or key that invited; null for the operator';
comment on column app.invitations.created_at is 'When it was made';
comment on column app.invitations.expires_at is 'From then on the link is refused';
comment on column app.invitations.accepted_at is 'When it was used; null until then';
comment on column app.invitations.accepted_by is 'Member that it made';
comment on column app.invitations.revoked_at is 'When it was taken back; null while it is good';
call app.isolate('app.invitations', 'select, insert, update');

-- What an answer was made of decides who may read it later.
create table app.sealed_collections (
    tenant_id uuid not null,
    collection_id uuid not null,
    sealed_at timestamptz not null default now(),
    constraint sealed_collections_pkey primary key (tenant_id, collection_id),
    constraint sealed_collections_tenant_id_fkey foreign key (tenant_id) references app.tenants (tenant_id) on delete cascade
);
comment on table app.sealed_collections is 'Collections that were limited to groups when they were deleted: answers made of them stay limited';
comment on column app.sealed_collections.tenant_id is 'Tenant';
comment on column app.sealed_collections.collection_id is 'Collection that is gone';
comment on column app.sealed_collections.sealed_at is 'When it was deleted';
call app.isolate('app.sealed_collections', 'select, insert');

alter table app.messages add column read_collection_ids uuid[] not null default '{}';
comment on column app.messages.read_collection_ids is
    'Collections whose text the model was given for this answer, earlier answers included: who reaches each of them may read it';
-- Answers from before: what they cite is what is known of them. The owner is bound by the wall as everybody else, so it is
-- lifted for this one statement, inside the migration's transaction.
alter table app.messages no force row level security;
alter table app.citations no force row level security;
alter table app.documents no force row level security;
update app.messages m
set read_collection_ids = cited.collection_ids
from (
    select
        c.tenant_id,
        c.message_id,
        array_agg(distinct d.collection_id) as collection_ids
    from app.citations c
    join app.documents d on d.tenant_id = c.tenant_id and d.document_id = c.document_id
    group by
        c.tenant_id,
        c.message_id
) cited
where m.tenant_id = cited.tenant_id
    and m.message_id = cited.message_id;
alter table app.messages force row level security;
alter table app.citations force row level security;
alter table app.documents force row level security;
