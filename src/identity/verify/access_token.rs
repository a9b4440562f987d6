//! Access tokens of login providers: signed by a key of the configured issuer, meant for us, good now, and held by a
//! person of the tenant.
//!
//! Nothing of the token is believed before its signature holds, but the issuer and key id by which the key is found among
//! those that the operator trusts. What is refused says little to who sent it; the log says why.

mod claims;
mod form;

use chrono::{DateTime, Utc};

use super::{Denied, Verified, Verifier};
use crate::adapters::oidc::{Provider, SigningKey};
use crate::identity::actor::RequestOrigin;
use crate::identity::enter_tenant::{ProvenPerson, enter_tenant};
use crate::identity::{Actor, Principal};
use crate::kernel::ids::TenantId;
use claims::{CheckedClaims, SKEW_SECONDS};
use form::TokenForm;

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    /// Its form, its signature or a claim; for the log.
    #[error("{0}")]
    Bad(&'static str),
    /// It was good once.
    #[error("it has expired")]
    Expired,
}

impl Verifier {
    pub(super) async fn look_up_access_token(
        &self,
        text: &str,
        chosen: Option<TenantId>,
    ) -> Result<Verified, Denied> {
        let form = TokenForm::read(text).map_err(|refused| unsigned(refused, None))?;
        let issuer = form
            .issuer()
            .ok_or_else(|| unsigned(Refused::Bad("the issuer is missing or no text"), None))?;
        let provider = self.providers.by_issuer(issuer).ok_or_else(|| {
            unsigned(Refused::Bad("the issuer is not one of the configured ones"), None)
        })?;
        let keys = provider.keys(form.kid()).await?;
        if !is_signed(&form, &keys) {
            let refused = Refused::Bad("no key of the issuer made the signature");
            return Err(unsigned(refused, Some(provider)));
        }
        let checked = CheckedClaims::check(&form, provider.settings(), Utc::now())
            .map_err(|refused| signed_but_refused(refused, provider))?;
        let expires_at = checked.expires_at;
        let person = ProvenPerson::new(provider, checked.subject, form.claims());
        let (tenant, member) = enter_tenant(&self.db, &person, chosen).await?;
        let entered = self.db.tenant(tenant).await?.get_tenant().await?;
        let actor = Actor {
            tenant,
            principal: Principal::Member { member_id: member.member_id, browser_session_id: None },
            name: member.shown_name(),
            role: member.role,
            scopes: member.role.own_scopes(),
            allowed_origins: entered.allowed_origins,
            request: RequestOrigin::default(),
        };
        let end = expires_at.saturating_add(SKEW_SECONDS);
        Ok(Verified { expires_at: DateTime::from_timestamp(end, 0), ..Verified::anywhere(actor) })
    }
}

/// Whether a key of the token's id and algorithm made the signature. The key says which algorithm it is for.
fn is_signed(form: &TokenForm<'_>, keys: &[std::sync::Arc<SigningKey>]) -> bool {
    keys.iter()
        .filter(|key| key.algorithm() == form.algorithm())
        .any(|key| key.verifies(form.message(), form.signature()))
}

/// Anybody can send such a token, as often as they like: no line of the log that is on by default.
fn unsigned(refused: Refused, provider: Option<&Provider>) -> Denied {
    let provider = provider.map(|provider| provider.settings().name.as_str());
    tracing::debug!(reason = %refused, provider, "refused an access token");
    Denied::Unknown
}

fn signed_but_refused(refused: Refused, provider: &Provider) -> Denied {
    let provider = provider.settings().name.as_str();
    tracing::info!(reason = %refused, provider, "refused an access token that the issuer signed");
    match refused {
        Refused::Expired => Denied::TokenExpired,
        Refused::Bad(_) => Denied::TokenUnfit,
    }
}
