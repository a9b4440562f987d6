//! A worker that leads a session of its own gives way to the others; one that shares its session leaves it as it is.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::eventually;
use crate::support::program::program;

/// How the scheduler sees the session of a process; absent where it does not look at sessions.
fn group(process: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/autogroup")).ok()
}

/// A worker that has come as far as to ask for its database, which says nothing.
async fn asking(mut command: Command) -> (Child, TcpListener) {
    let database = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = database.local_addr().unwrap().port();
    let url = format!("postgres://pidima_app:none@127.0.0.1:{port}/postgres");
    command.arg("worker").env_clear().env("DATABASE_URL", url).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let worker = command.spawn().unwrap();
    timeout(Duration::from_secs(60), database.accept()).await.unwrap().unwrap();
    (worker, database)
}

#[tokio::test]
async fn a_worker_gives_way_with_a_session_that_it_leads_and_with_no_other() {
    let own = group(std::process::id());
    let mut leader = Command::new("/usr/bin/setsid");
    leader.arg(program());
    let (leader, _silent) = asking(leader).await;
    let (other, _silent_too) = asking(Command::new(program())).await;
    eventually("the session that is led gives way", || async {
        let its = group(leader.id().unwrap());
        own.is_none() || its.is_some_and(|its| its.ends_with(" nice 10\n"))
    })
    .await;
    assert_eq!(group(other.id().unwrap()), own);
    assert_eq!(group(std::process::id()), own);
}
