//! The queue between those who ask for work and the worker.

use std::str::FromStr;
use std::time::Duration;

use super::Env;
use super::aws::is_address;

/// What the queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// A table of the database.
    Postgres,
    /// Amazon SQS.
    Sqs,
}

impl FromStr for QueueKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "postgres" => Ok(Self::Postgres),
            "sqs" => Ok(Self::Sqs),
            _ => Err("give postgres or sqs".to_owned()),
        }
    }
}

/// The queue.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// `PIDIMA_QUEUE`: postgres or sqs; default postgres.
    pub kind: QueueKind,
    /// Queues of Amazon SQS, where they are used.
    pub sqs: SqsConfig,
}

/// Queues of Amazon SQS.
#[derive(Clone, Debug)]
pub struct SqsConfig {
    /// `PIDIMA_QUEUE_SQS_URL`: address of the queue; required for sqs.
    pub url: String,
    /// `PIDIMA_QUEUE_SQS_DEAD_URL`: address of the queue of dead letters; required for sqs.
    pub dead_url: String,
    /// `PIDIMA_QUEUE_SQS_WAIT_SECONDS`: how long a request for messages waits for one; default 10.
    pub wait_seconds: u32,
    /// `PIDIMA_QUEUE_SQS_TIMEOUT_MS`: time for one try of a request; default 10000.
    pub timeout: Duration,
    /// `PIDIMA_QUEUE_SQS_TRIES`: tries of one request; default 3.
    pub tries: u32,
}

impl QueueConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let kind = env.parse("PIDIMA_QUEUE", QueueKind::Postgres);
        Self { kind, sqs: SqsConfig::from_env(env, kind) }
    }
}

impl SqsConfig {
    fn from_env(env: &Env, kind: QueueKind) -> Self {
        let url = address(env, "PIDIMA_QUEUE_SQS_URL", kind);
        let dead_url = address(env, "PIDIMA_QUEUE_SQS_DEAD_URL", kind);
        if !url.is_empty() && url == dead_url {
            env.fault(
                "PIDIMA_QUEUE_SQS_DEAD_URL is that of PIDIMA_QUEUE_SQS_URL: give dead letters a queue of their own"
                    .to_owned(),
            );
        }
        Self {
            url,
            dead_url,
            wait_seconds: env.number("PIDIMA_QUEUE_SQS_WAIT_SECONDS", 10, 0, 20),
            timeout: env.millis("PIDIMA_QUEUE_SQS_TIMEOUT_MS", 10_000, 100, 60_000),
            tries: env.number("PIDIMA_QUEUE_SQS_TRIES", 3, 1, 10),
        }
    }
}

fn address(env: &Env, name: &'static str, kind: QueueKind) -> String {
    let address = env.text(name);
    match &address {
        None if kind == QueueKind::Sqs => {
            env.fault(format!("{name} is not set: PIDIMA_QUEUE=sqs needs the address of a queue"));
        }
        Some(text) if !is_address(text) => env.fault(format!(
            "{name} is \"{text}\": give the queue's address, such as https://sqs.eu-central-1.amazonaws.com/123456789012/pidima"
        )),
        Some(text) if text.ends_with(".fifo") => {
            env.fault(format!("{name} is \"{text}\": give a standard queue, not a FIFO one"));
        }
        _ => {}
    }
    address.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(pairs: &[(&str, &str)]) -> Vec<String> {
        let env = Env::from_pairs(pairs.iter().copied());
        QueueConfig::from_env(&env);
        env.finish().err().map(|error| error.faults).unwrap_or_default()
    }

    #[test]
    fn sqs_wants_two_standard_queues_and_tells_all_faults_at_once() {
        let (url, dead) = ("https://sqs.example/1/a", "https://sqs.example/1/b");
        assert_eq!(faults(&[]), [""; 0]);
        let good = [
            ("PIDIMA_QUEUE", "sqs"),
            ("PIDIMA_QUEUE_SQS_URL", url),
            ("PIDIMA_QUEUE_SQS_DEAD_URL", dead),
        ];
        assert_eq!(faults(&good), [""; 0]);
        let told = faults(&[("PIDIMA_QUEUE", "sqs"), ("PIDIMA_QUEUE_SQS_WAIT_SECONDS", "21")]);
        assert_eq!(told.len(), 3, "{told:?}");
        for pairs in [
            &[("PIDIMA_QUEUE", "rabbits")][..],
            &[("PIDIMA_QUEUE_SQS_URL", "pidima")],
            &[("PIDIMA_QUEUE_SQS_DEAD_URL", "https://sqs.example/1/a.fifo")],
            &[("PIDIMA_QUEUE_SQS_URL", url), ("PIDIMA_QUEUE_SQS_DEAD_URL", url)],
        ] {
            let told = faults(pairs);
            assert!(matches!(&told[..], [fault] if fault.starts_with("PIDIMA_QUEUE")), "{told:?}");
        }
    }

    #[test]
    fn the_wait_is_none_to_twenty_seconds() {
        for seconds in ["0", "20"] {
            assert_eq!(faults(&[("PIDIMA_QUEUE_SQS_WAIT_SECONDS", seconds)]), [""; 0]);
        }
    }
}
