//! Requests to addresses of tenants: none of them ends inside, whatever the address looks like, wherever its name leads and
//! whoever redirects.

mod addresses;
mod dns;
mod inside;
mod limits;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pidima::adapters::outbound::{
    Outbound, OutboundError, OutboundRequest, OutboundResponse, OutboundSettings, Resolver,
    SystemResolver,
};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where the receiver stands that plays a public one.
const OUTSIDE: &str = "127.0.0.2";

/// Settings that let nothing through but that receiver.
fn settings(port: u16) -> OutboundSettings {
    OutboundSettings {
        allow: vec![format!("{OUTSIDE}/32").parse().unwrap()],
        ports: vec![port],
        http: true,
        authorities: None,
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(10),
        max_header_bytes: 8_192,
        max_body_bytes: 1_000,
    }
}

fn client(settings: OutboundSettings, resolver: impl Resolver) -> Outbound {
    Outbound::with_resolver(settings, Arc::new(resolver)).unwrap()
}

async fn get(
    outbound: &Outbound,
    address: &str,
    max_redirects: u32,
) -> Result<OutboundResponse, OutboundError> {
    let request = OutboundRequest {
        method: Method::GET,
        target: outbound.target(address)?,
        headers: Vec::new(),
        body: Vec::new().into(),
        max_redirects,
    };
    outbound.send(request).await
}

/// Listens, counts who comes, and answers each in the same way.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// At an address; `answer` makes the bytes of an answer from the first line of a request.
    async fn at(
        address: impl Into<SocketAddr>,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address.into()).await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move { serve(stream, &*answer).await });
            }
        });
        Ok(Self { address, connections, task })
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: &(dyn Fn(&str) -> Vec<u8> + Send + Sync)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default();
    // The client may have gone when it has seen enough.
    let _ = stream.write_all(&answer(line)).await;
    let _ = stream.shutdown().await;
}

/// An answer with a body.
fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn redirect(status: u16, to: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Over There\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
        .into_bytes()
}

/// A server that plays one outside, at a port of its own.
async fn outside(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::at((OUTSIDE.parse::<IpAddr>().unwrap(), 0), answer).await.unwrap()
}

/// A client that reaches it, and its address.
fn to(server: &Server) -> (Outbound, String) {
    (client(settings(server.address.port()), SystemResolver), format!("http://{}", server.address))
}
