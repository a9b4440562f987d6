//! No address leads inside: not by its spelling, not by its name, not by changing its name, not by a redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use pidima::adapters::outbound::{Outbound, OutboundError};

use super::addresses::{ELSEWHERE, NAMES, TO_THE_SINK};
use super::dns::Dns;
use super::{OUTSIDE, Server, client, get, ok, redirect, settings};

/// A sink inside, at one port of both loopbacks, and a receiver outside at the same port.
struct Scene {
    port: u16,
    sink: [Server; 2],
    outside: Server,
    dns: Dns,
}

impl Scene {
    async fn set() -> Self {
        let (four, six) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
        loop {
            let first = Server::at((four, 0), |_| ok("inside")).await.unwrap();
            let port = first.address.port();
            let second = Server::at((six, port), |_| ok("inside")).await;
            let outside = Server::at((OUTSIDE.parse::<IpAddr>().unwrap(), port), send_on).await;
            // Another test may have taken the port on one of the others.
            if let (Ok(second), Ok(outside)) = (second, outside) {
                let dns = Dns::start(NAMES).await;
                return Self { port, sink: [first, second], outside, dns };
            }
        }
    }

    fn caught(&self) -> usize {
        self.sink.iter().map(Server::count).sum()
    }

    fn guarded(&self) -> Outbound {
        client(settings(self.port), self.dns.resolver())
    }

    fn open(&self) -> Outbound {
        let mut settings = settings(self.port);
        settings.allow = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        client(settings, self.dns.resolver())
    }

    fn at(&self, address: &str) -> String {
        address.replace("{port}", &self.port.to_string())
    }
}

