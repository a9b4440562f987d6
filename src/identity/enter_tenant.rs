//! Lets a person whom a login provider has proven into one of their tenants: by membership, or by a claim where the
//! operator allows it. Called for access tokens and at the end of a browser's login.
//!
//! What the request asks for chooses among the person's own tenants and never adds one.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::claim_grants::{ClaimGrants, GrantedTenants};
use super::invite_member::{revoke_invitations_by, roles_not_invited_by};
use super::person::Identity;
use super::policy::Role;
use super::store::members::{Member, Membership};
use super::verify::Denied;
use crate::adapters::oidc::Provider;
use crate::db::audit::{AuditActor, AuditEntry};
use crate::db::{self, Db, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::{TenantId, new_id};

/// Somebody whom a provider vouches for, by a token that was verified whole.
#[derive(Clone, Debug)]
pub struct ProvenPerson {
    provider: String,
    identity: Identity,
    email: Option<String>,
    display_name: Option<String>,
    grants: ClaimGrants,
}

impl ProvenPerson {
    /// A person of a provider, by the claims of a verified token.
    pub fn new(provider: &Provider, subject: String, claims: &Map<String, Value>) -> Self {
        let settings = provider.settings();
        let text = |name: &str, longest: usize| {
            let text = claims.get(name).and_then(Value::as_str).map(str::trim);
            let fits = |text: &&str| (3..=longest).contains(&text.chars().count());
            text.filter(fits).filter(|text| !text.contains('\0')).map(str::to_owned)
        };
        Self {
            provider: settings.name.clone(),
            identity: Identity { issuer: settings.issuer.clone(), subject },
            email: text("email", 254),
            display_name: text("name", 200),
            grants: ClaimGrants::read(settings, claims),
        }
    }

    /// Issuer and subject.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Address, as the provider says it. It decides nothing.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Name, as the provider says it.
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }
}

struct Tenants {
    memberships: Vec<Membership>,
    granted: GrantedTenants,
}

impl Tenants {
    fn ids(&self) -> Vec<TenantId> {
        let mut ids: Vec<TenantId> = self.memberships.iter().map(|each| each.tenant).collect();
        ids.extend(self.granted.keys());
        ids.sort();
        ids.dedup();
        ids
    }
}

/// Tenants that the person may choose from. Whether they let the person in is known when one is entered.
///
/// # Errors
/// The database refused.
pub async fn list_tenants_of(db: &Db, person: &ProvenPerson) -> db::Result<Vec<TenantId>> {
    Ok(tenants_of(db, person).await?.ids())
}

/// The person as a member of the chosen tenant, or of their only one.
///
/// # Errors
/// They have none, or several and the choice is none of them; the tenant or the membership is suspended; the tenant does
/// not let in people of this provider.
pub async fn enter_tenant(
    db: &Db,
    person: &ProvenPerson,
    chosen: Option<TenantId>,
) -> Result<(TenantId, Member), Denied> {
    let tenants = tenants_of(db, person).await?;
    let tenant = choose(&tenants.ids(), chosen)?;
    match enter(db, person, &tenants, tenant).await {
        // Somebody else's request with the same token was first: now they are a member.
        Err(Denied::Database(db::Error::Constraint { name, .. })) if name == IDENTITY_KEY => {
            let tenants = tenants_of(db, person).await?;
            enter(db, person, &tenants, tenant).await
        }
        other => other,
    }
    .map(|member| (tenant, member))
}

/// Constraint that keeps a person from being a member twice.
const IDENTITY_KEY: &str = "members_identity_key";

async fn tenants_of(db: &Db, person: &ProvenPerson) -> db::Result<Tenants> {
    let mut tx = db.system().await?;
    let memberships = tx.list_memberships(&person.identity).await?;
    let mut granted = match person.grants.is_empty() {
        true => GrantedTenants::new(),
        false => person.grants.resolve(&mut tx).await?,
    };
    // Not two connections at once.
    drop(tx);
    // Whoever writes the claims of one customer's provider must not reach into the tenant of another: a tenant trusts the
    // claims of a provider by naming it.
    for tenant in granted.keys().copied().collect::<Vec<TenantId>>() {
        if !db.tenant(tenant).await?.get_tenant().await?.names(&person.provider) {
            granted.remove(&tenant);
        }
    }
    Ok(Tenants { memberships, granted })
}

