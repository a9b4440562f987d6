//! The pages of the login: `/login`, `/login/{provider}`, `/login/callback`, `/login/choice`, `/logout`.
//!
//! They are for people: what goes wrong is told in plain words. What is done is `browser_login`'s business.

mod words;

use openidconnect::url::form_urlencoded;
use poem::http::{HeaderValue, StatusCode, header};
use poem::web::{Data, Form, Path, Query};
use poem::{Request, Response, handler};
use serde::Deserialize;
use uuid::Uuid;

use super::acceptance_form::ACCEPTANCE_PATH;
use super::cookies::{LOGIN_COOKIE, clear_session, cookie, set_login, set_session};
use crate::identity::{
    Accounts, Actor, BrowserCookie, BrowserLogins, Callback, Chosen, EnteredTenant, FinishedLogin,
    LoginWish, Presented, RequestOrigin, TenantChoice, Verifier, return_path,
};
use crate::web::origin::is_same_origin;
use crate::web::page::{Page, escape, origin_of};
use crate::web::problem::ApiError;

/// What `/login` and `/login/{provider}` are asked with.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LoginQuery {
    return_to: Option<String>,
    invitation: Option<String>,
}

/// What the issuer sends the browser back with.
#[derive(Clone, Debug, Deserialize)]
pub struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// The form in which a tenant is chosen.
#[derive(Clone, Debug, Deserialize)]
pub struct ChoiceForm {
    choice: Option<String>,
    tenant: Option<Uuid>,
}

/// `GET /login`: ways to log in.
#[handler]
pub fn login(logins: Data<&BrowserLogins>, query: Query<LoginQuery>) -> Response {
    let names = logins.provider_names();
    let invited = query.invitation.is_some();
    let mut page = Page::new(if invited { "Accept your invitation" } else { "Log in" });
    if invited {
        page = page.text("Log in, and you are a member of the tenant that invites you.");
    }
    for name in &names {
        let address = with_query(&format!("/login/{name}"), &query);
        page = page.link(&address, &format!("Log in with {name}"));
    }
    let page = match invited {
        true => page.link(&with_query(ACCEPTANCE_PATH, &query), "Choose a password of your own"),
        false => page.link("/login/local", "Log in with e-mail address and password"),
    };
    page.response()
}

/// `GET /login/{provider}`: sends the browser to the issuer.
#[handler]
pub async fn begin(
    request: &Request,
    logins: Data<&BrowserLogins>,
    provider: Path<String>,
    query: Query<LoginQuery>,
) -> Response {
    // A link on another page must not make somebody join: they see what they are about to accept, and choose.
    // A browser that does not say where it comes from may come from anywhere.
    let is_ours = request.header("sec-fetch-site") == Some("same-origin");
    if query.invitation.is_some() && !is_ours {
        return redirect(&with_query("/login", &query));
    }
    let wish = LoginWish {
        return_to: query.0.return_to,
        browser: login_cookie(request),
        invitation: query.0.invitation,
    };
    match logins.begin(&provider, wish).await {
        Ok(begun) => {
            let mut response = redirect(&begun.authorization_url);
            add_cookie(&mut response, &set_login(&begun.browser));
            response
        }
        Err(fault) => words::page_of(&fault, request),
    }
}

/// `GET /login/callback`: the browser comes back from the issuer.
#[handler]
pub async fn callback(
    request: &Request,
    logins: Data<&BrowserLogins>,
    accounts: Data<&Accounts>,
    query: Query<CallbackQuery>,
) -> Response {
    let CallbackQuery { code, state, error, iss } = query.0;
    let back = Callback { code, state, error, issuer: iss, browser: login_cookie(request) };
    match Box::pin(logins.finish(back, origin(request), user_agent(request))).await {
        Ok(FinishedLogin::Entered(entered)) => enter(request, &accounts, &entered).await,
        Ok(FinishedLogin::Choice(choice)) => choice_page(&choice),
        Err(fault) => words::page_of(&fault, request),
    }
}

/// `POST /login/choice`: a person of several tenants has chosen one.
#[handler]
pub async fn choose(
    request: &Request,
    logins: Data<&BrowserLogins>,
    accounts: Data<&Accounts>,
    form: Form<ChoiceForm>,
) -> Response {
    if !is_same_origin(request) {
        return words::foreign_page();
    }
    let chosen = Chosen {
        text: form.0.choice,
        tenant: form.0.tenant.map(Into::into),
        browser: login_cookie(request),
    };
    match logins.choose(chosen, origin(request), user_agent(request)).await {
        Ok(entered) => enter(request, &accounts, &entered).await,
        Err(fault) => words::page_of(&fault, request),
    }
}

