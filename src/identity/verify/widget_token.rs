//! Widget tokens: the signature first, then the publishable key, under the tenant that stands in front.

use chrono::Utc;

use super::place::Places;
use super::{Denied, Verified, Verifier};
use crate::identity::actor::RequestOrigin;
use crate::identity::credential::KeyKind;
use crate::identity::widget_token::UnverifiedToken;
use crate::identity::{Actor, Principal, Role, Scope};

impl Verifier {
    pub(super) async fn look_up_widget_token(&self, text: &str) -> Result<Verified, Denied> {
        let token = UnverifiedToken::parse(text).ok_or(Denied::Unknown)?;
        let signer = self.signer.as_ref().ok_or(Denied::Unknown)?;
        // Bad ones cost no query.
        let claims = signer.read(&token).ok_or(Denied::BadToken)?;
        let mut tx = self.db.tenant(token.tenant).await?;
        let key = tx.find_api_key(token.api_key_id).await?;
        let key = key.filter(|key| key.kind == KeyKind::Publishable).ok_or(Denied::BadToken)?;
        let now = Utc::now();
        if key.is_over(now) {
            return Err(Denied::BadToken);
        }
        if tx.get_tenant().await?.is_suspended() {
            return Err(Denied::TenantSuspended);
        }
        let expires_at = claims.expires_at().ok_or(Denied::BadToken)?;
        let actor = Actor {
            tenant: token.tenant,
            principal: Principal::EndUser {
                api_key_id: key.api_key_id,
                end_user_id: claims.end_user_id(),
                collection_ids: key.collection_ids.clone(),
            },
            name: claims.name.unwrap_or(claims.sub),
            role: Role::Member,
            scopes: vec![Scope::Ask],
            allowed_origins: key.allowed_origins.clone(),
            request: RequestOrigin::default(),
        };
        Ok(Verified {
            actor,
            places: Places::of(&key)?,
            expires_at: Some(key.expires_at.min(expires_at)),
        })
    }
}
