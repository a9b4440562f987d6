//! `/login/invitation`: the form in which somebody invited accepts with a password of their own. One page without
//! scripts; a post is taken from this very page only. What is done is the business of accounts.

use poem::http::{StatusCode, header};
use poem::web::{Data, Form, Query};
use poem::{Request, Response, handler};
use secrecy::SecretString;
use serde::Deserialize;

use super::cookies::set_session;
use super::visitor::Visitor;
use crate::identity::{Acceptance, Accounts};
use crate::web::origin::is_same_origin;
use crate::web::page::{Page, escape};
use crate::web::problem::ApiError;
use crate::web::reading::readable_text;

/// Address of the form.
pub const ACCEPTANCE_PATH: &str = "/login/invitation";
/// Where somebody is led who has accepted.
const AFTER: &str = "/docs";

/// What the link to the form holds.
#[derive(Deserialize)]
pub struct AcceptanceQuery {
    #[serde(default)]
    invitation: String,
}

/// What the form sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceForm {
    invitation: String,
    #[serde(default)]
    name: String,
    password: String,
}

/// The empty form.
#[handler]
pub fn show_acceptance_form(query: Query<AcceptanceQuery>) -> Response {
    page(StatusCode::OK, &query.0.invitation, "", None)
}

/// Accepts and logs in, or shows the form again with the reason.
#[handler]
pub async fn submit_acceptance_form(
    request: &Request,
    visitor: Visitor,
    accounts: Data<&Accounts>,
    form: Form<AcceptanceForm>,
) -> poem::Result<Response> {
    let AcceptanceForm { invitation, name, password } = form.0;
    if !is_same_origin(request) {
        let words = "the form was not sent from this page; open your invitation and try again";
        return Ok(page(StatusCode::FORBIDDEN, &invitation, &name, Some(words)));
    }
    let display_name = match name.trim() {
        "" => None,
        text => match readable_text("/name", text) {
            Ok(text) => Some(text),
            Err(fault) => return refused(fault, &invitation, &name),
        },
    };
    let acceptance = Acceptance {
        invitation: invitation.clone(),
        display_name,
        password: SecretString::from(password),
        request: visitor.request,
        user_agent: visitor.user_agent,
    };
    match accounts.accept_with_password(acceptance).await {
        Ok(cookie) => Ok(Response::builder()
            .status(StatusCode::SEE_OTHER)
            .header(header::LOCATION, AFTER)
            .header(header::SET_COOKIE, set_session(&cookie))
            .finish()),
        Err(error) => refused(error.into(), &invitation, &name),
    }
}

/// The form again. A fault of ours goes the way of all faults, so that it is logged.
fn refused(fault: ApiError, invitation: &str, name: &str) -> poem::Result<Response> {
    if fault.cause().is_some() {
        return Err(fault.into());
    }
    let mut shown = page(fault.code.status(), invitation, name, Some(&fault.detail));
    let wait = fault.response(None).headers().get(header::RETRY_AFTER).cloned();
    if let Some(wait) = wait {
        shown.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    Ok(shown)
}

fn page(status: StatusCode, invitation: &str, name: &str, words: Option<&str>) -> Response {
    let form = format!(
        "<form method=\"post\" action=\"{ACCEPTANCE_PATH}\">\
        <input type=\"hidden\" name=\"invitation\" value=\"{}\">\
        <label for=\"name\">Your name</label>\
        <input id=\"name\" name=\"name\" maxlength=\"200\" autocomplete=\"name\" value=\"{}\">\
        <label for=\"password\">Choose a password</label>\
        <input id=\"password\" name=\"password\" type=\"password\" required autocomplete=\"new-password\">\
        <button>Accept</button></form>",
        escape(invitation),
        escape(name),
    );
    Page::new("Accept your invitation")
        .status(status)
        .text("You become a member of the tenant that invites you, and log in with your e-mail address from then on.")
        .alert(words)
        .markup(&form)
        .response()
}
