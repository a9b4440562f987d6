//! Passwords that are signed: the service gets in with them wherever it needs the database or Redis, and renews them.
//!
//! A gate stands where Aurora is: it wants TLS and a password in clear, as Aurora does of a role with `rds_iam`, looks at it, and
//! goes on with the real server. That signatures are those of AWS is tried beside the code that makes them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pidima::adapters::aws::SignedServer;
use pidima::adapters::redis::Redis;
use pidima::config::{Config, Env};
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::REGION;
use crate::support::program::{House, http};
use crate::support::{OwnValkey, eventually};

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI-of-nobody";
/// As a role has one: with signs that mean something else in an address.
const TOKEN: &str = "a/token+of=role";
const TOKEN_IN_PASSWORD: &str = "X-Amz-Security-Token=a%2Ftoken%2Bof%3Drole";
/// Kinds of messages of PostgreSQL.
const SASL: i32 = 10;
const SASL_CONTINUE: i32 = 11;
const SASL_FINAL: i32 = 12;

fn tls() -> (TlsAcceptor, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem().into_bytes())
}

/// Whether a password is one for this server: what it is for, by whom, when and for how long.
fn is_for(password: &str, scheme: &str, host: &str, service: &str, user: (&str, &str)) -> bool {
    let Ok(address) = Url::parse(&format!("{scheme}://{password}")) else { return false };
    let pair = |name: &str| {
        let found = address.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let signed_at = chrono::NaiveDateTime::parse_from_str(&pair("X-Amz-Date"), "%Y%m%dT%H%M%SZ");
    let age = signed_at.map(|at| (chrono::Utc::now().naive_utc() - at).num_seconds());
    let place = address.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{place}", address.host_str().unwrap_or_default()) == host
        && pair("Action") == "connect"
        && pair(user.0) == user.1
        && pair("X-Amz-Expires") == "900"
        && pair("X-Amz-Credential").starts_with(&format!("{KEY_ID}/"))
        && pair("X-Amz-Credential").ends_with(&format!("/{REGION}/{service}/aws4_request"))
        && pair("X-Amz-Signature").len() == 64
        && age.is_ok_and(|age| (-5..900).contains(&age))
}

/// Stands where Aurora is.
struct Gate {
    port: u16,
    passwords: Arc<Mutex<BTreeSet<String>>>,
    refused: Arc<Mutex<usize>>,
}

async fn message(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = usize::try_from(stream.read_u32().await?).unwrap() - 4;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((kind, body))
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    kind: u8,
    body: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[&[kind][..], &length, body].concat()).await?;
    stream.flush().await
}

/// What the server says of authentication.
async fn told(server: &mut TcpStream, wanted: i32) -> std::io::Result<Vec<u8>> {
    let (kind, body) = message(server).await?;
    assert_eq!((kind, &body[..4]), (b'R', &wanted.to_be_bytes()[..]), "{body:?}");
    Ok(body[4..].to_vec())
}

impl Gate {
    async fn before(server: String, password: String) -> Self {
        let (acceptor, _) = tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate = Self { port, passwords: Arc::default(), refused: Arc::default() };
        let (passwords, refused) = (Arc::clone(&gate.passwords), Arc::clone(&gate.refused));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, server, password) =
                    (acceptor.clone(), server.clone(), password.clone());
                let (passwords, refused) = (Arc::clone(&passwords), Arc::clone(&refused));
                tokio::spawn(async move {
                    let let_in = |seen: &str| {
                        let host = format!("localhost:{port}");
                        let user = ("DBUser", "pidima_app");
                        // As it was signed, sign by sign: `+` and `%2B` are not the same to whoever checks it.
                        let is_good = is_for(seen, "https", &host, "rds-db", user)
                            && seen.contains(TOKEN_IN_PASSWORD)
                            && seen.contains("X-Amz-Credential=AKIDEXAMPLE%2F");
                        if is_good {
                            passwords.lock().unwrap().insert(seen.to_owned());
                        } else {
                            *refused.lock().unwrap() += 1;
                        }
                        is_good
                    };
                    // Who goes away in the middle is nobody's concern.
                    drop(carry(client, acceptor, &server, &password, let_in).await);
                });
            }
        });
        gate
    }

    fn seen(&self) -> usize {
        self.passwords.lock().unwrap().len()
    }
}

