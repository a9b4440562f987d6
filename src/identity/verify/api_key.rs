//! API keys: looked up under the tenant that they carry.

use chrono::Utc;
use subtle::ConstantTimeEq;

use super::place::Places;
use super::{Denied, Verified, Verifier};
use crate::identity::actor::RequestOrigin;
use crate::identity::credential::KeyKind;
use crate::identity::store::api_keys::KeyToVerify;
use crate::identity::{Actor, Credential, Principal};

impl Verifier {
    pub(super) async fn look_up_api_key(&self, text: &str) -> Result<Verified, Denied> {
        let credential = Credential::parse(text).ok_or(Denied::Unknown)?;
        let read = self.db.read(credential.tenant).await?;
        let found = read.key_to_verify(credential.api_key_id).await?;
        // An unknown key is compared too, so that the answer takes the same time.
        let stored = found.as_ref().map_or(&[0; 32][..], |found| found.secret_sha256.as_slice());
        let equal = bool::from(stored.ct_eq(&credential.secret_sha256()));
        let found = found.filter(|found| equal && found.key.kind == credential.kind);
        let KeyToVerify { key, is_tenant_suspended, tenant_origins, .. } =
            found.ok_or(Denied::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(Denied::Revoked);
        }
        if key.expires_at <= Utc::now() {
            return Err(Denied::Expired);
        }
        if is_tenant_suspended {
            return Err(Denied::TenantSuspended);
        }
        let (places, expires_at) = (Places::of(&key)?, Some(key.expires_at));
        let mut allowed_origins = tenant_origins;
        allowed_origins.extend(key.allowed_origins);
        let actor = Actor {
            tenant: credential.tenant,
            principal: Principal::ApiKey {
                api_key_id: key.api_key_id,
                publishable: key.kind == KeyKind::Publishable,
                collection_ids: key.collection_ids,
            },
            name: key.name,
            role: key.role,
            scopes: key.scopes,
            allowed_origins,
            request: RequestOrigin::default(),
        };
        Ok(Verified { actor, places, expires_at })
    }
}
