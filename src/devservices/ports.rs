//! Ports on 127.0.0.1 for the servers: a free one, remembered in a file, so that an address once
//! printed stays valid at the next start. Called by `postgres` and `valkey`, which never get a port
//! below 20000, so that a server installed on the machine keeps its own. Tests and measurements take
//! ports here for programs of theirs, which are not remembered.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use rand::Rng;

use super::ServiceError;

/// Below the range from which Linux takes the ports of outgoing connections (it begins at 32768),
/// so that a remembered port is rarely taken by chance.
const CANDIDATES: Range<u16> = 20_000..32_000;
/// Below these, and so below outgoing connections too: one of them could take a port between its
/// choice and its use.
const FOR_PROGRAMS: Range<u16> = 10_000..20_000;
const TRIES: usize = 200;

/// The port wished for, else the remembered one when it is free, else a new one, not in `refused`.
pub fn choose(wish: Option<u16>, memory: &Path, refused: &[u16]) -> Result<u16, ServiceError> {
    if let Some(port) = wish {
        return check(port).map(|()| port).map_err(|source| ServiceError::Port { port, source });
    }
    let usable = |port: &u16| !refused.contains(port) && check(*port).is_ok();
    if let Some(port) = remembered(memory).filter(usable) {
        return Ok(port);
    }
    let mut random = rand::rng();
    let mut tried = (0..TRIES).map(|_| random.random_range(CANDIDATES));
    tried.find(usable).ok_or(ServiceError::NoPort)
}

/// A port for a program of a test or a measurement, that nobody listens at. No other caller in this
/// process gets it soon, and no server of ours remembers it.
///
/// # Errors
/// None is free.
pub fn free_port() -> Result<u16, ServiceError> {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(rand::random()));
    let count = FOR_PROGRAMS.end - FOR_PROGRAMS.start;
    let mut tried = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed) % count)
        .map(|offset| FOR_PROGRAMS.start + offset)
        .take(usize::from(count));
    tried.find(|port| check(*port).is_ok()).ok_or(ServiceError::NoPort)
}

/// Writes down the port that a server came up on.
pub fn remember(memory: &Path, port: u16) -> Result<(), ServiceError> {
    fs::write(memory, format!("{port}\n"))
        .map_err(|error| ServiceError::path("write", memory, error))
}

/// The port written down, if there is one.
pub fn remembered(memory: &Path) -> Option<u16> {
    fs::read_to_string(memory).ok()?.trim().parse().ok()
}

fn check(port: u16) -> io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_kept_while_it_is_free_and_changed_when_it_is_taken() {
        let memory = std::env::temp_dir().join(format!("pidima-port-{}", std::process::id()));
        let first = choose(None, &memory, &[]).unwrap();
        assert!(CANDIDATES.contains(&first));
        remember(&memory, first).unwrap();
        assert_eq!(choose(None, &memory, &[]).unwrap(), first);
        assert_ne!(choose(None, &memory, &[first]).unwrap(), first);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        assert_ne!(choose(None, &memory, &[]).unwrap(), first);
        let error = choose(Some(first), &memory, &[]).unwrap_err().to_string();
        assert!(error.contains(&first.to_string()), "{error}");
        drop(taken);
        fs::remove_file(memory).unwrap();
    }

    #[test]
    fn programs_that_are_started_at_once_get_ports_of_their_own() {
        let mut ports: Vec<u16> = (0..100).map(|_| free_port().unwrap()).collect();
        assert!(ports.iter().all(|port| FOR_PROGRAMS.contains(port)));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 100);
    }
}
