//! A proxy that does to connections what networks do: it cuts them at any byte, or falls silent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a connection once so many bytes of answers have gone through it.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It is closed.
    Cut(usize),
    /// It stays open and nothing comes any more.
    Silence(usize),
}

/// The proxy. Connections meet their fates in turn; those after the last go through unharmed.
pub struct Cutter {
    pub url: String,
    fates: Arc<Mutex<VecDeque<Fate>>>,
}

impl Cutter {
    /// In front of a server.
    pub async fn before(url: &str, fates: impl IntoIterator<Item = Fate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let target = url.trim_start_matches("http://").to_owned();
        let fates = Arc::new(Mutex::new(fates.into_iter().collect::<VecDeque<Fate>>()));
        let to_come = Arc::clone(&fates);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let fate = to_come.lock().unwrap().pop_front();
                tokio::spawn(carry(client, target.clone(), fate));
            }
        });
        Self { url: own, fates }
    }

    /// Fates that no connection has met yet.
    pub fn left(&self) -> usize {
        self.fates.lock().unwrap().len()
    }
}

async fn carry(mut client: TcpStream, target: String, fate: Option<Fate>) {
    let mut server = TcpStream::connect(target).await.unwrap();
    let (mut asked, mut answered) = ([0; 8_192], [0; 8_192]);
    let mut passed = 0;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(length @ 1..) => {
                    if server.write_all(&asked[..length]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                let most = match fate {
                    Some(Fate::Cut(most) | Fate::Silence(most)) => most - passed,
                    None => length,
                };
                let passes = length.min(most);
                if client.write_all(&answered[..passes]).await.is_err() {
                    return;
                }
                passed += passes;
                match fate {
                    Some(Fate::Cut(most)) if passed >= most => return,
                    Some(Fate::Silence(most)) if passed >= most => break,
                    _ => {}
                }
            }
        }
    }
    // Silent until the client has enough of it.
    while matches!(client.read(&mut asked).await, Ok(1..)) {}
}