/// `GET /<hexadecimal address>` is redirected there; `/hops/<n>` goes on n times; anything else is answered.
fn send_on(line: &str) -> Vec<u8> {
    let path = line.split(' ').nth(1).unwrap_or_default();
    if let Some(left) = path.strip_prefix("/hops/").and_then(|left| left.parse::<u32>().ok()) {
        return if left == 0 {
            ok("arrived")
        } else {
            redirect(307, &format!("/hops/{}", left - 1))
        };
    }
    if path == "/loop" {
        return redirect(302, "/loop");
    }
    match path.strip_prefix("/to/").map(hex::decode) {
        Some(Ok(to)) => redirect(302, &String::from_utf8_lossy(&to)),
        _ => ok("outside"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_that_points_inside_reaches_the_sink_and_with_the_guard_open_they_do() {
    let scene = Scene::set().await;
    let guarded = scene.guarded();
    let inside: Vec<String> =
        TO_THE_SINK.iter().chain(ELSEWHERE).map(|address| scene.at(address)).collect();
    assert!(inside.len() >= 70, "{} addresses", inside.len());
    for address in &inside {
        let refused = get(&guarded, address, 5).await.expect_err(address);
        let is_guard = matches!(refused, OutboundError::Address(_) | OutboundError::Host);
        assert!(is_guard, "{address}: {refused:?}");
        assert_eq!(scene.caught(), 0, "{address} reached the sink");
    }
    assert_eq!(scene.outside.count(), 0, "nothing but what points inside was asked for");
    // The same by a redirect. A line break can not stand in one.
    let mut redirected = 0;
    for address in inside.iter().filter(|address| !address.contains(['\n', '\t'])) {
        let way = format!("http://public.test:{}/to/{}", scene.port, hex::encode(address));
        let before = scene.outside.count();
        // What names no host of its own, as a redirect reads it, stays where it is.
        if let Ok(answer) = get(&guarded, &way, 5).await {
            assert_eq!(&answer.body[..], b"outside", "{address}");
        }
        assert!(scene.outside.count() > before, "the redirect to {address} was not asked for");
        assert_eq!(scene.caught(), 0, "a redirect to {address} reached the sink");
        redirected += 1;
    }
    assert!(redirected >= 70, "{redirected} redirects");
    // The control: the sink is there, and it is the guard that kept them from it.
    let open = scene.open();
    for address in TO_THE_SINK {
        let before = scene.caught();
        let answer = get(&open, &scene.at(address), 5).await;
        let body = answer.map(|answer| answer.body);
        assert_eq!(body.as_deref().ok(), Some(&b"inside"[..]), "{address}: {body:?}");
        assert_eq!(scene.caught(), before + 1, "{address}");
    }
    println!(
        "{} addresses and {redirected} redirects: 0 connections to the sink; {} with the guard open",
        inside.len(),
        scene.caught()
    );
}

#[tokio::test]
async fn a_name_that_changes_between_check_and_connection_is_asked_once() {
    let scene = Scene::set().await;
    let guarded = scene.guarded();
    let address = format!("http://rebinding.test:{}/", scene.port);
    let answer = get(&guarded, &address, 0).await.expect("the number that was checked");
    assert_eq!(&answer.body[..], b"outside");
    // One question for each kind of number, and none after the check.
    assert_eq!(scene.dns.asked.lock().unwrap().len(), 2);
    assert_eq!(get(&guarded, &address, 0).await.unwrap_err(), OutboundError::Host);
    assert_eq!(scene.caught(), 0);
    let open = scene.open();
    assert_eq!(&get(&open, &address, 0).await.unwrap().body[..], b"inside");
    assert_eq!(scene.caught(), 1);
}

#[tokio::test]
async fn a_redirect_to_a_name_that_changed_in_between_is_refused() {
    let scene = Scene::set().await;
    let late = format!("http://late.test:{}/", scene.port);
    let way = format!("{late}to/{}", hex::encode(&late));
    let guarded = scene.guarded();
    assert_eq!(&get(&guarded, &way, 1).await.unwrap().body[..], b"outside");
    assert_eq!(get(&guarded, &way, 1).await.unwrap_err(), OutboundError::Host);
    assert_eq!(scene.caught(), 0);
}

#[tokio::test]
async fn redirects_are_followed_as_often_as_allowed_and_not_once_more() {
    let scene = Scene::set().await;
    let guarded = scene.guarded();
    let hops = |count: u32| format!("http://public.test:{}/hops/{count}", scene.port);
    for count in [0, 4, 5] {
        assert_eq!(&get(&guarded, &hops(count), 5).await.unwrap().body[..], b"arrived", "{count}");
    }
    for address in [hops(6), hops(20), format!("http://public.test:{}/loop", scene.port)] {
        let before = scene.outside.count();
        assert_eq!(get(&guarded, &address, 5).await.unwrap_err(), OutboundError::Redirects);
        assert_eq!(scene.outside.count(), before + 6, "{address}");
    }
    // None at all, as for webhooks: a POST shows its answer as it is.
    let request = pidima::adapters::outbound::OutboundRequest {
        method: reqwest::Method::POST,
        target: guarded.target(&hops(1)).unwrap(),
        headers: Vec::new(),
        body: b"{}".to_vec().into(),
        max_redirects: 5,
    };
    assert_eq!(guarded.send(request).await.unwrap().status, 307);
}

#[tokio::test]
async fn the_system_resolves_too_and_its_answers_are_judged() {
    let scene = Scene::set().await;
    let system = Outbound::new(settings(scene.port)).unwrap();
    let address = format!("http://localhost:{}/", scene.port);
    assert_eq!(get(&system, &address, 0).await.unwrap_err(), OutboundError::Host);
    assert_eq!(scene.caught(), 0);
    let mut open = settings(scene.port);
    open.allow
        .extend(["127.0.0.1/32", "::1/128"].map(|range| range.parse::<ipnet::IpNet>().unwrap()));
    let system =
        Outbound::with_resolver(open, Arc::new(pidima::adapters::outbound::SystemResolver));
    assert_eq!(&get(&system.unwrap(), &address, 0).await.unwrap().body[..], b"inside");
}
