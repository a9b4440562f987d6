//! A small server of names, and a resolver that asks it: what a name leads to can change from one question to the next.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pidima::adapters::outbound::Resolver;
use tokio::net::UdpSocket;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

/// What a name leads to.
#[derive(Clone, Debug)]
pub enum Record {
    Number(IpAddr),
    Name(&'static str),
}

/// Records of each name, as lists: each question for A takes the next list, and the last one stays.
type Zone = BTreeMap<String, VecDeque<Vec<Record>>>;

/// The server.
pub struct Dns {
    pub address: SocketAddr,
    pub asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Dns {
    /// A server of names, each with its answers one after the other.
    pub async fn start(names: &[(&str, &[&[&'static str]])]) -> Self {
        let zone: Zone = names
            .iter()
            .map(|(name, answers)| {
                let answers = answers.iter().map(|one| one.iter().map(|to| record(to)).collect());
                ((*name).to_owned(), answers.collect())
            })
            .collect();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut zone = zone;
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                let question = &packet[..length];
                let (name, end) = read_name(question, 12);
                log.lock().unwrap().push(name.clone());
                let answer = answer(&mut zone, question, &name, end);
                let _ = socket.send_to(&answer, from).await;
            }
        });
        Self { address, asked, task }
    }

    /// A resolver that asks this server alone.
    pub fn resolver(&self) -> DnsResolver {
        DnsResolver { server: self.address }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn record(text: &'static str) -> Record {
    text.parse().map_or(Record::Name(text), Record::Number)
}

fn answer(zone: &mut Zone, question: &[u8], name: &str, end: usize) -> Vec<u8> {
    let kind = u16::from_be_bytes([question[end], question[end + 1]]);
    let mut answers = Vec::new();
    let mut owner = name.trim_end_matches('.').to_lowercase();
    // A chain of names is told in one answer.
    while let Some(lists) = zone.get_mut(&owner) {
        let list = if kind == A && lists.len() > 1 { lists.pop_front() } else { None };
        let list = list.or_else(|| lists.front().cloned()).unwrap_or_default();
        let mut next = None;
        for record in list {
            match record {
                Record::Number(IpAddr::V4(number)) if kind == A => {
                    answers.push((owner.clone(), A, number.octets().to_vec()));
                }
                Record::Number(IpAddr::V6(number)) if kind == AAAA => {
                    answers.push((owner.clone(), AAAA, number.octets().to_vec()));
                }
                Record::Number(_) => {}
                Record::Name(to) => {
                    answers.push((owner.clone(), CNAME, written(to)));
                    next = Some(to.to_owned());
                }
            }
        }
        match next {
            Some(name) => owner = name,
            None => break,
        }
    }
    let mut packet = question[..2].to_vec();
    let status: u16 =
        if zone.contains_key(&name.trim_end_matches('.').to_lowercase()) { 0 } else { 3 };
    packet.extend((0x8180 | status).to_be_bytes());
    packet.extend(1_u16.to_be_bytes());
    packet.extend(u16::try_from(answers.len()).unwrap().to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(&question[12..end + 4]);
    for (owner, kind, data) in answers {
        packet.extend(written(&owner));
        packet.extend(kind.to_be_bytes());
        packet.extend(1_u16.to_be_bytes());
        packet.extend(0_u32.to_be_bytes());
        packet.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        packet.extend(data);
    }
    packet
}

fn written(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.trim_end_matches('.').split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// A name that is written out, and where it ends.
fn read_name(packet: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    while packet[at] != 0 {
        let length = usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..=at + length]).into_owned());
        at += length + 1;
    }
    (labels.join("."), at + 1)
}

/// Asks one server, and keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct DnsResolver {
    server: SocketAddr,
}

#[async_trait]
impl Resolver for DnsResolver {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut numbers = Vec::new();
        for kind in [A, AAAA] {
            let socket = UdpSocket::bind("127.0.0.1:0").await?;
            let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            question.extend(written(host));
            question.extend(kind.to_be_bytes());
            question.extend(1_u16.to_be_bytes());
            socket.send_to(&question, self.server).await?;
            let mut packet = [0; 512];
            let (length, _) = socket.recv_from(&mut packet).await?;
            numbers.extend(numbers_of(&packet[..length], question.len()));
        }
        if numbers.is_empty() {
            return Err(std::io::Error::other("no such host"));
        }
        Ok(numbers)
    }
}

fn numbers_of(packet: &[u8], mut at: usize) -> Vec<IpAddr> {
    let mut numbers = Vec::new();
    while at < packet.len() {
        let (_, end) = read_name(packet, at);
        let kind = u16::from_be_bytes([packet[end], packet[end + 1]]);
        let length = usize::from(u16::from_be_bytes([packet[end + 8], packet[end + 9]]));
        let data = &packet[end + 10..end + 10 + length];
        match kind {
            A => numbers.push(Ipv4Addr::from(<[u8; 4]>::try_from(data).unwrap()).into()),
            AAAA => numbers.push(Ipv6Addr::from(<[u8; 16]>::try_from(data).unwrap()).into()),
            _ => {}
        }
        at = end + 10 + length;
    }
    numbers
}
