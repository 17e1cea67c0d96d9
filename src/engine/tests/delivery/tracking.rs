//! Host names for links: what a check finds, and what e-mails that lead over one look like to receivers.

use std::{net::SocketAddr, sync::Arc};

use domain::{
    LinkHostId,
    campaigns::{CampaignInput, Rules},
    tracking::{LinkHost, LinkHostInput, PROOF_PATH, Tracking},
};
use engine::sender;
use service::{Error, jobs::CheckLinkHost};
use testing::dns::{NameServer, Record};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{Desk, GOOD, Sink},
    verifier::verify,
};

const HOST: &str = "links.halden.example";

impl Desk<'_> {
    async fn add_host(&self) -> LinkHost {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        let host = t.link_hosts().create(LinkHostInput { name: HOST.into() }).await.unwrap();
        t.commit().await.unwrap();
        host
    }

    async fn host(&self, id: LinkHostId) -> LinkHost {
        self.db.tenant(&self.company.owner).await.unwrap().link_hosts().get(id).await.unwrap()
    }

    /// As after a check.
    async fn judge(&self, id: LinkHostId, passes: bool) {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        t.link_hosts().record_check(id, Ok((passes, "It was looked at.".into()))).await.unwrap();
        t.commit().await.unwrap();
    }
}

/// A server with a certificate for the host name that says `word` to everybody, and a client that trusts it.
async fn told_by(word: String) -> (SocketAddr, reqwest::Client) {
    let certified = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
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
    let (listener, acceptor) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TlsAcceptor::from(Arc::new(server)));
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut asked = vec![0; 4096];
            let read = socket.read(&mut asked).await.unwrap();
            let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
            assert!(asked.starts_with(&format!("GET {PROOF_PATH} ")), "{asked}");
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{word}", word.len());
            socket.write_all(answer.as_bytes()).await.unwrap();
            let _closed = socket.shutdown().await;
        }
    });
    let client = reqwest::Client::builder().tls_backend_preconfigured(trusting).resolve(HOST, address).build().unwrap();
    (address, client)
}

#[tokio::test]
async fn a_host_name_counts_once_it_is_ours_and_leads_here() {
    let test = testing::db().await;
    let dns = NameServer::start(&GOOD);
    let desk = Desk::at(&test, dns.address(), 9).await;
    let host = desk.add_host().await;
    let job = CheckLinkHost { company: desk.company.id, host: host.id };
    let check = async |client: &reqwest::Client| {
        engine::tracking::check_host_by(&desk.db, &job, client).await.unwrap();
        desk.host(host.id).await
    };
    assert_eq!(host.publish[0].value, "sales.halden.example", "it leads to the installation");
    let (_, here) = told_by(desk.db.link_host_word(HOST)).await;
    let without = check(&here).await;
    assert!(!without.passes && without.message.as_ref().unwrap().contains("TXT record"), "{without:?}");

    let record = host.publish.iter().find(|record| record.kind == "TXT").unwrap();
    let published: Vec<Record> =
        GOOD.iter().copied().chain([("TXT", record.name.as_str(), record.value.as_str())]).collect();
    let dns = dns.publish(&published);
    let (_, elsewhere) = told_by("hello".into()).await;
    let other = check(&elsewhere).await;
    assert!(!other.passes && other.message.as_ref().unwrap().contains("not from this installation"), "{other:?}");
    let nobody = desk.db.clone();
    engine::tracking::check_host(&nobody, &job).await.unwrap();
    let closed = desk.host(host.id).await;
    assert!(!closed.passes && closed.message.as_ref().unwrap().contains("could not be opened"), "{closed:?}");

    let good = check(&here).await;
    assert!(good.passes && good.is_used && good.error.is_none(), "{good:?}");
    let _dns = dns.refuse();
    let unknown = check(&here).await;
    assert!(unknown.passes, "a name server that does not answer takes nothing back");
    assert!(unknown.error.is_some_and(|words| words.contains("no name server answered")));

    // Another company that knows the name, and even publishes its own word, gets a word of its own to publish.
    let other = test.company("Other").await;
    let mut t = desk.db.tenant(&other.owner).await.unwrap();
    let theirs = t.link_hosts().create(LinkHostInput { name: HOST.into() }).await.unwrap();
    assert_ne!(theirs.publish, host.publish);
}

#[tokio::test]
async fn tracking_waits_for_a_host_name_and_e_mails_are_signed_with_their_links() {
    let test = testing::db().await;
    let (dns, sink) = (NameServer::start(&GOOD), Sink::start());
    let desk = Desk::at(&test, dns.address(), sink.address.port()).await;
    let key = desk.make_key().await;
    let published: Vec<Record> = GOOD.iter().copied().chain([("TXT", key.0.as_str(), key.1.as_str())]).collect();
    let dns = dns.publish(&published);
    desk.check().await;

    let rules = Rules { tracking: Tracking { opens: true, clicks: true }, ..Rules::default() };
    let draft = CampaignInput { name: Some("Early".into()), mailboxes: Some(vec![desk.mailbox]), ..Default::default() };
    let on = CampaignInput { rules: Some(rules), ..Default::default() };
    let host = desk.add_host().await;
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let early = t.campaigns().create(draft).await.unwrap().id;
    t.commit().await.unwrap();
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let refused = t.campaigns().update(early, on.clone(), None).await.unwrap_err();
    let Error::Invalid(problems) = &refused else { panic!("{refused:?}") };
    assert_eq!(problems[0].code, "link_host_missing");
    drop(t);
    desk.judge(host.id, true).await;
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    t.campaigns().update(early, on, None).await.unwrap();
    let checks = t.campaigns().checks(early).await.unwrap();
    let tracking = checks.iter().find(|check| check.code == "tracking").unwrap();
    assert_eq!(tracking.message, "Opens and clicks are tracked over links.halden.example.");
    drop(t);

    desk.campaign_with(&["zoe@lark.example"], rules).await;
    while sender::turn(&desk.db, &CancellationToken::new()).await.unwrap() {}
    let mime = sink.only_mail();
    assert!(verify(mime.as_bytes(), dns.address()).unwrap().contains("succeeded"));
    let parsed = mail_parser::MessageParser::default().parse(mime.as_bytes()).unwrap();
    let html = parsed.body_html(0).unwrap();
    assert!(html.contains("href=\"https://links.halden.example/c/"), "{html}");
    assert!(html.contains("<img src=\"https://links.halden.example/o/"), "{html}");
    assert!(html.contains("href=\"https://sales.halden.example/p/"), "the way out leads where it led: {html}");

    // A name that fails later is used no more: the e-mail leaves without.
    desk.campaign_with(&["zoe@lark.example"], rules).await;
    desk.judge(host.id, false).await;
    sink.forget();
    while sender::turn(&desk.db, &CancellationToken::new()).await.unwrap() {}
    let mime = sink.only_mail();
    let parsed = mail_parser::MessageParser::default().parse(mime.as_bytes()).unwrap();
    let html = parsed.body_html(0).unwrap();
    assert!(html.contains("href=\"https://halden.example\"") && !html.contains("links.halden.example"), "{html}");
}