/// A choice that is not among them is answered like none, so that it tells nothing about other tenants.
fn choose(own: &[TenantId], chosen: Option<TenantId>) -> Result<TenantId, Denied> {
    match (own, chosen) {
        ([], _) => Err(Denied::NoMembership),
        (own, Some(chosen)) if own.contains(&chosen) => Ok(chosen),
        ([only], None) => Ok(*only),
        (own, _) => Err(Denied::ChooseTenant(own.to_vec())),
    }
}

async fn enter(
    db: &Db,
    person: &ProvenPerson,
    tenants: &Tenants,
    tenant: TenantId,
) -> Result<Member, Denied> {
    let granted = tenants.granted.get(&tenant);
    let membership = tenants.memberships.iter().find(|each| each.tenant == tenant);
    let mut tx = db.tenant(tenant).await?;
    let settings = tx.get_tenant().await?;
    if settings.is_suspended() {
        return Err(Denied::TenantSuspended);
    }
    if !settings.admits(&person.provider) {
        return Err(Denied::ProviderNotAdmitted);
    }
    let Some(membership) = membership else {
        let role = granted.copied().flatten().unwrap_or(Role::Member);
        let member = join(&mut tx, person, role).await?;
        tx.commit().await?;
        return Ok(member);
    };
    let member = tx.find_member(membership.member_id).await?.ok_or(Denied::NoMembership)?;
    if member.is_suspended() {
        return Err(Denied::MemberSuspended);
    }
    if !tx.is_held_by_claims(member.member_id).await? {
        return Ok(member);
    }
    let role = *granted.ok_or(Denied::NoMembership)?;
    match role.filter(|role| *role != member.role) {
        None => Ok(member),
        Some(role) => {
            let member = follow_role(&mut tx, person, member.member_id, role).await?;
            tx.commit().await?;
            Ok(member)
        }
    }
}

/// Makes a member whose membership lasts as long as the claim that gave it.
async fn join(tx: &mut TenantTx, person: &ProvenPerson, role: Role) -> db::Result<Member> {
    let now = clock::now();
    let member = Member {
        member_id: new_id(),
        provider: person.provider.clone(),
        identity: person.identity.clone(),
        email: person.email.clone(),
        display_name: person.display_name.clone(),
        role,
        state: "active".to_owned(),
        created_at: now,
        last_seen_at: Some(now),
    };
    tx.insert_member(&member).await?;
    tx.hold_by_claims(member.member_id).await?;
    let after = json!({ "provider": member.provider, "role": role.to_string() });
    let entry = by_provider(person, "member.joined").on("member", member.member_id).after(after);
    tx.append_audit(entry).await?;
    Ok(member)
}

/// Gives the role that the claims say now. The last active owner stays one, whatever they say: the tenant would have
/// nobody who can make another.
async fn follow_role(
    tx: &mut TenantTx,
    person: &ProvenPerson,
    member_id: Uuid,
    role: Role,
) -> Result<Member, Denied> {
    let owners = tx.lock_member_and_owners(member_id).await?;
    // What was read before the lock may have changed.
    let member = tx.find_member(member_id).await?.ok_or(Denied::NoMembership)?;
    if member.is_suspended() {
        return Err(Denied::MemberSuspended);
    }
    if owners == [member_id] {
        tracing::warn!(%member_id, %role, "the last owner keeps their role against their claims");
        return Ok(member);
    }
    if member.role == role {
        return Ok(member);
    }
    tx.set_role_by_claims(member.member_id, role).await?;
    let entry = by_provider(person, "member.role_changed")
        .on("member", member.member_id)
        .before(json!({ "role": member.role.to_string() }))
        .after(json!({ "role": role.to_string() }));
    tx.append_audit(entry).await?;
    let entry = by_provider(person, "invitation.revoked");
    let lost = roles_not_invited_by(role);
    revoke_invitations_by(tx, &entry, ("member", member_id), &lost).await?;
    Ok(Member { role, ..member })
}

fn by_provider(person: &ProvenPerson, action: &'static str) -> AuditEntry {
    AuditEntry::new(AuditActor::system(&format!("login provider {}", person.provider)), action)
}
