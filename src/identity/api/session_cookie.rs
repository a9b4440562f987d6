//! How the cookie of a browser session is set and taken away: one way for every login.

use crate::identity::BrowserCookie;

/// What browsers must hold to: over TLS only, never shown to scripts, not sent by other sites' forms, for every path.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Value of `Set-Cookie` that begins a session. It ends with the browser, or at the server, whichever is first.
pub fn set_cookie(cookie: &BrowserCookie) -> String {
    format!("{}={}; {ATTRIBUTES}", BrowserCookie::NAME, cookie.expose())
}

/// Value of `Set-Cookie` that takes it away.
pub fn clear_cookie() -> String {
    format!("{}=; {ATTRIBUTES}; Max-Age=0", BrowserCookie::NAME)
}
