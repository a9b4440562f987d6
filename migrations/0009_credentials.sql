-- Credentials beside the first keys: browser sessions, logins on their way, keys for browsers, keys of the operator.

create table app.browser_sessions (
    tenant_id uuid not null,
    browser_session_id uuid not null,
    member_id uuid not null,
    secret_sha256 bytea not null,
    provider text not null,
    user_agent text,
    address text,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    constraint browser_sessions_pkey primary key (tenant_id, browser_session_id),
    constraint browser_sessions_member_id_fkey foreign key (tenant_id, member_id)
        references app.members (tenant_id, member_id) on delete cascade,
    constraint browser_sessions_secret_sha256_check check (length(secret_sha256) = 32)
);
comment on table app.browser_sessions is 'Logins of browsers; the cookie''s secret is never stored, and no token of the issuer is kept';
comment on column app.browser_sessions.tenant_id is 'Tenant that the person entered';
comment on column app.browser_sessions.browser_session_id is 'UUIDv7; stands in the cookie';
comment on column app.browser_sessions.member_id is 'Person';
comment on column app.browser_sessions.secret_sha256 is 'SHA-256 of the secret part of the cookie (256 random bits)';
comment on column app.browser_sessions.provider is 'Login provider that vouched for the person';
comment on column app.browser_sessions.user_agent is 'What the browser calls itself, cut to 300 characters';
comment on column app.browser_sessions.address is 'Address that the login came from';
comment on column app.browser_sessions.created_at is 'When the person logged in';
comment on column app.browser_sessions.last_seen_at is 'Last use, exact to a minute; the idle time counts from it';
comment on column app.browser_sessions.expires_at is 'End, however much it is used';
comment on column app.browser_sessions.ended_at is 'When it was ended by logout or by an admin; null while it is good';
create index browser_sessions_member_id_idx on app.browser_sessions (tenant_id, member_id);
call app.isolate('app.browser_sessions', 'select, insert, update, delete');

create table app.pending_logins (
    pending_login_id uuid not null,
    browser_sha256 bytea not null,
    state_sha256 bytea not null,
    provider text not null,
    nonce text,
    pkce_verifier text,
    issuer text,
    subject text,
    return_to text not null,
    invited_to uuid,
    invitation_id uuid,
    invitation_sha256 bytea,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint pending_logins_pkey primary key (pending_login_id),
    constraint pending_logins_state_sha256_key unique (state_sha256),
    constraint pending_logins_sha256_check check (length(browser_sha256) = 32 and length(state_sha256) = 32),
    -- It waits either for the issuer or for the person's choice.
    constraint pending_logins_step_check check (
        num_nonnulls(nonce, pkce_verifier) in (0, 2)
        and num_nonnulls(issuer, subject) in (0, 2)
        and num_nonnulls(nonce, issuer) = 1
    ),
    constraint pending_logins_invitation_check check (
        num_nonnulls(invited_to, invitation_id, invitation_sha256) in (0, 3)
    )
);
comment on table app.pending_logins is 'Logins on their way: to an issuer and back, or until a person of several tenants has chosen one; no tenant is known yet. A row is taken out by the first request that names it';
comment on column app.pending_logins.pending_login_id is 'UUIDv7';
comment on column app.pending_logins.browser_sha256 is 'SHA-256 of the cookie that ties the login to one browser';
comment on column app.pending_logins.state_sha256 is 'SHA-256 of the state that the issuer sends back, or of the text in the form in which the tenant is chosen';
comment on column app.pending_logins.provider is 'Login provider';
comment on column app.pending_logins.nonce is 'Stands in the ID token, so that it cannot be one of another login; null once the issuer has answered';
comment on column app.pending_logins.pkce_verifier is 'Proves to the issuer that who asks for the token began the login (RFC 7636); null once the issuer has answered';
comment on column app.pending_logins.issuer is 'Issuer that has vouched for the person, who now chooses a tenant; null before';
comment on column app.pending_logins.subject is 'The issuer''s name for the person; null before';
comment on column app.pending_logins.return_to is 'Path of this server to go to afterwards';
comment on column app.pending_logins.invited_to is 'Tenant of the invitation that is to be accepted; null when there is none';
comment on column app.pending_logins.invitation_id is 'Invitation that is to be accepted';
comment on column app.pending_logins.invitation_sha256 is 'SHA-256 of the secret that the invitation''s link brought';
comment on column app.pending_logins.created_at is 'When it began';
comment on column app.pending_logins.expires_at is 'From then on it is refused, and the row is swept';
create index pending_logins_browser_sha256_idx on app.pending_logins (browser_sha256);
create index pending_logins_expires_at_idx on app.pending_logins (expires_at);
grant select, insert, delete on app.pending_logins to pidima_app;

