//! A proxy in front of Valkey that can cut its connections, or fall silent; and a Valkey of one's own.

use std::path::PathBuf;
use std::sync::Arc;

use pidima::devservices::{PackageCache, VALKEY, Valkey, ValkeyOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bytes pass.
    Pass,
    /// Connections are closed, also new ones.
    Cut,
    /// Connections stay open and nothing comes.
    Silent,
}

/// TLS in front of Valkey, with a certificate of an authority of its own.
pub struct RedisTls {
    /// The server's address through TLS.
    pub url: String,
    /// The authority's certificate, in PEM.
    pub authority: Vec<u8>,
}

impl RedisTls {
    /// In front of `redis://…@127.0.0.1:port/…`.
    pub async fn before(url: &str) -> Self {
        let (login, place) = url.rsplit_once('@').unwrap();
        let (target, database) = place.split_once('/').unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = made.signing_key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let login = login.replace("redis://", "rediss://");
        let target = target.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    // Who does not trust us goes away here.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut server = TcpStream::connect(target).await.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
                });
            }
        });
        Self {
            url: format!("{login}@localhost:{port}/{database}"),
            authority: made.cert.pem().into_bytes(),
        }
    }
}

pub struct RedisProxy {
    /// The server's address through the proxy.
    pub url: String,
    mode: Arc<watch::Sender<Mode>>,
}

impl RedisProxy {
    /// In front of `redis://…@127.0.0.1:port/…`.
    pub async fn before(url: &str) -> Self {
        let (login, place) = url.rsplit_once('@').unwrap();
        let (target, database) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{login}@{}/{database}", listener.local_addr().unwrap());
        let mode = Arc::new(watch::Sender::new(Mode::Pass));
        let (modes, target) = (mode.subscribe(), target.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), modes.clone()));
            }
        });
        Self { url, mode }
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn carry(mut client: TcpStream, target: String, mut modes: watch::Receiver<Mode>) {
    if *modes.borrow_and_update() == Mode::Cut {
        return;
    }
    let mut server = TcpStream::connect(target).await.unwrap();
    let (mut asked, mut told) = ([0; 4_096], [0; 4_096]);
    loop {
        let is_silent = *modes.borrow() == Mode::Silent;
        tokio::select! {
            changed = modes.changed() => match (changed, *modes.borrow()) {
                (Ok(()), Mode::Pass | Mode::Silent) => {}
                _ => return,
            },
            read = client.read(&mut asked), if !is_silent => match read {
                Ok(1..) => server.write_all(&asked[..read.unwrap()]).await.unwrap(),
                _ => return,
            },
            read = server.read(&mut told), if !is_silent => match read {
                Ok(1..) if client.write_all(&told[..read.unwrap()]).await.is_ok() => {}
                _ => return,
            },
        }
    }
}

/// A server that no other test uses.
pub struct OwnValkey {
    pub server: Valkey,
    home: PathBuf,
}

impl OwnValkey {
    pub async fn start() -> Self {
        let home = std::env::temp_dir().join(format!("pidima-valkey-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&home).unwrap();
        let program = PackageCache::locate().unwrap().ensure(&VALKEY).await.unwrap();
        let options = ValkeyOptions { home: home.clone(), program, port: None };
        Self { server: Valkey::start(&options).await.unwrap(), home }
    }

    pub async fn stop(self) {
        self.server.stop().await.unwrap();
        std::fs::remove_dir_all(&self.home).unwrap();
    }
}
