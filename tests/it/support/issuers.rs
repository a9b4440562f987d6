//! Real identity providers on this machine: Amazon Cognito's stand-in and an issuer by the standard. Installed on first use
//! from pinned packages with hashes; gone with this process, however it ends, since they end with their standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::process::free_port;

/// Password of every account, by the rules of both.
pub const PASSWORD: &str = "Correct-horse-1";

/// Cognito's stand-in: one process for all tests, a pool for each.
pub struct Cognito {
    address: String,
    _process: Child,
}

/// A pool of a test with one client.
pub struct CognitoPool {
    pub address: String,
    pub pool_id: String,
    pub client_id: String,
}

/// An issuer by the standard: one process for all tests, a client for each.
pub struct Issuer {
    pub address: String,
    _process: Child,
}

impl Cognito {
    pub async fn shared() -> &'static Self {
        static COGNITO: OnceLock<Cognito> = OnceLock::new();
        tokio::task::spawn_blocking(|| COGNITO.get_or_init(Self::start)).await.unwrap()
    }

    fn start() -> Self {
        let (address, process) = ministack("cognito-idp,bedrock-runtime");
        Self { address, _process: process }
    }

    /// Where it is; the same process stands in for Bedrock.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A new pool with a client that comes back to the application at `app_url`.
    pub async fn pool(&self, app_url: &str) -> CognitoPool {
        let schema = json!([
            { "Name": "tenant_id", "AttributeDataType": "String", "Mutable": true }
        ]);
        let pool = json!({ "PoolName": "tests", "Schema": schema });
        let pool = call(&self.address, "CreateUserPool", &pool).await;
        let pool_id = pool["UserPool"]["Id"].as_str().unwrap().to_owned();
        let client = json!({
            "UserPoolId": pool_id,
            "ClientName": "pidima",
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthFlowsUserPoolClient": true,
            "AllowedOAuthScopes": ["openid", "email", "profile"],
            "CallbackURLs": [
                format!("{app_url}/login/callback"),
                format!("{app_url}/docs/oauth2-redirect.html"),
            ],
            "LogoutURLs": [format!("{app_url}/login")],
            "SupportedIdentityProviders": ["COGNITO"],
        });
        let client = call(&self.address, "CreateUserPoolClient", &client).await;
        let client_id = client["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
        CognitoPool { address: self.address.clone(), pool_id, client_id }
    }
}

impl CognitoPool {
    pub fn issuer(&self) -> String {
        format!("https://cognito-idp.us-east-1.amazonaws.com/{}", self.pool_id)
    }

    /// Settings of a provider `cognito`: each address one by one, since the issuer is not where the pool is.
    pub fn settings(&self) -> Vec<(String, String)> {
        let at = |path: &str| format!("{}{path}", self.address);
        provider_settings("COGNITO", &self.issuer(), &self.client_id)
            .into_iter()
            .chain([
                (
                    "PIDIMA_OIDC_COGNITO_JWKS_URI".to_owned(),
                    at(&format!("/{}/.well-known/jwks.json", self.pool_id)),
                ),
                ("PIDIMA_OIDC_COGNITO_AUTHORIZATION_ENDPOINT".to_owned(), at("/oauth2/authorize")),
                ("PIDIMA_OIDC_COGNITO_TOKEN_ENDPOINT".to_owned(), at("/oauth2/token")),
                ("PIDIMA_OIDC_COGNITO_END_SESSION_ENDPOINT".to_owned(), at("/logout")),
            ])
            .collect()
    }

    /// A person with [`PASSWORD`]; their subject.
    pub async fn person(&self, name: &str) -> String {
        let user = json!({
            "UserPoolId": self.pool_id,
            "Username": name,
            "MessageAction": "SUPPRESS",
            "UserAttributes": [
                { "Name": "email", "Value": format!("{name}@example.com") },
                { "Name": "email_verified", "Value": "true" },
            ],
        });
        let made = call(&self.address, "AdminCreateUser", &user).await;
        let password = json!({
            "UserPoolId": self.pool_id, "Username": name, "Password": PASSWORD, "Permanent": true,
        });
        call(&self.address, "AdminSetUserPassword", &password).await;
        let attributes = made["User"]["Attributes"].as_array().unwrap();
        let subject = attributes.iter().find(|attribute| attribute["Name"] == "sub").unwrap();
        subject["Value"].as_str().unwrap().to_owned()
    }
}

