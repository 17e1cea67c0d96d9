//! Encrypted connections: a gate that ends TLS stands before the sandbox.

use std::{net::SocketAddr, sync::Arc};

use engine::mail::{HandOver, Phase, Security, SmtpClient, SmtpServer};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::support::{Act, FROM, MIME, TO, client, hear, sandbox, say, scripted, signed_in_at};

/// A certificate for `localhost`: a gate that has it, and a client that trusts it.
fn certified() -> (TlsAcceptor, SmtpClient) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.der().clone(), certified.signing_key.serialize_der());
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivateKeyDer::Pkcs8(key.into()))
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusting = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), client().with_tls(Arc::new(trusting)))
}

/// Lets one connection through to `target`, from the first octet or after STARTTLS.
async fn gate(acceptor: TlsAcceptor, security: Security, target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut inner = BufReader::new(TcpStream::connect(target).await.unwrap());
        if security == Security::StartTls {
            let mut outer = BufReader::new(&mut socket);
            let mut line = String::new();
            for reply in ["220 gate\r\n", "250-gate\r\n250 STARTTLS\r\n", "220 go\r\n"] {
                outer.write_all(reply.as_bytes()).await.unwrap();
                if !reply.contains("go") {
                    outer.read_line(&mut line).await.unwrap();
                }
            }
            assert!(line.ends_with("STARTTLS\r\n"), "{line}");
            // After STARTTLS a client does not wait for another greeting.
            inner.read_line(&mut line).await.unwrap();
        }
        if let Ok(mut encrypted) = acceptor.accept(socket).await {
            // Either side may hang up as it likes.
            let _ = copy_bidirectional(&mut encrypted, &mut inner).await;
        }
    });
    address
}

fn localhost(address: SocketAddr, security: Security) -> SmtpServer {
    SmtpServer { host: "localhost".into(), security, ..signed_in_at(address, "ines", "secret") }
}

#[tokio::test]
async fn mail_goes_over_both_kinds_of_encryption() {
    for security in [Security::Tls, Security::StartTls] {
        let running = sandbox().await;
        let (acceptor, client) = certified();
        let address = gate(acceptor, security, running.address).await;

        let mut session = client.connect(&localhost(address, security)).await.unwrap();
        for _ in 0..3 {
            assert!(matches!(session.hand_over(FROM, TO, MIME).await, HandOver::Accepted { .. }));
        }
        session.quit().await;
        assert_eq!(running.store.kept().len(), 3);
        assert_eq!(running.store.kept()[0].raw, MIME);
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    for security in [Security::Tls, Security::StartTls] {
        let running = sandbox().await;
        let (acceptor, _) = certified();
        let address = gate(acceptor, security, running.address).await;

        let error = client().connect(&localhost(address, security)).await.err().unwrap();
        assert_eq!(error.phase, Phase::Tls, "{error}");
    }
}

#[tokio::test]
async fn a_password_is_not_sent_when_encryption_was_asked_for_and_refused() {
    let hello = [say("220 x"), hear("EHLO")];
    let without = [say("250-x\r\n250 AUTH PLAIN")];
    let refusing = [say("250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN"), hear("STARTTLS"), say("454 4.7.0 not now")];
    let injecting = [say("250-x\r\n250 STARTTLS"), hear("STARTTLS"), say("220 go\r\n250 AUTH PLAIN")];
    for rest in [&without[..], &refusing, &injecting] {
        let script: Vec<Act> = hello.iter().chain(rest).cloned().collect();
        let (address, server) = scripted(script.clone()).await;

        let error = client().connect(&localhost(address, Security::StartTls)).await.err().unwrap();
        assert_eq!(error.phase, Phase::Tls, "{script:?}: {error}");
        server.await.unwrap();
    }
}
