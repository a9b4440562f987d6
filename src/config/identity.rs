//! Logins of people: how long they last, and who vouches for them.

use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use super::Env;

/// Names that stand for something else in `/login/<name>`.
const RESERVED: [&str; 4] = ["local", "callback", "choice", "invitation"];
/// Most login providers at once.
const PROVIDERS: usize = 20;
/// Most further audiences of one.
const AUDIENCES: usize = 20;

/// Browser sessions and login providers.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// `PIDIMA_BROWSER_SESSION_IDLE_MS`: time without use after which a login of a browser ends; default 1800000 (30
    /// minutes).
    pub browser_session_idle: Duration,
    /// `PIDIMA_BROWSER_SESSION_LIFETIME_MS`: end of a login of a browser, however much it is used; default 43200000 (12
    /// hours).
    pub browser_session_lifetime: Duration,
    /// `PIDIMA_MAX_OPEN_INVITATIONS`: invitations of a tenant that can be open at once; default 500.
    pub max_open_invitations: u32,
    /// `PIDIMA_MAX_PENDING_LOGINS`: logins through a provider on their way at once, of all browsers; default 20000.
    pub max_pending_logins: u32,
    /// `PIDIMA_OIDC_PROVIDERS`: names of the OpenID Connect providers, with commas between; none by default. Each has
    /// settings of its own that begin with `PIDIMA_OIDC_<NAME>_`.
    pub oidc_providers: Vec<OidcProviderConfig>,
}

/// One OpenID Connect provider. `<NAME>` is its name in capitals.
#[derive(Clone, Debug)]
pub struct OidcProviderConfig {
    /// Name by which tenants choose it: lower-case letters, digits and underscores.
    pub name: String,
    /// `PIDIMA_OIDC_<NAME>_ISSUER`: the issuer, exactly as its tokens say it.
    pub issuer: String,
    /// `PIDIMA_OIDC_<NAME>_CLIENT_ID`: client of the browser login; access tokens must be for it.
    pub client_id: String,
    /// `PIDIMA_OIDC_<NAME>_CLIENT_SECRET`: secret of that client; absent for a public client.
    pub client_secret: Option<SecretString>,
    /// `PIDIMA_OIDC_<NAME>_AUDIENCES`: further clients or audiences whose access tokens are let in, with commas between.
    pub audiences: Vec<String>,
    /// `PIDIMA_OIDC_<NAME>_DISCOVERY_URL`: where the metadata are; `<issuer>/.well-known/openid-configuration` by default.
    pub discovery_url: Option<String>,
    /// `PIDIMA_OIDC_<NAME>_JWKS_URI`: where its keys are; from the metadata by default.
    pub jwks_uri: Option<String>,
    /// `PIDIMA_OIDC_<NAME>_AUTHORIZATION_ENDPOINT`: where a login begins; from the metadata by default.
    pub authorization_endpoint: Option<String>,
    /// `PIDIMA_OIDC_<NAME>_TOKEN_ENDPOINT`: where a code becomes tokens; from the metadata by default.
    pub token_endpoint: Option<String>,
    /// `PIDIMA_OIDC_<NAME>_END_SESSION_ENDPOINT`: where a logout goes; from the metadata by default.
    pub end_session_endpoint: Option<String>,
    /// `PIDIMA_OIDC_<NAME>_SCOPES`: scopes of a browser login, with blanks between; default `openid email profile`.
    pub scopes: Vec<String>,
    /// `PIDIMA_OIDC_<NAME>_TENANT_CLAIM`: claim that names the tenant, e.g. `custom:tenant_id`. Only where nobody but the
    /// operator can write it; absent: memberships and invitations alone decide.
    pub tenant_claim: Option<String>,
    /// `PIDIMA_OIDC_<NAME>_GROUPS_CLAIM`: claim that lists groups; default `cognito:groups`.
    pub groups_claim: String,
    /// `PIDIMA_OIDC_<NAME>_GROUP_PREFIX`: groups `<prefix><slug>:<role>` make members with that role; absent: groups
    /// decide nothing.
    pub group_prefix: Option<String>,
    /// `PIDIMA_OIDC_<NAME>_SWAGGER_CLIENT_ID`: public client with which the Swagger page logs in; absent: it does not.
    pub swagger_client_id: Option<String>,
}

