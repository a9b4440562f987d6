//! The program with its settings outside: what `pidima doctor` shows, how a start ends that can not have them.

use std::process::{Command, Output};

use super::place::Place;
use crate::aws::REGION;
use crate::support::TestDatabase;

/// A password that must not be seen.
const HIDDEN: &str = "hunter2hunter2";

fn pidima(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = std::env::temp_dir().join(format!("pidima-outside-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .args(args)
        .current_dir(&folder)
        .env_clear()
        .envs([("AWS_REGION", REGION), ("AWS_ACCESS_KEY_ID", "test")])
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    output
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_where_each_setting_stands_and_what_none_of_them_is() {
    let (secret, parameters) = (Place::secret().await, Place::parameters().await);
    let database = format!("postgres://pidima_app:{HIDDEN}@127.0.0.1:1/pidima");
    secret.put(&[("DATABASE_URL", &database), ("PIDIMA_LOG", "warn")]).await;
    parameters.put(&[("PIDIMA_CHAT_PASSAGES", "7"), ("PIDIMA_FLAG_UPLOADS", "off")]).await;
    let (secrets, path) = (secret.id(), parameters.id());
    let variables: [(&str, &str); 8] = [
        ("AWS_ENDPOINT_URL", &secret.address),
        ("PIDIMA_SECRETS", &secrets),
        ("PIDIMA_PARAMETERS_PATH", &path),
        ("PIDIMA_LOG", "error"),
        // No model is fetched for this.
        ("PIDIMA_EMBEDDING_PROVIDER", "openai"),
        ("PIDIMA_EMBEDDING_BASE_URL", "http://127.0.0.1:1/v1"),
        ("PIDIMA_EMBEDDING_MODEL", "m"),
        ("PIDIMA_EMBEDDING_TRIES", "1"),
    ];
    let (code, told, faults) = texts(&pidima(&["doctor"], &variables));
    assert_eq!(code, Some(1), "nobody listens at the database: {told}{faults}");
    for line in [
        format!("DATABASE_URL: the secret {secrets}"),
        format!("PIDIMA_CHAT_PASSAGES: the parameter {path}PIDIMA_CHAT_PASSAGES"),
        format!("PIDIMA_FLAG_UPLOADS: the parameter {path}flags/uploads"),
        "PIDIMA_SECRETS: environment".to_owned(),
        format!("PIDIMA_LOG: the secret {secrets} is not used, since environment wins"),
    ] {
        assert!(told.contains(&format!("      {line}\n")), "{line} is missing in {told}");
    }
    assert!(!told.contains(HIDDEN) && !faults.contains(HIDDEN), "{told}{faults}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_its_settings_ends_with_78_and_tells_all_of_it() {
    let secret = Place::secret().await;
    secret
        .put(&[("DATABASE_URL", HIDDEN), ("PIDIMA_CHAT_PASSAGES", HIDDEN), ("PIDIMA_TYPO", "1")])
        .await;
    let id = secret.id();
    let there = ("AWS_ENDPOINT_URL", secret.address.as_str());
    let away = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let named = ("PIDIMA_SECRETS", id.as_str());
    let path = ("PIDIMA_PARAMETERS_PATH", "/pidima/nothing/");
    let few = ("PIDIMA_SETTINGS_TRIES", "1");
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 4] = [
        (
            &[there, named, ("PIDIMA_LISTEN", "here")],
            &[
                "PIDIMA_CHAT_PASSAGES (the secret ",
                "PIDIMA_TYPO (the secret ",
                "PIDIMA_LISTEN (environment)",
            ],
        ),
        (&[there, named, path], &["/pidima/nothing/ of Parameter Store holds nothing"]),
        (
            &[away, named, path, few],
            &["the secret ", "/pidima/nothing/ of Parameter Store was not read"],
        ),
        (
            &[there, ("PIDIMA_PARAMETERS_PATH", "nothing"), ("PIDIMA_SETTINGS_TRIES", "0")],
            &["PIDIMA_PARAMETERS_PATH (environment)", "PIDIMA_SETTINGS_TRIES (environment)"],
        ),
    ];
    for (variables, expected) in cases {
        for command in [&["serve"][..], &["worker"], &["doctor"]] {
            let (code, _, told) = texts(&pidima(command, variables));
            assert_eq!(code, Some(78), "{command:?}: {told}");
            for part in expected {
                assert!(told.contains(part), "{part} is missing in {told}");
            }
            assert!(!told.contains(HIDDEN), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_finds_its_database_outside_and_the_healthcheck_asks_nobody() {
    let database = TestDatabase::create().await;
    let secret = Place::secret().await;
    secret.put(&[("DATABASE_URL", &database.app_url())]).await;
    let id = secret.id();
    let variables =
        [("AWS_ENDPOINT_URL", secret.address.as_str()), ("PIDIMA_SECRETS", id.as_str())];
    let (code, told, faults) = texts(&pidima(&["tenant", "create", "acme"], &variables));
    assert_eq!(code, Some(0), "{told}{faults}");
    let (code, told, _) = texts(&pidima(&["tenant", "list"], &variables));
    assert_eq!((code, told.contains("acme")), (Some(0), true), "{told}");
    let nobody = ("PIDIMA_LISTEN", "127.0.0.1:1");
    let variables =
        [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("PIDIMA_SECRETS", id.as_str()), nobody];
    let (code, _, told) = texts(&pidima(&["healthcheck"], &variables));
    assert_eq!((code, told.contains("does not answer")), (Some(1), true), "{told}");
}
