//! What happens when the issuer sends a browser back: the login is taken out, the code becomes a person, and the person
//! enters their tenant, or chooses one first.

use serde_json::{Map, Value};

use super::exchange_code::{redeem, verify};
use super::once::random_text;
use super::{BrowserLogins, EnteredTenant, LoginFault};
use crate::identity::actor::RequestOrigin;
use crate::identity::store::pending_logins::{PendingLogin, PendingStep};
use crate::identity::{LoginFacts, Newcomer, ProvenPerson, email_address};
use crate::kernel::ids::TenantId;

/// Longest code that is sent on, in bytes; those of issuers have some hundred.
const MAX_CODE_BYTES: usize = 4_096;
/// Errors of an authorization (RFC 6749, 4.1.2.1; OpenID Connect Core 3.1.2.6) that are told by their names.
const KNOWN_ERRORS: [&str; 11] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// What the browser brings from the issuer.
#[derive(Clone, Debug, Default)]
pub struct Callback {
    /// To be redeemed.
    pub code: Option<String>,
    /// Names the login.
    pub state: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub issuer: Option<String>,
    /// Cookie that ties the login to the browser.
    pub browser: Option<String>,
}

/// What a person chose.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Text of the form.
    pub text: Option<String>,
    /// Tenant.
    pub tenant: Option<TenantId>,
    /// Cookie that ties the login to the browser.
    pub browser: Option<String>,
}

/// How a login goes on.
#[derive(Debug)]
pub enum FinishedLogin {
    /// In the one tenant of the person.
    Entered(EnteredTenant),
    /// The person must choose.
    Choice(TenantChoice),
}

/// Tenants to choose from.
#[derive(Clone, Debug)]
pub struct TenantChoice {
    /// Stands in the form; good once.
    pub text: String,
    /// Tenants with the names they show to people.
    pub tenants: Vec<(TenantId, String)>,
}

impl BrowserLogins {
    /// Ends the way to the issuer and back.
    ///
    /// # Errors
    /// Why nobody is logged in now.
    pub async fn finish(
        &self,
        callback: Callback,
        request: RequestOrigin,
        user_agent: Option<String>,
    ) -> Result<FinishedLogin, LoginFault> {
        let browser = callback.browser.as_deref();
        let login = self.take(browser, callback.state.as_deref(), false).await?;
        let PendingStep::Issuer { nonce, pkce_verifier } = &login.step else {
            return Err(LoginFault::NotPending);
        };
        let provider = self.provider(&login.provider)?;
        let sends_issuer = provider.metadata().await.is_ok_and(|metadata| metadata.sends_issuer);
        match &callback.issuer {
            Some(issuer) if *issuer != provider.settings().issuer => {
                return Err(LoginFault::Answer("it names another issuer"));
            }
            None if sends_issuer => return Err(LoginFault::Answer("it names no issuer")),
            _ => {}
        }
        if let Some(error) = callback.error {
            let known = KNOWN_ERRORS.contains(&error.as_str());
            let told = if known { error } else { "an error of its own".to_owned() };
            return Err(LoginFault::Ended(told));
        }
        let code = callback.code.filter(|code| (1..=MAX_CODE_BYTES).contains(&code.len()));
        let code = code.ok_or(LoginFault::Answer("it holds no code"))?;
        let token = redeem(provider, &self.redirect_uri()?, &code, pkce_verifier).await?;
        let verified = verify(provider, &token, nonce).await?;
        let person = ProvenPerson::new(provider, verified.subject.clone(), &verified.claims);
        let facts = self.facts(request, user_agent);
        let return_to = login.return_to.clone();
        if let Some(invitation) = &login.invitation {
            let newcomer = newcomer(&person, &login.provider, &verified.claims, &facts.request);
            let cookie = self.join(invitation, newcomer, &facts).await?;
            return Ok(FinishedLogin::Entered(EnteredTenant { cookie, return_to }));
        }
        let open = self.open_tenants(&person, &login.provider, &facts.request).await?;
        if let [only] = open.as_slice() {
            let cookie = self.enter(*only, &login.provider, &facts).await?;
            return Ok(FinishedLogin::Entered(EnteredTenant { cookie, return_to }));
        }
        let text = random_text();
        let step = PendingStep::Choice(person.identity().clone());
        let waiting = PendingLogin { step, ..login };
        let browser = browser.ok_or(LoginFault::NotPending)?;
        self.keep(browser, &text, &waiting).await?;
        let tenants = self.names_of(&open).await?;
        Ok(FinishedLogin::Choice(TenantChoice { text, tenants }))
    }

    /// Enters the tenant that a person of several chose.
    ///
    /// # Errors
    /// Why nobody is logged in now.
    pub async fn choose(
        &self,
        chosen: Chosen,
        request: RequestOrigin,
        user_agent: Option<String>,
    ) -> Result<EnteredTenant, LoginFault> {
        let login = self.take(chosen.browser.as_deref(), chosen.text.as_deref(), true).await?;
        let PendingStep::Choice(identity) = login.step else { return Err(LoginFault::NotPending) };
        let tenant = chosen.tenant.ok_or(LoginFault::Answer("no tenant was chosen"))?;
        let facts = self.facts(request, user_agent);
        // Asked again: what was offered may have changed, and the form may name anything.
        let open = self.chosen_tenant(&identity, tenant, &login.provider).await?;
        let cookie = self.enter(open, &login.provider, &facts).await?;
        Ok(EnteredTenant { cookie, return_to: login.return_to })
    }

    fn facts(&self, request: RequestOrigin, user_agent: Option<String>) -> LoginFacts {
        LoginFacts { request, user_agent, lifetime: self.settings.session_lifetime }
    }
}

/// The person as the issuer describes them. An address counts only when the issuer has verified it.
fn newcomer(
    person: &ProvenPerson,
    provider: &str,
    claims: &Map<String, Value>,
    request: &RequestOrigin,
) -> Newcomer {
    // Cognito writes the truth as a text.
    let is_verified = claims
        .get("email_verified")
        .is_some_and(|told| *told == Value::Bool(true) || *told == "true");
    Newcomer {
        identity: person.identity().clone(),
        provider: provider.to_owned(),
        email: person.email().filter(|_| is_verified).and_then(email_address),
        display_name: person.display_name().map(str::to_owned),
        request: request.clone(),
    }
}