alter table app.api_keys
    add column kind text not null default 'secret',
    add column collection_ids uuid[] not null default '{}',
    add column allowed_addresses text[] not null default '{}',
    add column allowed_origins text[] not null default '{}',
    add column rotated_from uuid,
    drop constraint api_keys_role_check,
    add constraint api_keys_role_check check (role in ('owner', 'admin', 'editor', 'member', 'analyst')),
    add constraint api_keys_kind_check check (kind in ('secret', 'publishable')),
    add constraint api_keys_collection_ids_check check (cardinality(collection_ids) <= 50),
    add constraint api_keys_allowed_addresses_check check (cardinality(allowed_addresses) <= 50),
    add constraint api_keys_allowed_origins_check check (cardinality(allowed_origins) <= 50),
    add constraint api_keys_publishable_check check (kind = 'secret' or cardinality(allowed_origins) > 0);
comment on column app.api_keys.kind is 'secret, or publishable: may stand in a web page, asks only, and only from its origins';
comment on column app.api_keys.collection_ids is 'Collections that the key reaches; empty for those that are open to the whole tenant';
comment on column app.api_keys.allowed_addresses is 'Address ranges (CIDR) that the key may be used from; empty for any';
comment on column app.api_keys.allowed_origins is 'Web origins that a publishable key may be used from';
comment on column app.api_keys.rotated_from is 'Key that this one replaces; both are good during the overlap';
comment on column app.api_keys.role is 'owner, admin, editor, member or analyst: what the key may do';

-- Keys of admins and owners with every scope that their role had keep every scope that it has now; signing for end users
-- comes with no lower role. The owner is bound by the wall as everybody
-- else, so it is lifted for this one statement, inside the migration's transaction.
alter table app.api_keys no force row level security;
update app.api_keys
set scopes = scopes || '{members:manage,tenant:manage,audit:read,widgets:sign}'::text[]
where role in ('admin', 'owner') and scopes @> '{ask,documents:read,documents:write,keys:manage}'::text[];
alter table app.api_keys force row level security;

-- Which pages may call at all must be told before a browser sends a credential: yes or no for one exact origin.
create policy directory on app.tenants as permissive for select to pidima_owner using (true);
create policy directory on app.api_keys as permissive for select to pidima_owner using (true);
create index tenants_allowed_origins_idx on app.tenants using gin (allowed_origins);
create index api_keys_allowed_origins_idx on app.api_keys using gin (allowed_origins);
create function app.origin_is_known(p_origin text) returns boolean
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (select from app.tenants t where t.allowed_origins @> array[p_origin] and t.state = 'active')
        or exists (
            select from app.api_keys k
            where k.allowed_origins @> array[p_origin] and k.revoked_at is null and k.expires_at > now()
        )
$$;
comment on function app.origin_is_known(text) is 'Whether any tenant lets pages of this exact origin call; answers preflights, which carry no credential';
revoke execute on function app.origin_is_known(text) from public;
grant execute on function app.origin_is_known(text) to pidima_app;

-- A SQL login sees nothing from its last day on, nor while its tenant is suspended, on open connections too.
alter table app.analyst_logins add column expires_at timestamptz not null default now() + interval '90 days';
comment on column app.analyst_logins.expires_at is 'From then on the login sees no row, and its password is refused';
create or replace function app.analyst_tid() returns uuid
language sql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
    select l.reads_tenant
    from app.analyst_logins l
    join app.tenants t on t.tenant_id = l.reads_tenant
    where l.login = session_user and l.expires_at > now() and t.state = 'active'
$$;

create table app.operator_keys (
    operator_key_id uuid not null,
    name text not null,
    secret_sha256 bytea not null,
    hint text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint operator_keys_pkey primary key (operator_key_id),
    constraint operator_keys_name_check check (length(name) between 1 and 100),
    constraint operator_keys_secret_sha256_check check (length(secret_sha256) = 32)
);
comment on table app.operator_keys is 'Credentials of the operator, who stands outside the tenants: they manage tenants and read no data of theirs';
comment on column app.operator_keys.operator_key_id is 'UUIDv7; stands in the key';
comment on column app.operator_keys.name is 'Who or what it is for';
comment on column app.operator_keys.secret_sha256 is 'SHA-256 of the secret part (160 random bits)';
comment on column app.operator_keys.hint is 'Last four characters, to tell keys apart';
comment on column app.operator_keys.created_at is 'When it was made';
comment on column app.operator_keys.expires_at is 'From then on it is refused';
comment on column app.operator_keys.revoked_at is 'From then on it is refused; null while it is good';
comment on column app.operator_keys.last_used_at is 'Last use, exact to a minute';
grant select, insert, update on app.operator_keys to pidima_app;
