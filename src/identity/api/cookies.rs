//! Cookies of logins: reading the one of a name, setting that of a session and that which ties a login on its way to its
//! browser, and taking them away. One way for every login.

use poem::Request;
use poem::http::header;

use crate::identity::{BrowserCookie, PENDING_LIFETIME};
use crate::web::problem::{ApiError, ProblemCode};

/// Ties logins on their way to one browser.
pub const LOGIN_COOKIE: &str = "__Host-pidima-login";

/// Sent over TLS alone, to this host alone, never shown to scripts, and with requests of other sites
/// only when they lead the browser here (`Strict` would lose it on the way back from the issuer).
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Value of a cookie. Two of one name are refused: one may have been planted.
pub fn cookie(request: &Request, name: &str) -> Result<Option<String>, ApiError> {
    let mut found = request
        .headers()
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned());
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(ApiError::new(
            ProblemCode::Unauthenticated,
            "the request holds two cookies of the login; delete the cookies of this site and log in again",
        )),
        (first, None) => Ok(first),
    }
}

/// Sets the cookie that ties logins to the browser, for as long as a login may take.
pub fn set_login(value: &str) -> String {
    let seconds = PENDING_LIFETIME.as_secs();
    format!("{LOGIN_COOKIE}={value}; {ATTRIBUTES}; Max-Age={seconds}")
}

/// Value of `Set-Cookie` that begins a session. It ends with the browser, or at the server, whichever is first.
pub fn set_session(cookie: &BrowserCookie) -> String {
    format!("{}={}; {ATTRIBUTES}", BrowserCookie::NAME, cookie.expose())
}

/// Value of `Set-Cookie` that takes a session away.
pub fn clear_session() -> String {
    format!("{}=; {ATTRIBUTES}; Max-Age=0", BrowserCookie::NAME)
}
