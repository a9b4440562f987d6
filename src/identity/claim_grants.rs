//! What a provider's claims give a person in our tenants: nothing, unless the operator allowed it by setting the claim of
//! the tenant or the prefix of groups.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::policy::Role;
use crate::adapters::oidc::ProviderSettings;
use crate::db::{self, SystemTx};
use crate::kernel::ids::TenantId;

/// Most tenants that one person's groups are looked up for.
const MAX_GROUP_TENANTS: usize = 20;

/// Tenants that the claims let a person into, as the claims write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClaimGrants {
    tenant: Option<TenantId>,
    /// Highest role by short name.
    by_slug: BTreeMap<String, Role>,
    /// Whether groups decide roles at all.
    groups_decide: bool,
}

/// Role in each tenant; `None` where the claims let in and leave the role alone.
pub(super) type GrantedTenants = BTreeMap<TenantId, Option<Role>>;

impl ClaimGrants {
    pub(super) fn read(settings: &ProviderSettings, claims: &Map<String, Value>) -> Self {
        let named = settings.tenant_claim.as_ref().and_then(|name| claims.get(name));
        let tenant = named.and_then(Value::as_str).and_then(tenant_id);
        let Some(prefix) = &settings.group_prefix else {
            return Self { tenant, ..Self::default() };
        };
        let groups = claims.get(&settings.groups_claim).and_then(Value::as_array);
        let mut by_slug: BTreeMap<String, Role> = BTreeMap::new();
        for group in groups.into_iter().flatten().filter_map(Value::as_str) {
            let Some((slug, role)) = slug_and_role(prefix, group) else { continue };
            if by_slug.len() == MAX_GROUP_TENANTS && !by_slug.contains_key(slug) {
                continue;
            }
            let highest = by_slug.entry(slug.to_owned()).or_insert(role);
            *highest = role.max(*highest);
        }
        Self { tenant, by_slug, groups_decide: true }
    }

    /// Whether the operator lets claims decide anything for this person.
    pub(super) fn is_empty(&self) -> bool {
        self.tenant.is_none() && self.by_slug.is_empty()
    }

    /// The tenants that there are.
    pub(super) async fn resolve(&self, tx: &mut SystemTx) -> db::Result<GrantedTenants> {
        let mut granted = GrantedTenants::new();
        if let Some(tenant) = self.tenant
            && tx.find_tenant(tenant.uuid()).await?.is_some()
        {
            granted.insert(tenant, self.groups_decide.then_some(Role::Member));
        }
        let slugs: Vec<String> = self.by_slug.keys().cloned().collect();
        for (slug, tenant) in tx.list_tenants_by_slug(&slugs).await? {
            granted.insert(tenant, self.by_slug.get(&slug).copied());
        }
        Ok(granted)
    }
}

/// A tenant's id in the one form that we write ourselves.
fn tenant_id(text: &str) -> Option<TenantId> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then(|| id.into())
}

/// `<prefix><slug>:<role>`, exactly.
fn slug_and_role<'a>(prefix: &str, group: &'a str) -> Option<(&'a str, Role)> {
    let (slug, role) = group.strip_prefix(prefix)?.split_once(':')?;
    // Nothing else is a short name, and the database takes no NUL.
    if !slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    {
        return None;
    }
    Some((slug, role.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_counts_with_the_exact_prefix_and_a_known_role() {
        let read = |group: &'static str| slug_and_role("pidima:", group);
        assert_eq!(read("pidima:acme:editor"), Some(("acme", Role::Editor)));
        for other in [
            "acme:editor",
            "Pidima:acme:editor",
            "xpidima:acme:editor",
            " pidima:acme:editor",
            "pidima:acme",
            "pidima:acme:",
            "pidima:acme:root",
            "pidima:acme:Editor",
            "pidima:acme:editor ",
            "pidima:acme:editor:owner",
            "pidima:ac\0me:editor",
            "pidima:Acme:editor",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_tenant_is_named_in_one_form_only() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert!(tenant_id(id).is_some());
        for other in [
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            " 01890a5d-ac96-774b-bcce-b302099a8057",
            "acme",
            "",
        ] {
            assert_eq!(tenant_id(other), None, "{other}");
        }
    }
}
