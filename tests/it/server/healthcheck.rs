//! `pidima healthcheck`: what a container's watcher is told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::TestApp;

/// Exit code of the command beside a server that listens there, and what it says of a fault.
fn healthcheck(listen: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg("healthcheck")
        .current_dir(std::env::temp_dir())
        .env_clear()
        .env("PIDIMA_LISTEN", listen)
        // Nobody is there: a request by this way would fail.
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lives_is_well_on_whichever_address_it_listens() {
    let app = TestApp::start().await;
    let address = app.url.strip_prefix("http://").unwrap();
    let port = address.rsplit(':').next().unwrap();
    for listen in [address, &format!("0.0.0.0:{port}")] {
        let (code, told) = healthcheck(listen);
        assert_eq!(code, Some(0), "{told}");
    }
}

#[test]
fn a_server_that_is_gone_refuses_or_is_silent_is_not_well() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let began = Instant::now();
    let (code, told) = healthcheck(&address);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(&address), "{told}");
    assert!(began.elapsed() < Duration::from_secs(5), "a watcher waits five seconds");

    let refusing = std::thread::spawn(move || {
        // The first connection is that of the command that got no answer.
        for connection in listener.incoming().take(2) {
            let mut connection = connection.unwrap();
            let mut head = [0; 1024];
            assert!(connection.read(&mut head).unwrap() > 0);
            // The other side of the first one is gone.
            let _written = connection
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let (code, told) = healthcheck(&address);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("503"), "{told}");
    refusing.join().unwrap();

    let (code, told) = healthcheck(&address);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("does not answer"), "{told}");
}

#[test]
fn an_address_that_is_none_is_told_as_a_fault_of_the_settings() {
    let (code, told) = healthcheck("here");
    assert_eq!(code, Some(78), "{told}");
    assert!(told.contains("PIDIMA_LISTEN"), "{told}");
}
