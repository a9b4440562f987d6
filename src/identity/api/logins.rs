//! `/v1/login`, `/v1/logout` and `/v1/me/password`.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::Caller;
use super::cookies::{clear_session, set_session};
use super::visitor::Visitor;
use crate::identity::{
    AcceptError, AcceptWithPasswordError, Acceptance, Accounts, Action, ChangePassword,
    ChangePasswordError, HashError, LogInError, LoginAttempt, ResetPasswordError,
};
use crate::web::body::JsonBody;
use crate::web::idempotency::{NoBody, Once, Replayable, secret_was_shown};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

/// What somebody logs in with.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
pub struct LoginCreate {
    /// Short name of the tenant.
    #[oai(validator(min_length = 1, max_length = 50))]
    tenant: String,
    /// E-mail address of the account.
    #[oai(validator(min_length = 1, max_length = 254))]
    email: String,
    /// Password, taken as it is: no character is trimmed or changed.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
    /// Password to have from now on; needed when `password` was given by an admin or the operator.
    #[oai(validator(min_length = 1, max_length = 1024))]
    new_password: Option<String>,
}

impl poem_openapi::types::Example for LoginCreate {
    fn example() -> Self {
        Self {
            tenant: "pidima".to_owned(),
            email: "ada@example.com".to_owned(),
            password: "seven otters juggle lanterns".to_owned(),
            new_password: None,
        }
    }
}

/// A change of one's own password.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
pub struct PasswordUpdate {
    /// The password until now.
    #[oai(validator(min_length = 1, max_length = 1024))]
    current: String,
    /// The password from now on: at least 10 characters, at most 256 bytes, none that is guessed first.
    #[oai(validator(min_length = 1, max_length = 1024))]
    new: String,
}

impl poem_openapi::types::Example for PasswordUpdate {
    fn example() -> Self {
        Self {
            current: "seven otters juggle lanterns".to_owned(),
            new: "nine herons mend a bicycle".to_owned(),
        }
    }
}

/// An invitation that is accepted with a password.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
pub struct AcceptanceCreate {
    /// Text of the invitation: what stands in its link after the equals sign.
    #[oai(validator(min_length = 1, max_length = 200))]
    invitation: String,
    /// Name; the address of the invitation when absent.
    #[oai(validator(min_length = 1, max_length = 200))]
    name: Option<String>,
    /// Password to log in with from now on: at least 10 characters, at most 256 bytes, none that is guessed first.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
}

impl poem_openapi::types::Example for AcceptanceCreate {
    fn example() -> Self {
        let id = "01a20591655f719c9e59e64f9815cab9";
        Self {
            invitation: format!("{id}.{id}.{}", "0a1b2c3d4e".repeat(4)),
            name: Some("Ada Lovelace".to_owned()),
            password: "seven otters juggle lanterns".to_owned(),
        }
    }
}

/// A password for one login, shown this once.
#[derive(Object)]
pub struct PasswordReset {
    /// The person.
    member_id: Uuid,
    /// Password for the next login, which must choose a new one. It can not be shown again.
    #[oai(validator(max_length = 100))]
    one_time_password: String,
}

/// Outcome of a login.
#[derive(ApiResponse)]
enum LoginResponse {
    /// Logged in: the cookie stands for the person from now on.
    #[oai(status = 204)]
    LoggedIn(
        /// Cookie `__Host-pidima`, for this server only.
        #[oai(header = "set-cookie")]
        String,
    ),
}

/// Outcome of a logout.
#[derive(ApiResponse)]
enum LogoutResponse {
    /// Logged out: the cookie is worth nothing any more and is taken away.
    #[oai(status = 204)]
    LoggedOut(
        /// Takes the cookie away.
        #[oai(header = "set-cookie")]
        String,
    ),
}

/// Outcome of a change.
#[derive(ApiResponse)]
enum ChangeResponse {
    /// The password was changed; every other login of the person has ended.
    #[oai(status = 204)]
    Changed,
}

/// Outcome of a reset.
#[derive(ApiResponse)]
enum ResetResponse {
    /// The password was replaced; every login of the person has ended.
    #[oai(status = 201)]
    Reset(Json<PasswordReset>),
}