impl Issuer {
    pub async fn shared() -> &'static Self {
        static ISSUER: OnceLock<Issuer> = OnceLock::new();
        tokio::task::spawn_blocking(|| ISSUER.get_or_init(Self::start)).await.unwrap()
    }

    fn start() -> Self {
        let files = ["package.json", "package-lock.json", "issuer.mjs"];
        let folder = installed("issuer", &files, npm_ci);
        let mut node = Command::new("node");
        node.arg(folder.join("issuer.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = node.spawn().expect("node 20 or later, which the tests of logins need");
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("the issuer's address");
        Self { address: told["issuer"].as_str().unwrap().to_owned(), _process: process }
    }

    /// A public client that comes back to the application at `app_url`.
    pub async fn client(&self, app_url: &str) -> String {
        let client = json!({
            "redirect_uris": [
                format!("{app_url}/login/callback"),
                format!("{app_url}/docs/oauth2-redirect.html"),
            ],
            "post_logout_redirect_uris": [format!("{app_url}/login")],
            "token_endpoint_auth_method": "none",
        });
        let sent = reqwest::Client::new().post(format!("{}/reg", self.address)).json(&client);
        let made: Value = sent.send().await.unwrap().json().await.unwrap();
        made["client_id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// Settings of a provider `standard`, which is discovered.
    pub fn settings(&self, client_id: &str) -> Vec<(String, String)> {
        provider_settings("STANDARD", &self.address, client_id)
    }
}

/// Settings of one provider, which is the only one.
pub fn provider_settings(name: &str, issuer: &str, client_id: &str) -> Vec<(String, String)> {
    vec![
        ("PIDIMA_OIDC_PROVIDERS".to_owned(), name.to_lowercase()),
        (format!("PIDIMA_OIDC_{name}_ISSUER"), issuer.to_owned()),
        (format!("PIDIMA_OIDC_{name}_CLIENT_ID"), client_id.to_owned()),
    ]
}

/// A stand-in for services of AWS: its address, and the process, which ends with ours.
pub fn ministack(services: &str) -> (String, Child) {
    let folder = installed("cognito", &["requirements.txt", "cognito.py"], |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
            .arg(folder.join("requirements.txt"))
            .arg("--target")
            .arg(folder.join("packages"));
        run(pip, "python3 with pip (Debian and Ubuntu: apt-get install python3-pip)");
    });
    let port = free_port();
    let mut python = Command::new("python3");
    python
        .arg(folder.join("cognito.py"))
        .arg(port.to_string())
        .arg(services)
        .env("PYTHONPATH", folder.join("packages"))
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let process = python.spawn().expect("python3, which the tests of AWS need");
    let address = format!("http://127.0.0.1:{port}");
    let health = format!("{address}/_ministack/health");
    let began = Instant::now();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    while runtime.block_on(reqwest::get(&health)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "ministack does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    (address, process)
}

/// `npm ci` in a folder that holds a lock file.
pub fn npm_ci(folder: &Path) {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]).current_dir(folder);
    run(npm, "node 20 or later with npm (https://nodejs.org)");
}

/// A folder in which files of `tests/idp` and what they need lie; made once for each form of the files.
fn installed(name: &str, files: &[&str], install: fn(&Path)) -> PathBuf {
    installed_from(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/idp"), name, files, install)
}

/// As [`installed`], from another folder.
pub fn installed_from(source: PathBuf, name: &str, files: &[&str], install: fn(&Path)) -> PathBuf {
    // Tests of this process wait for one another; other processes are kept apart by the name of the part.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut digest = Sha256::new();
    for file in files {
        digest.update(std::fs::read(source.join(file)).unwrap());
    }
    let form = &hex::encode(digest.finalize())[..16];
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache")
    });
    let folder = cache.join("pidima-tests").join(format!("{name}-{form}"));
    if folder.exists() {
        return folder;
    }
    // Whole or not at all, also when two runs install at once.
    let part = folder.with_extension(format!("part-{}", std::process::id()));
    std::fs::create_dir_all(&part).unwrap();
    for file in files {
        std::fs::copy(source.join(file), part.join(file)).unwrap();
    }
    install(&part);
    if std::fs::rename(&part, &folder).is_err() {
        std::fs::remove_dir_all(&part).unwrap();
    }
    folder
}

fn run(mut command: Command, needed: &str) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("install {needed}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    std::io::stderr().write_all(&output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed; it needs {needed} and a network:\n{said}"
    );
}

async fn call(address: &str, action: &str, body: &Value) -> Value {
    let sent = reqwest::Client::new()
        .post(address)
        .header("x-amz-target", format!("AWSCognitoIdentityProviderService.{action}"))
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(body.to_string());
    let reply = sent.send().await.unwrap();
    assert!(reply.status().is_success(), "{action}: {}", reply.text().await.unwrap());
    reply.json().await.unwrap()
}