/// Ends of the variables of a provider.
const VARIABLES: [&str; 14] = [
    "ISSUER",
    "AUDIENCES",
    "SCOPES",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "DISCOVERY_URL",
    "JWKS_URI",
    "AUTHORIZATION_ENDPOINT",
    "TOKEN_ENDPOINT",
    "END_SESSION_ENDPOINT",
    "TENANT_CLAIM",
    "GROUPS_CLAIM",
    "GROUP_PREFIX",
    "SWAGGER_CLIENT_ID",
];

impl IdentityConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let names = list(env.text("PIDIMA_OIDC_PROVIDERS"), ',');
        if names.len() > PROVIDERS {
            env.fault(format!("PIDIMA_OIDC_PROVIDERS names more than {PROVIDERS} providers"));
        }
        // Also those of providers that are not in the list: one may be taken out of it for a while.
        env.family("PIDIMA_OIDC_", &VARIABLES);
        let providers: Vec<_> = names.iter().filter_map(|name| provider(env, name)).collect();
        refuse_twins(env, &providers);
        Self {
            browser_session_idle: env.millis(
                "PIDIMA_BROWSER_SESSION_IDLE_MS",
                1_800_000,
                1_000,
                86_400_000,
            ),
            browser_session_lifetime: env.millis(
                "PIDIMA_BROWSER_SESSION_LIFETIME_MS",
                43_200_000,
                1_000,
                2_592_000_000,
            ),
            max_open_invitations: env.number("PIDIMA_MAX_OPEN_INVITATIONS", 500, 1, 100_000),
            max_pending_logins: env.number("PIDIMA_MAX_PENDING_LOGINS", 20_000, 1, 1_000_000),
            oidc_providers: providers,
        }
    }
}

fn provider(env: &Env, name: &str) -> Option<OidcProviderConfig> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.len() > 30 || RESERVED.contains(&name) || !name.bytes().all(plain) {
        env.fault(format!(
            "PIDIMA_OIDC_PROVIDERS names \"{name}\": take 1 to 30 lower-case letters, digits and underscores, not \"local\", \"callback\", \"choice\" or \"invitation\""
        ));
        return None;
    }
    let prefix = format!("PIDIMA_OIDC_{}_", name.to_uppercase());
    let text = |suffix: &str| env.named(&format!("{prefix}{suffix}"));
    let needed = |suffix: &str| {
        text(suffix).unwrap_or_else(|| {
            env.fault(format!("{prefix}{suffix} is not set: PIDIMA_OIDC_PROVIDERS names {name}"));
            String::new()
        })
    };
    let address = |suffix: &str| {
        let address = text(suffix);
        if let Some(fault) = address.as_deref().and_then(address_fault) {
            env.fault(format!("{prefix}{suffix} {fault}"));
        }
        address
    };
    let issuer = needed("ISSUER");
    if let Some(fault) = address_fault(&issuer).filter(|_| !issuer.is_empty()) {
        env.fault(format!("{prefix}ISSUER {fault}"));
    }
    let audiences = list(text("AUDIENCES"), ',');
    if audiences.len() > AUDIENCES {
        env.fault(format!("{prefix}AUDIENCES names more than {AUDIENCES}"));
    }
    let scopes = list(text("SCOPES").or_else(|| Some("openid email profile".to_owned())), ' ');
    if !scopes.iter().any(|scope| scope == "openid") {
        env.fault(format!("{prefix}SCOPES lacks openid, without which nobody is named"));
    }
    Some(OidcProviderConfig {
        name: name.to_owned(),
        issuer,
        client_id: needed("CLIENT_ID"),
        client_secret: text("CLIENT_SECRET").map(SecretString::from),
        audiences,
        discovery_url: address("DISCOVERY_URL"),
        jwks_uri: address("JWKS_URI"),
        authorization_endpoint: address("AUTHORIZATION_ENDPOINT"),
        token_endpoint: address("TOKEN_ENDPOINT"),
        end_session_endpoint: address("END_SESSION_ENDPOINT"),
        scopes,
        tenant_claim: text("TENANT_CLAIM"),
        groups_claim: text("GROUPS_CLAIM").unwrap_or_else(|| "cognito:groups".to_owned()),
        group_prefix: text("GROUP_PREFIX"),
        swagger_client_id: text("SWAGGER_CLIENT_ID"),
    })
}

