//! `pidima healthcheck`: whether the server beside it lives, for containers whose image holds nothing else that could ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;

use crate::config::{Env, HttpConfig};

/// For connection and answer together: whoever runs this has no more than a few seconds.
const PATIENCE: Duration = Duration::from_secs(3);

pub async fn run(env: &Env) -> anyhow::Result<()> {
    let config = HttpConfig::from_env(env);
    env.finish()?;
    let url = format!("http://{}/healthz", near(config.listen));
    // Never by a proxy of the environment: it is this machine that is asked.
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let answer = http.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
    let status = answer.status();
    anyhow::ensure!(status.is_success(), "{url} answers {status}");
    Ok(())
}

/// Where a server that listens there is found from the same machine.
fn near(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn a_server_on_all_addresses_is_asked_on_the_loopback_one() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            let listen = listen.parse().expect("an address");
            assert_eq!(near(listen).to_string(), asked);
        }
    }
}
