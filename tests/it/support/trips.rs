//! A proxy in front of PostgreSQL that counts round trips: how often the server says that it is ready for the next query.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a client sends that would like to encrypt.
const WANTS_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

pub struct TripCounter {
    /// The database's address through the proxy.
    pub url: String,
    trips: Arc<AtomicU64>,
}

impl TripCounter {
    /// In front of `postgres://…@127.0.0.1:port/…`.
    pub async fn before(url: &str) -> Self {
        let (login, place) = url.rsplit_once('@').unwrap();
        let (target, database) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{login}@{}/{database}", listener.local_addr().unwrap());
        let (trips, target) = (Arc::new(AtomicU64::new(0)), target.to_owned());
        let counted = Arc::clone(&trips);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), Arc::clone(&counted)));
            }
        });
        Self { url, trips }
    }

    pub fn count(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }
}

async fn carry(mut client: TcpStream, target: String, trips: Arc<AtomicU64>) {
    client.set_nodelay(true).unwrap();
    let mut server = TcpStream::connect(target).await.unwrap();
    server.set_nodelay(true).unwrap();
    let (mut asked, mut told) = ([0; 16_384], [0; 16_384]);
    let mut messages = Messages::default();
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(8) if asked[..8] == WANTS_TLS => client.write_all(b"N").await.unwrap(),
                Ok(1..) => server.write_all(&asked[..read.unwrap()]).await.unwrap(),
                _ => return,
            },
            read = server.read(&mut told) => {
                let Ok(length @ 1..) = read else { return };
                // Counted before it is told: who got the answer finds it counted.
                trips.fetch_add(messages.read(&told[..length]), Ordering::SeqCst);
                if client.write_all(&told[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Messages of the server, cut anywhere: a kind, a length that counts itself, and the rest.
#[derive(Default)]
struct Messages {
    head: Vec<u8>,
    left: usize,
}

impl Messages {
    /// How many of them say that the server is ready.
    fn read(&mut self, mut bytes: &[u8]) -> u64 {
        let mut ready = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len());
                bytes = &bytes[skipped..];
                self.left -= skipped;
                continue;
            }
            let missing = (5 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if let [kind, length @ ..] = &self.head[..]
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                ready += u64::from(*kind == b'Z');
                self.left = u32::from_be_bytes(length) as usize - 4;
                self.head.clear();
            }
        }
        ready
    }
}