/// Operations on logins with a password.
pub struct LoginsApi {
    /// Logs people in.
    pub accounts: Accounts,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl LoginsApi {
    /// Log in with a password
    ///
    /// For accounts that Pidima keeps itself. Sets the cookie of a browser session. An unknown tenant, an unknown address,
    /// a wrong password and a suspended account get one and the same answer. With `new_password` the password is changed
    /// too. Needs no credential.
    #[oai(path = "/login", method = "post", operation_id = "create_login")]
    async fn create_login(
        &self,
        visitor: Visitor,
        body: JsonBody<LoginCreate>,
    ) -> Result<LoginResponse, ApiError> {
        let LoginCreate { tenant, email, password, new_password } = body.0;
        let (before, origin) = (visitor.cookie, visitor.request.clone());
        let attempt = LoginAttempt {
            tenant,
            email,
            password: SecretString::from(password),
            new_password: new_password.map(SecretString::from),
            request: visitor.request,
            user_agent: visitor.user_agent,
        };
        let cookie = self.accounts.log_in(attempt).await?;
        self.accounts.end_earlier_login(before, origin).await?;
        Ok(LoginResponse::LoggedIn(set_session(&cookie)))
    }

    /// Accept an invitation with a password
    ///
    /// Makes the account that the invitation promises, for its address, and logs in. An invitation is good for one person
    /// and for a time; whatever is wrong with one, the answer is the same. Needs no credential.
    #[oai(path = "/invitations/accept", method = "post", operation_id = "create_acceptance")]
    async fn create_acceptance(
        &self,
        visitor: Visitor,
        body: JsonBody<AcceptanceCreate>,
    ) -> Result<LoginResponse, ApiError> {
        let AcceptanceCreate { invitation, name, password } = body.0;
        let display_name = name.map(|name| readable_text("/name", &name)).transpose()?;
        let (before, origin) = (visitor.cookie, visitor.request.clone());
        let acceptance = Acceptance {
            invitation,
            display_name,
            password: SecretString::from(password),
            request: visitor.request,
            user_agent: visitor.user_agent,
        };
        let cookie = self.accounts.accept_with_password(acceptance).await?;
        self.accounts.end_earlier_login(before, origin).await?;
        Ok(LoginResponse::LoggedIn(set_session(&cookie)))
    }

    /// Log out
    ///
    /// Ends the browser session of the request, at once and at the server. An API key has none: revoke it instead.
    #[oai(path = "/logout", method = "post", operation_id = "create_logout")]
    async fn create_logout(&self, caller: Caller) -> Result<LogoutResponse, ApiError> {
        let actor = caller.require(Action::MeWrite)?;
        if !self.accounts.end_login(actor).await? {
            return Err(ApiError::new(
                ProblemCode::Conflict,
                "there is no login of a browser to end; an API key is revoked instead",
            ));
        }
        Ok(LogoutResponse::LoggedOut(clear_session()))
    }

    /// Change your password
    ///
    /// For people whose account Pidima keeps itself. Ends every other login of the person; API keys stay as they are.
    #[oai(path = "/me/password", method = "put", operation_id = "update_password")]
    async fn update_password(
        &self,
        caller: Caller,
        body: JsonBody<PasswordUpdate>,
    ) -> Result<ChangeResponse, ApiError> {
        let actor = caller.require(Action::MeWrite)?;
        let change = ChangePassword {
            current: SecretString::from(body.0.current),
            new: SecretString::from(body.0.new),
        };
        self.accounts.change_password(actor, change).await?;
        Ok(ChangeResponse::Changed)
    }

    /// Reset the password of a member
    ///
    /// Makes a password for one login, shown in this answer and never again, and ends every login of the person. An admin
    /// can not reset the password of an owner. Needs the role admin.
    #[oai(
        path = "/members/:member_id/password_reset",
        method = "post",
        operation_id = "create_password_reset"
    )]
    async fn create_password_reset(
        &self,
        caller: Caller,
        /// Id of the member.
        member_id: Path<Uuid>,
        body: Once<NoBody>,
    ) -> Result<Replayable<ResetResponse>, ApiError> {
        let actor = caller.require(Action::MemberWrite)?;
        let (_, claim) = body.by(actor.id());
        let password = self.accounts.reset_password(actor, member_id.0, claim.as_ref()).await?;
        let reset = ResetResponse::Reset(Json(PasswordReset {
            member_id: member_id.0,
            one_time_password: password.expose_secret().to_owned(),
        }));
        Ok(Replayable::of(reset, false))
    }
}

impl From<LogInError> for ApiError {
    fn from(error: LogInError) -> Self {
        let words = error.to_string();
        match error {
            LogInError::Refused => Self::new(ProblemCode::Unauthenticated, words),
            LogInError::MustChange => Self::new(ProblemCode::PasswordChangeRequired, words),
            LogInError::Throttled(wait) => Self::too_many(wait, words),
            LogInError::Password(_) => Self::invalid("/password", words),
            LogInError::NewPassword(_) => Self::invalid("/new_password", words),
            LogInError::Hash(error) => error.into(),
            LogInError::Database(error) => error.into(),
        }
    }
}

impl From<AcceptWithPasswordError> for ApiError {
    fn from(error: AcceptWithPasswordError) -> Self {
        let words = error.to_string();
        match error {
            AcceptWithPasswordError::Accept(AcceptError::Refused) => {
                Self::new(ProblemCode::Unauthenticated, words)
            }
            AcceptWithPasswordError::Accept(AcceptError::Database(error)) => error.into(),
            AcceptWithPasswordError::Accept(_) => Self::new(ProblemCode::Conflict, words),
            AcceptWithPasswordError::Throttled(wait) => Self::too_many(wait, words),
            AcceptWithPasswordError::Password(_) => Self::invalid("/password", words),
            AcceptWithPasswordError::Hash(error) => error.into(),
            AcceptWithPasswordError::Database(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for ApiError {
    fn from(error: ChangePasswordError) -> Self {
        let words = error.to_string();
        match error {
            ChangePasswordError::NoPerson => Self::new(ProblemCode::Forbidden, words),
            ChangePasswordError::NoAccount => Self::new(ProblemCode::Conflict, words),
            ChangePasswordError::Wrong => Self::invalid("/current", words),
            ChangePasswordError::Throttled(wait) => Self::too_many(wait, words),
            ChangePasswordError::NewPassword(_) => Self::invalid("/new", words),
            ChangePasswordError::Hash(error) => error.into(),
            ChangePasswordError::Database(error) => error.into(),
        }
    }
}

impl From<ResetPasswordError> for ApiError {
    fn from(error: ResetPasswordError) -> Self {
        let words = error.to_string();
        match error {
            ResetPasswordError::NoMember => Self::not_found("member"),
            ResetPasswordError::NoAccount => Self::new(ProblemCode::Conflict, words),
            ResetPasswordError::Grant(_) => Self::new(ProblemCode::Forbidden, words),
            ResetPasswordError::DoneBefore(kept) => secret_was_shown(&kept),
            ResetPasswordError::Hash(error) => error.into(),
            ResetPasswordError::Database(error) => error.into(),
        }
    }
}

impl From<HashError> for ApiError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::new(ProblemCode::Unavailable, error.to_string()),
            HashError::Unusable(_) => Self::internal(error),
        }
    }
}