/// `GET /login/choice`: a form that was sent once is not there any more.
#[handler]
pub fn choice_again() -> Response {
    redirect("/login")
}

/// `GET /logout`: asks, since a link must not log anybody out.
#[handler]
pub async fn logout_page(
    request: &Request,
    logins: Data<&BrowserLogins>,
    verifier: Data<&Verifier>,
) -> Response {
    let Some(actor) = logged_in(request, &verifier).await else {
        return Page::new("Log out")
            .text("You are not logged in in this browser.")
            .link("/login", "Log in")
            .response();
    };
    let target = logins.logout_address(&actor).await.as_deref().and_then(origin_of);
    Page::new("Log out")
        .text(&format!("You are logged in as {}.", actor.name))
        .markup("<form method=\"post\" action=\"/logout\"><button>Log out</button></form>")
        .form_may_lead_to(target)
        .response()
}

/// `POST /logout`: ends the session here, then leads to the issuer to end the one there.
#[handler]
pub async fn logout(
    request: &Request,
    logins: Data<&BrowserLogins>,
    accounts: Data<&Accounts>,
    verifier: Data<&Verifier>,
) -> Response {
    if !is_same_origin(request) {
        return words::foreign_page();
    }
    let mut target = "/login".to_owned();
    if let Some(actor) = logged_in(request, &verifier).await {
        if let Some(address) = logins.logout_address(&actor).await {
            target = address;
        }
        if let Err(error) = accounts.end_login(&actor).await {
            return words::page_of(&error.into(), request);
        }
    }
    let mut response = redirect(&target);
    add_cookie(&mut response, &clear_session());
    response
}

/// Gives the browser its new session; the one that it had ends, so that no cookie from before is worth anything.
async fn enter(request: &Request, accounts: &Accounts, entered: &EnteredTenant) -> Response {
    let before = cookie(request, BrowserCookie::NAME).ok().flatten();
    if let Err(error) = accounts.end_earlier_login(before, origin(request)).await {
        return words::page_of(&error.into(), request);
    }
    let mut response = redirect(&entered.return_to);
    add_cookie(&mut response, &set_session(&entered.cookie));
    response
}

fn choice_page(choice: &TenantChoice) -> Response {
    let mut form = format!(
        "<form method=\"post\" action=\"/login/choice\"><input type=\"hidden\" name=\"choice\" value=\"{}\">",
        escape(&choice.text)
    );
    for (tenant, name) in &choice.tenants {
        form.push_str(&format!(
            "<button name=\"tenant\" value=\"{tenant}\">{}</button>",
            escape(name)
        ));
    }
    form.push_str("</form>");
    Page::new("Choose where to go")
        .text("You are a member of several tenants. To change later, log out and in again.")
        .markup(&form)
        .response()
}

/// The person of a good cookie.
async fn logged_in(request: &Request, verifier: &Verifier) -> Option<Actor> {
    let presented = Presented::Cookie(cookie(request, BrowserCookie::NAME).ok()??);
    verifier.verify(&presented, None, origin(request)).await.ok()
}

/// The cookie that ties logins to this browser; two of them are as none.
fn login_cookie(request: &Request) -> Option<String> {
    cookie(request, LOGIN_COOKIE).ok().flatten()
}

fn origin(request: &Request) -> RequestOrigin {
    request.extensions().get::<RequestOrigin>().cloned().unwrap_or_default()
}

fn user_agent(request: &Request) -> Option<String> {
    request.header(header::USER_AGENT).map(str::to_owned)
}

/// An address with what `/login` was asked with.
fn with_query(address: &str, query: &LoginQuery) -> String {
    let return_to = query.return_to.as_deref().map(|path| return_path(Some(path)));
    let pairs = [("return_to", return_to.as_deref()), ("invitation", query.invitation.as_deref())];
    let mut written = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            written.append_pair(name, value);
        }
    }
    match written.finish().as_str() {
        "" => address.to_owned(),
        text => format!("{address}?{text}"),
    }
}

fn redirect(target: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(target) else {
        return ApiError::internal(anyhow::anyhow!("an address that is no header")).response(None);
    };
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, location)
        .header(header::CACHE_CONTROL, "no-store")
        .finish()
}

fn add_cookie(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
