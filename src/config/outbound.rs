//! Requests to addresses that tenants give: where they may go, and how much of an answer is taken.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::Env;

/// Bounds on requests to addresses of tenants.
#[derive(Clone, Debug)]
pub struct OutboundConfig {
    /// `PIDIMA_OUTBOUND_ALLOW`: ranges such as `10.1.0.0/16` that may be reached although they are not public, separated by
    /// commas; default none.
    pub allow: Vec<IpNet>,
    /// `PIDIMA_OUTBOUND_PORTS`: ports that may be reached, separated by commas; default 443.
    pub ports: Vec<u16>,
    /// `PIDIMA_OUTBOUND_HTTP`: whether addresses may go without TLS; default false.
    pub http: bool,
    /// `PIDIMA_OUTBOUND_CA_FILE`: authorities that are trusted beside the public ones, in PEM; default none.
    pub authorities: Option<PathBuf>,
    /// `PIDIMA_OUTBOUND_CONNECT_TIMEOUT_MS`: time for name, connection and TLS; default 5000.
    pub connect_timeout: Duration,
    /// `PIDIMA_OUTBOUND_TIMEOUT_MS`: time for a whole request; default 15000.
    pub timeout: Duration,
    /// `PIDIMA_OUTBOUND_MAX_HEADER_BYTES`: longest head of an answer; default 65536.
    pub max_header_bytes: usize,
    /// `PIDIMA_OUTBOUND_MAX_BODY_BYTES`: longest body of an answer; default 1048576.
    pub max_body_bytes: usize,
}

impl OutboundConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let config = Self {
            allow: list(env, "PIDIMA_OUTBOUND_ALLOW", "ranges such as 10.1.0.0/16"),
            ports: list(env, "PIDIMA_OUTBOUND_PORTS", "ports such as 443,8443"),
            http: env.parse("PIDIMA_OUTBOUND_HTTP", false),
            authorities: env.text("PIDIMA_OUTBOUND_CA_FILE").map(PathBuf::from),
            connect_timeout: env.millis("PIDIMA_OUTBOUND_CONNECT_TIMEOUT_MS", 5_000, 100, 60_000),
            timeout: env.millis("PIDIMA_OUTBOUND_TIMEOUT_MS", 15_000, 100, 120_000),
            max_header_bytes: env.number(
                "PIDIMA_OUTBOUND_MAX_HEADER_BYTES",
                65_536,
                8_192,
                1 << 20,
            ),
            max_body_bytes: env.number("PIDIMA_OUTBOUND_MAX_BODY_BYTES", 1 << 20, 0, 1 << 28),
        };
        if config.ports.is_empty() { Self { ports: vec![443], ..config } } else { config }
    }
}

fn list<T: FromStr<Err: Display>>(env: &Env, name: &'static str, example: &str) -> Vec<T> {
    let text = env.text(name).unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| {
        let read = part.parse();
        read.map_err(|error| env.fault(format!("{name} has \"{part}\" ({error}): give {example}")))
    };
    parts.filter_map(|part| read(part).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_each_part_that_is_none_is_a_fault() {
        let env = Env::from_pairs([
            ("PIDIMA_OUTBOUND_ALLOW", "10.1.0.0/16, fd00::/8"),
            ("PIDIMA_OUTBOUND_PORTS", "443,8443"),
        ]);
        let config = OutboundConfig::from_env(&env);
        assert_eq!((config.allow.len(), &config.ports[..]), (2, &[443, 8443][..]));
        assert!(env.finish().is_ok());
        let env = Env::from_pairs([
            ("PIDIMA_OUTBOUND_ALLOW", "10.1.0.0,everything"),
            ("PIDIMA_OUTBOUND_PORTS", "https"),
        ]);
        OutboundConfig::from_env(&env);
        let faults = env.finish().expect_err("faults").faults;
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
