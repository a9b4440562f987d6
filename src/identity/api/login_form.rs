//! `/login/local`: the form in which people log in with a password. One page without scripts; it works in any browser,
//! and a post is taken from this very page only.

use poem::http::{StatusCode, header};
use poem::web::{Data, Form, Query};
use poem::{Request, Response, handler};
use secrecy::SecretString;
use serde::Deserialize;

use super::cookies::set_session;
use super::visitor::Visitor;
use crate::identity::{Accounts, LogInError, LoginAttempt};
use crate::web::origin::is_same_origin;
use crate::web::page::{Page, escape};
use crate::web::problem::ApiError;

/// Where somebody is led who has logged in.
const AFTER: &str = "/docs";

/// What the form sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginForm {
    tenant: String,
    email: String,
    password: String,
    #[serde(default)]
    new_password: String,
}

/// What a link to the form may fill in.
#[derive(Deserialize)]
pub struct Prefilled {
    #[serde(default)]
    tenant: String,
}

/// The empty form.
#[handler]
pub fn show_login_form(prefilled: Query<Prefilled>) -> Response {
    page(StatusCode::OK, &prefilled.0.tenant, "", None, false)
}

/// Logs in, or shows the form again with the reason.
#[handler]
pub async fn submit_login_form(
    request: &Request,
    visitor: Visitor,
    accounts: Data<&Accounts>,
    form: Form<LoginForm>,
) -> poem::Result<Response> {
    let LoginForm { tenant, email, password, new_password } = form.0;
    if !is_same_origin(request) {
        let words = "the form was not sent from this page; open /login/local and try again";
        return Ok(page(StatusCode::FORBIDDEN, &tenant, &email, Some(words), false));
    }
    let (before, origin) = (visitor.cookie, visitor.request.clone());
    let attempt = LoginAttempt {
        tenant: tenant.clone(),
        email: email.clone(),
        password: SecretString::from(password),
        new_password: (!new_password.is_empty()).then(|| SecretString::from(new_password)),
        request: visitor.request,
        user_agent: visitor.user_agent,
    };
    match accounts.log_in(attempt).await {
        Ok(cookie) => {
            let ended = accounts.end_earlier_login(before, origin).await;
            ended.map_err(ApiError::from)?;
            Ok(Response::builder()
                .status(StatusCode::SEE_OTHER)
                .header(header::LOCATION, AFTER)
                .header(header::SET_COOKIE, set_session(&cookie))
                .finish())
        }
        Err(error) => refused(error, &tenant, &email),
    }
}

/// The form again. A fault of ours goes the way of all faults, so that it is logged.
fn refused(error: LogInError, tenant: &str, email: &str) -> poem::Result<Response> {
    let asks_for_new = matches!(error, LogInError::MustChange | LogInError::NewPassword(_));
    let words = match &error {
        LogInError::MustChange => "choose a new password: this one was given to you".to_owned(),
        LogInError::NewPassword(fault) => format!("the new password {fault}"),
        LogInError::Password(fault) => format!("the password {fault}"),
        other => other.to_string(),
    };
    let problem = ApiError::from(error);
    if problem.cause().is_some() {
        return Err(problem.into());
    }
    let mut shown = page(problem.code.status(), tenant, email, Some(&words), asks_for_new);
    let wait = problem.response(None).headers().get(header::RETRY_AFTER).cloned();
    if let Some(wait) = wait {
        shown.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    Ok(shown)
}

fn page(
    status: StatusCode,
    tenant: &str,
    email: &str,
    words: Option<&str>,
    asks_for_new: bool,
) -> Response {
    let new = "<label for=\"new_password\">New password</label>\
        <input id=\"new_password\" name=\"new_password\" type=\"password\" required autocomplete=\"new-password\">";
    let form = format!(
        "<form method=\"post\" action=\"/login/local\">\
        <label for=\"tenant\">Tenant</label>\
        <input id=\"tenant\" name=\"tenant\" required maxlength=\"50\" autocomplete=\"organization\" value=\"{}\">\
        <label for=\"email\">E-mail address</label>\
        <input id=\"email\" name=\"email\" type=\"email\" required maxlength=\"254\" autocomplete=\"username\" value=\"{}\">\
        <label for=\"password\">Password</label>\
        <input id=\"password\" name=\"password\" type=\"password\" required autocomplete=\"current-password\">\
        {}<button>Log in</button></form>",
        escape(tenant),
        escape(email),
        if asks_for_new { new } else { "" },
    );
    Page::new("Log in").status(status).alert(words).markup(&form).response()
}
