//! What an answer may take: time, head, body; and what is no answer at all.

use std::time::{Duration, Instant};

use pidima::adapters::outbound::{Outbound, OutboundError, OutboundSettings, SystemResolver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{OUTSIDE, client, get, ok, outside, settings, to};

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer_however_it_comes() {
    for (length, passes) in [(999, true), (1_000, true), (1_001, false)] {
        let body = "x".repeat(length);
        let told = ok(&body);
        let chunked = format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        );
        let untold = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
        for answer in [told, chunked.into_bytes(), untold.into_bytes()] {
            let server = outside(move |_| answer.clone()).await;
            let (outbound, address) = to(&server);
            let answer = get(&outbound, &address, 0).await.map(|answer| answer.body.len());
            let wanted = if passes { Ok(length) } else { Err(OutboundError::TooLong(1_000)) };
            assert_eq!(answer, wanted);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_packed_is_taken_as_it_is() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nbomb";
    let server = outside(move |_| answer.as_bytes().to_vec()).await;
    let (outbound, address) = to(&server);
    assert_eq!(&get(&outbound, &address, 0).await.unwrap().body[..], b"bomb");
}

#[tokio::test]
async fn a_head_may_be_as_long_as_the_limit_and_no_longer() {
    let head = |length: usize| {
        let bare = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\nx: \r\n\r\n";
        bare.replace("x: ", &format!("x: {}", "y".repeat(length - bare.len()))).into_bytes()
    };
    for (length, passes) in [(8_000, true), (8_191, true), (8_300, false), (100_000, false)] {
        let server = outside(move |_| head(length)).await;
        let (outbound, address) = to(&server);
        let answer = get(&outbound, &address, 0).await.map(|answer| answer.status.as_u16());
        let wanted = if passes { Ok(200) } else { Err(OutboundError::Protocol) };
        assert_eq!(answer, wanted, "{length}");
    }
}

#[tokio::test]
async fn what_is_no_answer_of_http_is_refused() {
    for answer in
        ["", "hello\r\n", "<html>HTTP/0.9</html>", "SSH-2.0-OpenSSH_9.9\r\n", "-ERR unknown\r\n"]
    {
        let server = outside(move |_| answer.as_bytes().to_vec()).await;
        let (outbound, address) = to(&server);
        let refused = get(&outbound, &address, 0).await.unwrap_err();
        assert_eq!(refused, OutboundError::Protocol, "{answer:?}");
    }
    // A body that ends before it was to.
    let server = outside(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()).await;
    let (outbound, address) = to(&server);
    assert_eq!(get(&outbound, &address, 0).await.unwrap_err(), OutboundError::Protocol);
}

#[tokio::test]
async fn who_drips_or_stays_silent_is_left_when_the_time_is_over() {
    for drips in [true, false] {
        let listener = TcpListener::bind((OUTSIDE, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // An answer before the question would be none.
            stream.read_u8().await.unwrap();
            let mut tick = tokio::time::interval(Duration::from_millis(50));
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n";
            if drips && stream.write_all(head).await.is_err() {
                return;
            }
            // Ends when the client has gone.
            loop {
                tick.tick().await;
                if drips && stream.write_all(b"x").await.is_err() {
                    return;
                }
            }
        });
        let short =
            OutboundSettings { timeout: Duration::from_millis(600), ..settings(address.port()) };
        let outbound = client(short, SystemResolver);
        let began = Instant::now();
        let refused = get(&outbound, &format!("http://{address}/"), 0).await.unwrap_err();
        assert_eq!(refused, OutboundError::Timeout);
        assert!(began.elapsed() >= Duration::from_millis(600), "{:?}", began.elapsed());
        server.abort();
    }
}

#[tokio::test]
async fn without_the_settings_only_tls_at_its_port_is_an_address() {
    let strict = OutboundSettings { http: false, ports: vec![443], ..settings(443) };
    let outbound = Outbound::new(strict).unwrap();
    for good in
        ["https://hooks.example.com/a?b=c", "https://hooks.example.com:443", "https://1.1.1.1/"]
    {
        assert!(outbound.target(good).is_ok(), "{good}");
    }
    for bad in [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "http://hooks.example.com:443/",
        "https://hooks.example.com:80/",
        "https://127.0.0.1/",
        "wss://hooks.example.com/",
    ] {
        assert!(matches!(outbound.target(bad), Err(OutboundError::Address(_))), "{bad}");
    }
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let server = outside(|_| ok("")).await;
    let (outbound, address) = to(&server);
    assert!(get(&outbound, &address, 0).await.is_ok());
    drop(server);
    crate::support::eventually("the port is closed", || async {
        matches!(get(&outbound, &address, 0).await, Err(OutboundError::Connect))
    })
    .await;
}
