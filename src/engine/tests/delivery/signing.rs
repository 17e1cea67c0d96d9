//! What leaves a mailbox whose domain has a key: OpenDKIM verifies what Postfix's sink has received.

use domain::domains::{Signer, SigningInput};
use engine::{letters, sender};
use service::jobs::SendTestMail;
use testing::dns::{NameServer, Record};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{Desk, GOOD, Sink},
    verifier::verify,
};

fn published<'a>(keys: &'a [(String, String)]) -> Vec<Record<'a>> {
    let keys = keys.iter().map(|(name, value)| ("TXT", name.as_str(), value.as_str()));
    GOOD.iter().copied().chain(keys).collect()
}

fn header<'m>(mime: &'m str, name: &str) -> &'m str {
    let (head, _) = mime.split_once("\r\n\r\n").unwrap();
    let from = head.find(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name} in {head}"));
    let rest = &head[from..];
    let end = rest.match_indices("\r\n").find(|(at, _)| !rest[at + 2..].starts_with([' ', '\t']));
    &rest[..end.map_or(rest.len(), |(at, _)| at)]
}

#[tokio::test]
async fn mails_of_campaigns_and_test_mails_are_signed_with_what_unsubscribes() {
    let test = testing::db().await;
    let (dns, sink) = (NameServer::start(&GOOD), Sink::start());
    let desk = Desk::at(&test, dns.address(), sink.address.port()).await;
    let key = desk.make_key().await;
    let dns = dns.publish(&published(&[key]));
    desk.check().await;

    let campaign = desk.campaign(&["zoe@lark.example"]).await;
    while sender::turn(&desk.db, &CancellationToken::new()).await.unwrap() {}
    let mime = sink.only_mail();
    verify(mime.as_bytes(), dns.address()).unwrap();
    let signature = header(&mime, "DKIM-Signature");
    let covered = signature.split_once("h=").unwrap().1.split_once(';').unwrap().0;
    let covered: Vec<_> = covered.split(':').map(str::trim).collect();
    for name in [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ] {
        assert!(covered.contains(&name), "{name} is not in {covered:?}");
    }
    assert!(signature.contains("c=relaxed/relaxed") && signature.contains("a=rsa-sha256"), "{signature}");

    let unsubscribe = header(&mime, "List-Unsubscribe");
    let post = header(&mime, "List-Unsubscribe-Post");
    assert!(unsubscribe.starts_with("List-Unsubscribe: <https://sales.halden.example/p/"), "{unsubscribe}");
    for changed in [
        mime.replace(unsubscribe, "List-Unsubscribe: <https://evil.example>"),
        mime.replace(post, "List-Unsubscribe-Post: x"),
        // Names that stand once and are covered twice cannot be added.
        format!("From: Boss <boss@halden.example>\r\n{mime}"),
        mime.replace("Hi there.", "Hi everybody."),
    ] {
        let said = verify(changed.as_bytes(), dns.address());
        assert!(changed != mime && said.is_err(), "a change was not seen: {said:?}");
    }

    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let step = t.campaigns().steps(campaign).await.unwrap().steps()[0].id;
    let mail = t.campaigns().request_test_mail(campaign, step, None, "nora@halden.example").await.unwrap().id;
    t.commit().await.unwrap();
    sink.forget();
    letters::send_test(&desk.db, &SendTestMail { company: desk.company.id, mail }).await.unwrap();
    verify(sink.only_mail().as_bytes(), dns.address()).unwrap();
}

#[tokio::test]
async fn a_new_key_signs_once_its_record_is_found() {
    let test = testing::db().await;
    let dns = NameServer::start(&GOOD);
    let desk = Desk::at(&test, dns.address(), 9).await;
    let signs = async || {
        let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
        t.mailboxes().connection(desk.mailbox).await.unwrap().signing.map(|key| key.selector)
    };
    assert_eq!(signs().await, None);
    let first = desk.make_key().await;
    assert_eq!(signs().await.as_deref(), Some("sw1"), "nothing signed before, so nothing is lost");
    let dns = dns.publish(&published(std::slice::from_ref(&first)));
    desk.check().await;

    let second = desk.make_key().await;
    assert_eq!(second.0, "sw2._domainkey.halden.example");
    assert_eq!(signs().await.as_deref(), Some("sw1"), "the record of the new one is not there yet");
    desk.check().await;
    assert_eq!(signs().await.as_deref(), Some("sw1"));
    let _dns = dns.publish(&published(&[first, second]));
    let domain = desk.check().await;
    assert_eq!(signs().await.as_deref(), Some("sw2"));

    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    t.domains().remove_signing(domain.id, None).await.unwrap();
    t.commit().await.unwrap();
    assert_eq!(signs().await, None);
}

#[tokio::test]
async fn a_key_that_was_made_elsewhere_signs() {
    let test = testing::db().await;
    let (dns, sink) = (NameServer::start(&GOOD), Sink::start());
    let desk = Desk::at(&test, dns.address(), sink.address.port()).await;
    let output = std::process::Command::new("openssl").args(["genrsa", "2048"]).output().expect("OpenSSL is installed");
    let key = String::from_utf8(output.stdout).unwrap();
    let input = SigningInput { signer: Signer::OwnKey, selector: Some("mail".into()), private_key: Some(key) };
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let id = t.domains().list().await.unwrap()[0].id;
    let record = t.domains().set_signing(id, input, None).await.unwrap().key_record.unwrap();
    t.commit().await.unwrap();
    assert_eq!(record.name, "mail._domainkey.halden.example");
    let dns = dns.publish(&published(&[(record.name, record.value)]));

    desk.campaign(&["zoe@lark.example"]).await;
    while sender::turn(&desk.db, &CancellationToken::new()).await.unwrap() {}
    let mime = sink.only_mail();
    assert!(verify(mime.as_bytes(), dns.address()).unwrap().contains("s=mail, d=halden.example"));
}
