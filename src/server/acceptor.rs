//! Sockets that drop clients who take nothing, and that are without Nagle's algorithm. poem (through 3.1.12) leaves it on: then each small event of a stream waits for the
//! client's delayed acknowledgement, some 40 ms.

use std::io::Result;
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::{Acceptor, TcpAcceptor};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::TcpStream;

use super::stall::Stall;

/// An acceptor whose sockets send at once, and are dropped when a write stands still for so long.
pub struct NoDelay {
    pub inner: TcpAcceptor,
    pub patience: Duration,
}

impl Acceptor for NoDelay {
    type Io = Stall<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.inner.local_addr()
    }

    async fn accept(&mut self) -> Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (socket, local, remote, scheme) = self.inner.accept().await?;
        socket.set_nodelay(true)?;
        Ok((Stall::new(socket, self.patience), local, remote, scheme))
    }
}

#[cfg(test)]
mod tests {
    use poem::listener::{Listener, TcpListener};

    use super::*;

    async fn accepted<A: Acceptor>(mut acceptor: A) -> A::Io {
        let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), acceptor.accept());
        client.unwrap();
        accepted.unwrap().0
    }

    #[tokio::test]
    async fn sockets_send_at_once_and_would_not_by_themselves() {
        let listen = || TcpListener::bind("127.0.0.1:0").into_acceptor();
        let patience = Duration::from_secs(30);
        let ours = NoDelay { inner: listen().await.unwrap(), patience };
        assert!(accepted(ours).await.get_ref().nodelay().unwrap());
        assert!(!accepted(listen().await.unwrap()).await.nodelay().unwrap());
    }
}