async fn carry(
    mut client: TcpStream,
    acceptor: TlsAcceptor,
    server: &str,
    password: &str,
    let_in: impl Fn(&str) -> bool,
) -> std::io::Result<()> {
    // The request for TLS: length and code.
    client.read_u64().await?;
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    let length = client.read_u32().await?;
    let mut startup = vec![0; usize::try_from(length).unwrap() - 4];
    client.read_exact(&mut startup).await?;
    send(&mut client, b'R', &3_i32.to_be_bytes()).await?;
    let (kind, seen) = message(&mut client).await?;
    assert_eq!(kind, b'p');
    let seen = String::from_utf8(seen).unwrap();
    if !let_in(seen.trim_end_matches('\0')) {
        let refusal = b"SFATAL\0VFATAL\0C28P01\0MPAM authentication failed\0\0";
        return send(&mut client, b'E', refusal).await;
    }
    let mut server = TcpStream::connect(server).await?;
    server.write_all(&[&length.to_be_bytes()[..], &startup].concat()).await?;
    told(&mut server, SASL).await?;
    let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
    let first = scram.message();
    let count = u32::try_from(first.len()).unwrap().to_be_bytes();
    let body = [SCRAM_SHA_256.as_bytes(), b"\0", &count, first].concat();
    send(&mut server, b'p', &body).await?;
    scram.update(&told(&mut server, SASL_CONTINUE).await?)?;
    send(&mut server, b'p', scram.message()).await?;
    scram.finish(&told(&mut server, SASL_FINAL).await?)?;
    // From here on the server says the rest itself, beginning with the welcome.
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_signed_passwords_commands_and_service_reach_the_database_and_renew_them() {
    let house = House::new().await;
    let real = Url::parse(&house.app_url()).unwrap();
    let server = format!("{}:{}", real.host_str().unwrap(), real.port().unwrap());
    let gate = Gate::before(server, real.password().unwrap().to_owned()).await;
    let address =
        format!("postgres://pidima_app@localhost:{}{}?sslmode=require", gate.port, real.path());
    let settings = [
        // It stands in the file, where it can become another.
        ("DATABASE_URL", ""),
        ("PIDIMA_DATABASE_AUTH", "iam"),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("PIDIMA_SETTINGS_REFRESH_MS", "300"),
        ("PIDIMA_ENV_FILE", "settings.env"),
    ];
    let file = house.folder().join("settings.env");
    let write = |address: &str, passages: &str| {
        let text = format!("DATABASE_URL={address}\nPIDIMA_CHAT_PASSAGES={passages}\n");
        std::fs::write(&file, text).unwrap();
    };
    write(&address, "5");
    let key = house.run(&["tenant", "create", "signed"], &settings);
    assert!(key.starts_with("pdm_"), "{key}");
    assert_eq!(gate.seen(), 1, "one password for a command");
    let doctor = house.run(&["doctor"], &settings);
    assert!(doctor.contains("walls between tenants whole"), "{doctor}");
    let api = house.start("api", &["serve"], &settings).ready().await;
    let me = http().get(format!("{}/v1/me", api.url)).bearer_auth(key.trim()).send().await.unwrap();
    assert_eq!(me.status(), 200);
    let before = gate.seen();
    eventually("two more passwords", || async { gate.seen() >= before + 2 }).await;
    assert!(!api.log().contains("settings have changed"), "{}", api.log());
    // Also while the settings are wrong, which is nobody's hurry.
    write(&address, "many");
    eventually("the fault is told", || async { api.log().contains("can not be renewed") }).await;
    let before = gate.seen();
    eventually("two more passwords", || async { gate.seen() >= before + 2 }).await;
    // And while they name another database, which is for the next start.
    write("postgres://pidima_app@localhost:1/other?sslmode=require", "5");
    let told = "for the next start: DATABASE_URL";
    eventually("the change is told", || async { api.log().contains(told) }).await;
    let before = gate.seen();
    eventually("two more passwords", || async { gate.seen() >= before + 2 }).await;
    let renewed = api.log();
    for secret in ["X-Amz-Signature", SECRET_KEY] {
        assert!(!renewed.contains(secret) && !doctor.contains(secret), "{renewed}{doctor}");
    }
    assert_eq!(*gate.refused.lock().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_for_another_role_gets_nobody_in_and_is_not_told() {
    let house = House::new().await;
    let real = Url::parse(&house.app_url()).unwrap();
    let server = format!("{}:{}", real.host_str().unwrap(), real.port().unwrap());
    let gate = Gate::before(server, real.password().unwrap().to_owned()).await;
    let address =
        format!("postgres://somebody@localhost:{}{}?sslmode=require", gate.port, real.path());
    let settings = [
        ("DATABASE_URL", address.as_str()),
        ("PIDIMA_DATABASE_AUTH", "iam"),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_SESSION_TOKEN", TOKEN),
    ];
    let doctor = house.run(&["doctor"], &settings);
    assert!(doctor.contains("PAM authentication failed"), "{doctor}");
    assert!(!doctor.contains("X-Amz-Signature"), "{doctor}");
    assert_eq!(gate.seen(), 0);
    assert!(*gate.refused.lock().unwrap() > 0);
}

#[tokio::test]
async fn redis_is_signed_in_to_over_tls_with_a_password_that_is_kept_for_some_minutes() {
    let valkey = OwnValkey::start().await;
    let url = valkey.server.url().to_owned();
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("ACL")
        .arg(&["SETUSER", "pidima", "on", "nopass", "~*", "&*", "+@all"])
        .exec_async(&mut admin)
        .await
        .unwrap();
    let (acceptor, authority) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let first_words: Arc<Mutex<Vec<String>>> = Arc::default();
    let (heard, target) = (Arc::clone(&first_words), url.rsplit_once('@').unwrap().1.to_owned());
    let target = target.split('/').next().unwrap().to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(mut client) = acceptor.accept(client).await else { continue };
            let mut server = TcpStream::connect(&target).await.unwrap();
            let mut words = vec![0; 8_192];
            let length = client.read(&mut words).await.unwrap();
            heard.lock().unwrap().push(String::from_utf8_lossy(&words[..length]).into_owned());
            server.write_all(&words[..length]).await.unwrap();
            tokio::spawn(async move { drop(copy_bidirectional(&mut client, &mut server).await) });
        }
    });
    let server = SignedServer::Cache {
        name: "pidima-prod".to_owned(),
        user: "pidima".to_owned(),
        is_serverless: false,
    };
    let address = format!("rediss://pidima@localhost:{port}/0").into();
    let plain = Redis::trusting(&address, authority, Duration::from_secs(5)).unwrap();
    let handle = plain.signed_in(aws_of(KEY_ID), server);
    for _ in 0..3 {
        handle.check().await.unwrap();
    }
    let heard = first_words.lock().unwrap().clone();
    assert_eq!(heard.len(), 3, "three connections");
    let passwords: BTreeSet<_> = heard.iter().map(|words| password_in(words)).collect();
    assert_eq!(passwords.len(), 1, "{passwords:?}");
    let user = ("User", "pidima");
    assert!(passwords.iter().all(|it| is_for(it, "http", "pidima-prod", "elasticache", user)));
    valkey.stop().await;
}

