//! Where a logout goes after the session here is over: to the issuer, whose own session would log in again unasked.

use reqwest::Url;

use super::BrowserLogins;
use crate::identity::{Actor, Principal};

impl BrowserLogins {
    /// Where a logout goes on: to the issuer that the actor's login came from.
    pub async fn logout_address(&self, actor: &Actor) -> Option<String> {
        let Principal::Member { browser_session_id: Some(id), .. } = actor.principal else {
            return None;
        };
        let mut tx = self.db.tenant(actor.tenant).await.ok()?;
        let session = tx.find_browser_session(id).await.ok()??;
        drop(tx);
        self.issuer_logout(&session.provider).await
    }

    /// Address of the provider's logout, which leads back to `/login`; none when it has none or is away.
    async fn issuer_logout(&self, provider: &str) -> Option<String> {
        let provider = self.providers.get(provider)?;
        let endpoint = provider.metadata().await.ok()?.end_session_endpoint.clone()?;
        let back = format!("{}/login", self.public_url().ok()?);
        let settings = provider.settings();
        logout_url(&endpoint, &settings.issuer, &settings.client_id, &back)
    }
}

/// Cognito has names of its own for what OpenID Connect RP-Initiated Logout 1.0 calls `post_logout_redirect_uri`. There is
/// no `id_token_hint`: no token is kept.
fn logout_url(endpoint: &str, issuer: &str, client_id: &str, back: &str) -> Option<String> {
    let mut url = Url::parse(endpoint).ok()?;
    let is_cognito = issuer.starts_with("https://cognito-idp.");
    let back_name = if is_cognito { "logout_uri" } else { "post_logout_redirect_uri" };
    url.query_pairs_mut().append_pair("client_id", client_id).append_pair(back_name, back);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_issuer_is_told_in_its_own_words_where_to_lead_back_to() {
        let back = "https://docs.example.com/login";
        let standard = logout_url("https://i.example/end?a=b", "https://i.example", "c d", back);
        assert_eq!(
            standard.as_deref(),
            Some(
                "https://i.example/end?a=b&client_id=c+d&post_logout_redirect_uri=https%3A%2F%2Fdocs.example.com%2Flogin"
            )
        );
        let cognito = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x";
        let cognito = logout_url("https://x.example/logout", cognito, "c", back).unwrap();
        assert!(
            cognito.ends_with("?client_id=c&logout_uri=https%3A%2F%2Fdocs.example.com%2Flogin")
        );
        assert_eq!(logout_url("no address", "i", "c", back), None);
    }
}
