//! Sockets without Nagle's algorithm. poem (through 3.1.12) leaves it on: then each small event of a stream waits for the
//! client's delayed acknowledgement, some 40 ms.

use std::io::Result;

use poem::http::uri::Scheme;
use poem::listener::{Acceptor, TcpAcceptor};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::TcpStream;

/// An acceptor whose sockets send at once.
pub struct NoDelay(pub TcpAcceptor);

impl Acceptor for NoDelay {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let accepted = self.0.accept().await?;
        accepted.0.set_nodelay(true)?;
        Ok(accepted)
    }
}

#[cfg(test)]
mod tests {
    use poem::listener::{Listener, TcpListener};

    use super::*;

    async fn accepted_without_delay(mut acceptor: impl Acceptor<Io = TcpStream>) -> bool {
        let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), acceptor.accept());
        client.unwrap();
        accepted.unwrap().0.nodelay().unwrap()
    }

    #[tokio::test]
    async fn sockets_send_at_once_and_would_not_by_themselves() {
        let listen = || TcpListener::bind("127.0.0.1:0").into_acceptor();
        assert!(accepted_without_delay(NoDelay(listen().await.unwrap())).await);
        assert!(!accepted_without_delay(listen().await.unwrap()).await);
    }
}
