//! The process dies between the effect and the answer: whoever asks again gets the answer, and nothing is done twice.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::{is_replayed, new_key, post};
use crate::support::process::free_port;
use crate::support::{TestApp, TestTenant};

/// How long the service may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_in_a_crash_is_given_by_the_next_process() {
    let app = TestApp::start().await;
    let owner = app.tenant("crash").await;
    let (key, body) = (new_key(), json!({ "name": "survives" }));
    let (mut victim, url) = serve(&app, &owner).await;
    let trap = trap(&url).await;
    let lost = {
        let (owner, key, body) = (owner.at(&trap.url), key.clone(), body.clone());
        tokio::spawn(async move {
            let request = owner.request(reqwest::Method::POST, "/v1/collections");
            request.header(super::KEY, key).json(&body).send().await.map(|reply| reply.status())
        })
    };
    // The first byte of the answer is here, so that the effect is committed; the sender gets none of it.
    trap.sprung.await.unwrap();
    victim.kill().await.unwrap();
    assert!(lost.await.unwrap().is_err(), "the answer came through");

    let (mut next, url) = serve(&app, &owner).await;
    let again = post(&owner.at(&url), "/v1/collections", &key, &body).await;
    assert!(is_replayed(&again), "{}", again.text());
    let made = again.expect(201);
    let listed = owner.get("/v1/collections").await.expect(200);
    let named: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["name"] == "survives")
        .collect();
    assert_eq!(named.len(), 1);
    assert_eq!(named[0]["id"], made["id"]);
    next.kill().await.unwrap();
}

/// The service as a process of its own, on the same database.
async fn serve(app: &TestApp, owner: &TestTenant) -> (Child, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let child = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .args(["serve", "--without-worker"])
        .env("DATABASE_URL", app.database.app_url())
        .env("PIDIMA_LISTEN", &address)
        .env("PIDIMA_ENV_FILE", "/dev/null")
        .env("PIDIMA_OBJECTS_DIR", &app.objects)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let url = format!("http://{address}");
    let began = Instant::now();
    let ready = owner.at(&url);
    while ready.request(reqwest::Method::GET, "/v1/me").send().await.is_err() {
        assert!(began.elapsed() < PATIENCE, "the service does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (child, url)
}

/// A way to a server that lets requests through and keeps the first answer to itself.
struct Trap {
    url: String,
    sprung: tokio::sync::oneshot::Receiver<()>,
}

async fn trap(url: &str) -> Trap {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    let target = url.trim_start_matches("http://").to_owned();
    let (spring, sprung) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(target).await.unwrap();
        let (mut sent, mut got) = ([0; 4_096], [0; 1]);
        loop {
            tokio::select! {
                read = client.read(&mut sent) => match read {
                    Ok(length @ 1..) => server.write_all(&sent[..length]).await.unwrap(),
                    _ => return,
                },
                read = server.read(&mut got) => {
                    assert_eq!(read.unwrap(), 1, "the server closed without an answer");
                    spring.send(()).unwrap();
                    // Both ends close when this returns.
                    return;
                }
            }
        }
    });
    Trap { url: own, sprung }
}