/// The password of the first command, which is `AUTH user password`.
fn password_in(words: &str) -> String {
    let parts: Vec<&str> = words.split("\r\n").collect();
    assert_eq!((parts[2], parts[4]), ("AUTH", "pidima"), "{words}");
    parts[6].to_owned()
}

fn aws_of(key_id: &str) -> pidima::adapters::aws::Aws {
    use pidima::adapters::aws::{Aws, AwsKeys, AwsSettings};
    let keys = AwsKeys {
        id: key_id.to_owned(),
        secret: SECRET_KEY.to_owned().into(),
        session_token: None,
    };
    let region = Some(REGION.to_owned());
    Aws::new(AwsSettings { region, keys: Some(keys), ..AwsSettings::default() })
}

#[test]
fn settings_that_contradict_signed_passwords_are_refused_each_with_a_remedy() {
    let faults = |pairs: &[(&str, &str)]| {
        let env = Env::from_pairs(pairs.iter().copied());
        let error = Config::from_env(&env).err();
        error.map(|error| error.faults).unwrap_or_default()
    };
    let database = "postgres://pidima_app@db.example.com/pidima?sslmode=verify-full";
    let redis = "rediss://pidima@cache.example.com:6379/0";
    let good = [
        ("DATABASE_URL", database),
        ("PIDIMA_DATABASE_AUTH", "iam"),
        ("PIDIMA_REDIS_URL", redis),
        ("PIDIMA_REDIS_AUTH", "iam"),
        ("PIDIMA_REDIS_IAM_CACHE", "pidima-prod"),
        ("PIDIMA_SETTINGS_REFRESH_MS", "600000"),
    ];
    assert_eq!(faults(&good), Vec::<String>::new());
    for (name, value, told) in [
        (
            "DATABASE_URL",
            "postgres://pidima_app:hushhush@db.example.com/p?sslmode=require",
            "leave it out",
        ),
        ("DATABASE_URL", "postgres://db.example.com/pidima?sslmode=require", "must name a user"),
        ("DATABASE_URL", "postgres://pidima_app@db.example.com/pidima", "sslmode=verify-full"),
        (
            "DATABASE_URL",
            "postgres://pidima_app@db.example.com/p?sslmode=require&password=hushhush",
            "behind a question mark",
        ),
        ("PIDIMA_DATABASE_AUTH", "kerberos", "give password or iam"),
        ("PIDIMA_REDIS_URL", "redis://pidima@cache.example.com:6379/0", "rediss://"),
        ("PIDIMA_REDIS_URL", "rediss://pidima:hushhush@cache.example.com:6379/0", "leave it out"),
        ("PIDIMA_REDIS_URL", "rediss://cache.example.com:6379/0", "must name a user"),
        ("PIDIMA_REDIS_IAM_CACHE", "", "id of the replication group"),
        ("PIDIMA_SETTINGS_REFRESH_MS", "600001", "give 600000 at most"),
    ] {
        let pairs = good.map(|(key, old)| if key == name { (key, value) } else { (key, old) });
        let faults = faults(&pairs);
        assert_eq!(faults.len(), 1, "{name}={value}: {faults:?}");
        assert!(faults[0].contains(name) && faults[0].contains(told), "{faults:?}");
        assert!(!faults[0].contains("hushhush"), "{faults:?}");
    }
}
