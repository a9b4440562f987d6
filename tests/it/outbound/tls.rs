//! Hosts must prove by a certificate that they are who the address names.

use std::sync::Arc;

use pidima::adapters::outbound::{Outbound, OutboundError, OutboundSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::addresses::NAMES;
use super::dns::Dns;
use super::{OUTSIDE, client, get, settings};

/// Another name of the same server.
const OTHER: &[(&str, &[&[&str]])] = &[("other.test", &[&["127.0.0.2"]])];

/// A server with a certificate for `public.test`; its port and the authority behind it.
async fn server() -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["public.test".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((OUTSIDE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not trust the certificate goes.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 1_024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&super::ok("proven")).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, issuer.pem())
}

#[tokio::test]
async fn a_host_is_believed_by_a_certificate_of_its_name_from_a_known_authority() {
    let (port, authority) = server().await;
    let names = [NAMES, OTHER].concat();
    let dns = Dns::start(&names).await;
    let trusting = OutboundSettings {
        http: false,
        authorities: Some(authority.into_bytes()),
        ..settings(port)
    };
    let strangers = client(OutboundSettings { http: false, ..settings(port) }, dns.resolver());
    let friends = client(trusting, dns.resolver());
    for name in ["public.test", "PUBLIC.test."] {
        let answer = get(&friends, &format!("https://{name}:{port}/"), 0).await.unwrap();
        assert_eq!(&answer.body[..], b"proven");
    }
    let public = format!("https://public.test:{port}/");
    assert_eq!(get(&strangers, &public, 0).await.unwrap_err(), OutboundError::Tls);
    for other in [format!("https://other.test:{port}/"), format!("https://{OUTSIDE}:{port}/")] {
        assert_eq!(get(&friends, &other, 0).await.unwrap_err(), OutboundError::Tls, "{other}");
    }
}

#[tokio::test]
async fn what_is_no_certificate_is_no_authority() {
    for text in ["", "hello", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"]
    {
        let settings =
            OutboundSettings { authorities: Some(text.as_bytes().to_vec()), ..settings(443) };
        assert!(matches!(Outbound::new(settings), Err(OutboundError::Settings(_))), "{text}");
    }
}
