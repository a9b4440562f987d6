//! Logins of browsers: through real identity providers, with everything that can be forged, replayed or mixed up.

mod bounds;
mod callbacks;
mod choices;
pub mod chromium;
mod csrf;
mod flows;
mod forged;
mod invitations;
mod issuer_faults;
mod pages;
mod sessions;
mod setup;
mod swagger;
mod sweeping;

/// Name of the cookie of a session.
const SESSION: &str = "__Host-pidima";
/// Name of the cookie that ties logins to a browser.
const LOGIN: &str = "__Host-pidima-login";
