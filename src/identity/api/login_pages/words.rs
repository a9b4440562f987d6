//! What a person reads when a login did not happen: what it means and what to do. The reason in full goes to the log.

use poem::http::{StatusCode, header};
use poem::{Request, Response};

use crate::db;
use crate::identity::{AcceptError, ExchangeError, FULL_RETRY_SECONDS, LoginFault, RequestOrigin};
use crate::web::page::{Page, escape};

/// The page of a fault.
pub fn page_of(fault: &LoginFault, request: &Request) -> Response {
    let id = request.extensions().get::<RequestOrigin>().and_then(|it| it.request_id.clone());
    let (status, title, text) = told(fault);
    if status.is_server_error() {
        tracing::error!(error = fault as &dyn std::error::Error, "login failed");
    } else {
        tracing::warn!(reason = %fault, "login refused");
    }
    let page = Page::new(title).status(status).text(&text).link("/login", "Log in again");
    let mut response = match id {
        Some(id) => page.markup(&format!("<p class=\"small\">Request {}</p>", escape(&id))),
        None => page,
    }
    .response();
    if matches!(fault, LoginFault::Full) {
        response.headers_mut().insert(header::RETRY_AFTER, FULL_RETRY_SECONDS.into());
    }
    response
}

/// The page for a form that was sent from somewhere else.
pub fn foreign_page() -> Response {
    tracing::warn!("a form of the login was sent from another site");
    Page::new("This came from another site")
        .status(StatusCode::FORBIDDEN)
        .text("Forms of the login are taken from pages of this server only. Nothing was done.")
        .link("/login", "Log in")
        .response()
}

fn told(fault: &LoginFault) -> (StatusCode, &'static str, String) {
    let (status, title, text) = match fault {
        LoginFault::NoSuchProvider => (
            StatusCode::NOT_FOUND,
            "There is no such login",
            "Choose one of the logins that this server offers.",
        ),
        LoginFault::NoPublicUrl => (
            StatusCode::NOT_FOUND,
            "This login is not set up",
            "The operator must set the address of this server first (PIDIMA_PUBLIC_URL).",
        ),
        LoginFault::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many people log in just now",
            "Try again in some minutes.",
        ),
        LoginFault::NotPending => (
            StatusCode::BAD_REQUEST,
            "This login can not be finished",
            "It was begun in another browser, took longer than 10 minutes, or was finished before. Begin again.",
        ),
        LoginFault::Ended(error) => {
            return (
                StatusCode::BAD_REQUEST,
                "The login provider ended the login",
                format!(
                    "It said: {error}. Begin again, or ask who looks after your account there."
                ),
            );
        }
        LoginFault::Answer(_) | LoginFault::Exchange(_) if is_away(fault) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The login provider can not be reached",
            "Try again in some minutes.",
        ),
        LoginFault::Answer(_) | LoginFault::Exchange(_) => (
            StatusCode::BAD_REQUEST,
            "This login can not be finished",
            "The answer of the login provider is not one that can be trusted. Begin again; if it stays so, ask the operator.",
        ),
        LoginFault::NoMembership => (
            StatusCode::FORBIDDEN,
            "You are not a member yet",
            "Your login is good, but no tenant here knows you. Ask an admin of your tenant to invite you, and open the link of the invitation.",
        ),
        LoginFault::KeptOut => (
            StatusCode::FORBIDDEN,
            "You are kept out",
            "Your membership or your tenant is suspended, or the tenant does not take this login. Ask an admin of your tenant.",
        ),
        LoginFault::NotTheirs(_) => (
            StatusCode::FORBIDDEN,
            "This tenant can not be entered",
            "You are not a member of the tenant that was chosen, or not any more. Log in again.",
        ),
        LoginFault::Invitation(AcceptError::Database(error)) => return told_of_database(error),
        LoginFault::Invitation(error) => {
            return (
                StatusCode::FORBIDDEN,
                "The invitation was not accepted",
                sentence(&error.to_string()),
            );
        }
        LoginFault::Database(error) => return told_of_database(error),
    };
    (status, title, text.to_owned())
}

fn told_of_database(error: &db::Error) -> (StatusCode, &'static str, String) {
    let (status, title, text) = match error {
        error if error.is_retryable() => {
            (StatusCode::SERVICE_UNAVAILABLE, "The service is busy", "Try again in a moment.")
        }
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something failed on our side",
            "Try again, and name the request below if it stays so.",
        ),
    };
    (status, title, text.to_owned())
}

/// A message as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    format!("{}.", first.chain(letters).collect::<String>())
}

/// Whether trying again later may help.
fn is_away(fault: &LoginFault) -> bool {
    let LoginFault::Exchange(error) = fault else { return false };
    matches!(
        error,
        ExchangeError::Provider(_) | ExchangeError::NoAnswer(_) | ExchangeError::Keys(_)
    )
}
