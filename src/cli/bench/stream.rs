//! `pidima bench stream`: what a streamed answer costs beyond the model's own time, beside gateways by others in front of
//! the same stand-in. Rounds are interleaved, so that the load of the machine is the same for all.
//!
//! Reached directly, the stand-in shows what client, kernel and machine take. Pidima does more than a gateway: it stores
//! the question, searches, stores the answer with its citations; the parts are told apart by the events of its stream.

mod asking;
mod first_event;
mod held;
mod relayed;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use self::asking::Target;
use super::load_average;
use super::peers::Peer;
use super::service::Service;
use super::stand_in::StandIn;

#[derive(Debug, Args)]
pub struct StreamArgs {
    /// Python environment with litellm and tensorzero, to compare with
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Rounds, each with every system
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Streams that are held open while memory is read
    #[arg(long, default_value_t = 300)]
    held: usize,
    /// Streams at 50 pieces a second each
    #[arg(long, default_value_t = 1_000)]
    paced: usize,
    /// Parts to measure
    #[arg(long, value_enum, default_values_t = [Part::First, Part::Held, Part::Relayed])]
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Time to the first event, and bursts
    First,
    /// Memory of open streams
    Held,
    /// Pieces relayed per second
    Relayed,
}

/// The stand-in itself.
const DIRECT: &str = "direct";

/// Everything that is measured.
struct Bench {
    stand_in: StandIn,
    service: Service,
    peers: Vec<Peer>,
}

pub async fn run(args: &StreamArgs) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let stand_in = StandIn::start()?;
    eprintln!("starting the service");
    let service = Service::start(&stand_in.base_url()).await?;
    let mut peers = Vec::new();
    if let Some(python) = &args.peers {
        eprintln!("starting the gateways");
        peers.push(Peer::litellm(python, &stand_in.base_url()).await?);
        peers.push(Peer::tensorzero(python, &stand_in.base_url()).await?);
    }
    let bench = Bench { stand_in, service, peers };
    writeln!(out, "load of the machine before: {}", load_average())?;
    for part in &args.parts {
        match part {
            Part::First => first_event::measure(&bench, args.rounds).await?,
            Part::Held => held::measure(&bench, args.held).await?,
            Part::Relayed => relayed::measure(&bench, args.paced, args.rounds.min(3)).await?,
        }
    }
    writeln!(out, "load of the machine after: {}", load_average())?;
    for peer in bench.peers {
        peer.stop().await?;
    }
    bench.service.stop().await
}

impl Bench {
    /// Time that processors have spent on a system, and on what it stores in; nothing for the stand-in, which is this process.
    fn processor(&self, name: &str) -> anyhow::Result<[Duration; 2]> {
        match (self.peers.iter().find(|peer| peer.name == name), name) {
            (Some(peer), _) => Ok([peer.processor()?, Duration::ZERO]),
            (None, DIRECT) => Ok([Duration::ZERO; 2]),
            (None, _) => Ok([self.service.processor()?, self.service.processor_of_stores()?]),
        }
    }

    /// The systems, the stand-in itself first and Pidima second.
    fn targets(&self) -> Vec<Target> {
        let completion = |model: &str| {
            json!({
                "model": model,
                "stream": true,
                "messages": [{ "role": "user", "content": "How do I create an API key?" }],
            })
        };
        let mut targets = vec![
            Target::new(
                DIRECT,
                format!("{}/chat/completions", self.stand_in.base_url()),
                "none",
                completion("stand-in"),
            ),
            Target::new(
                "pidima",
                format!("{}/v1/answers", self.service.url),
                &self.service.key,
                json!({ "question": "How do I create an API key?" }),
            ),
        ];
        targets.extend(self.peers.iter().map(|peer| {
            let url = format!("{}/chat/completions", peer.base_url);
            Target::new(peer.name, url, peer.key, completion(peer.model))
        }));
        targets
    }
}