/// Tokens are told apart by their issuer, and tenants choose by the name.
fn refuse_twins(env: &Env, providers: &[OidcProviderConfig]) {
    for (index, one) in providers.iter().enumerate() {
        for other in &providers[index + 1..] {
            if one.name == other.name {
                env.fault(format!("PIDIMA_OIDC_PROVIDERS names {} twice", one.name));
            } else if one.issuer == other.issuer {
                env.fault(format!(
                    "the providers {} and {} have one issuer: give each its own",
                    one.name, other.name
                ));
            }
        }
    }
}

/// What is wrong with an address. Keys and secrets travel there, so plain http is for this machine only.
fn address_fault(address: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(address) else { return Some("is no address: begin with https://") };
    let is_local = url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = address.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        host == "localhost" || loopback
    });
    if !matches!((url.scheme(), is_local), ("https", _) | ("http", true)) {
        return Some("must begin with https:// (http:// on localhost only)");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Some("must hold neither a user nor a fragment");
    }
    None
}

fn list(text: Option<String>, separator: char) -> Vec<String> {
    let text = text.unwrap_or_default();
    let parts = text.split(separator).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(pairs: &[(&str, &str)]) -> Vec<String> {
        let base = [
            ("PROVIDERS", "main"),
            ("MAIN_ISSUER", "https://login.example"),
            ("MAIN_CLIENT_ID", "web"),
        ];
        let unset = |key: &str| pairs.iter().all(|(other, _)| *other != key);
        let base = base.into_iter().filter(|(key, _)| unset(key));
        let pairs = base.chain(pairs.iter().copied());
        let env = Env::from_pairs(pairs.map(|(key, value)| (format!("PIDIMA_OIDC_{key}"), value)));
        IdentityConfig::from_env(&env);
        env.finish().err().map(|error| error.faults).unwrap_or_default()
    }

    #[test]
    fn an_address_is_https_or_of_this_machine() {
        for good in [
            "https://login.example/realms/a",
            "http://localhost:9/x",
            "http://127.0.0.1:9",
            "http://[::1]:9",
        ] {
            assert_eq!(faults(&[("MAIN_ISSUER", good)]), [""; 0], "{good}");
            assert_eq!(faults(&[("MAIN_JWKS_URI", good)]), [""; 0], "{good}");
        }
        for bad in [
            "login.example",
            "http://login.example",
            "http://169.254.169.254/keys",
            "file:///etc/passwd",
            "https://u:p@login.example",
            "https://login.example#x",
        ] {
            assert_eq!(faults(&[("MAIN_ISSUER", bad)]).len(), 1, "{bad}");
            assert_eq!(faults(&[("MAIN_TOKEN_ENDPOINT", bad)]).len(), 1, "{bad}");
        }
    }

    #[test]
    fn what_is_missing_or_there_twice_is_told() {
        assert_eq!(faults(&[("MAIN_ISSUER", "")]).len(), 1);
        assert_eq!(faults(&[("MAIN_SCOPES", "email")]).len(), 1);
        assert_eq!(faults(&[("PROVIDERS", "Main")]).len(), 1);
        assert_eq!(faults(&[("PROVIDERS", "local")]).len(), 1);
        assert_eq!(faults(&[("PROVIDERS", "main,main")]).len(), 1);
        let twins = [
            ("PROVIDERS", "main,b"),
            ("B_ISSUER", "https://login.example"),
            ("B_CLIENT_ID", "web"),
        ];
        assert_eq!(faults(&twins).len(), 1);
        for (count, told) in [(20, 0), (21, 1)] {
            let many = vec!["a"; count].join(",");
            assert_eq!(faults(&[("MAIN_AUDIENCES", &many)]).len(), told, "{count}");
        }
    }
}
