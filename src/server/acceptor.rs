//! Sockets without Nagle's algorithm, with a deadline for each head of a request, that are dropped when their client takes
//! nothing. poem (through 3.1.12) leaves that algorithm on: then each small event of a stream waits for the client's delayed
//! acknowledgement, some 40 ms.

use std::io::Result;
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::{Acceptor, TcpAcceptor};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::TcpStream;

use super::connections::{Connections, Patience, Watched};
use super::stall::Stall;

/// An acceptor whose sockets send at once and whose connections are watched.
pub struct WatchedAcceptor {
    pub inner: TcpAcceptor,
    pub connections: Connections,
    pub patience: Patience,
    /// How long a client may take nothing.
    pub write_stall: Duration,
}

impl Acceptor for WatchedAcceptor {
    type Io = Watched<Stall<TcpStream>>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.inner.local_addr()
    }

    async fn accept(&mut self) -> Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (socket, local, remote, scheme) = self.inner.accept().await?;
        socket.set_nodelay(true)?;
        let peer = match remote.as_socket_addr() {
            Some(peer) => *peer,
            None => socket.peer_addr()?,
        };
        let socket = Stall::new(socket, self.write_stall);
        Ok((self.connections.watch(socket, peer, self.patience), local, remote, scheme))
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
        let minute = Duration::from_secs(60);
        let watched = WatchedAcceptor {
            inner: listen().await.unwrap(),
            connections: Connections::default(),
            patience: Patience { head: minute, idle: minute },
            write_stall: minute,
        };
        assert!(accepted(watched).await.socket().get_ref().nodelay().unwrap());
        assert!(!accepted(listen().await.unwrap()).await.nodelay().unwrap());
    }
}
