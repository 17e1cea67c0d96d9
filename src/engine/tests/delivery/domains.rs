//! What a check finds at a real name server, and what it means for campaigns.

use domain::{
    DomainId, PageRequest,
    campaigns::{CampaignState, PausedBy},
    domains::{DomainInput, RecordKind, Signer, SigningInput, Standing, failing},
    messages::SendOutcome,
};
use engine::letters;
use service::{
    Error,
    campaigns::advance::advance,
    jobs::{CheckDomain, SendTestMail},
};
use testing::dns::{NameServer, Record};

use crate::support::{DOMAIN, Desk, GOOD, Sink, of, standings};

/// `GOOD`, and what else a test names.
fn good_and<'a>(more: &[Record<'a>]) -> Vec<Record<'a>> {
    GOOD.iter().copied().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn a_domain_passes_when_its_records_are_there_and_each_is_told_with_what_was_found() {
    let test = testing::db().await;
    let dns = NameServer::start(&GOOD);
    let desk = Desk::at(&test, dns.address(), 9).await;
    let before = desk.domain().await;
    assert_eq!((before.name.as_str(), before.mailboxes, before.records.len()), (DOMAIN, 1, 0));

    let (name, value) = desk.make_key().await;
    let unpublished = desk.check().await;
    assert_eq!(failing(&unpublished.records), [RecordKind::Dkim]);
    assert_eq!(unpublished.key_seen_at, None);
    let publish = of(&unpublished, RecordKind::Dkim).publish.clone().unwrap();
    assert_eq!((publish.kind.as_str(), &publish.name, &publish.value), ("TXT", &name, &value));

    let address = ("A", "sales.halden.example", "192.0.2.7");
    let _dns = dns.publish(&good_and(&[("TXT", &name, &value), address]));
    let domain = desk.check().await;
    assert!(domain.records.iter().all(|record| record.standing == Standing::Pass), "{:#?}", domain.records);
    assert!(domain.key_seen_at.is_some() && domain.error.is_none());
    assert_eq!(of(&domain, RecordKind::Links).found, ["192.0.2.7"]);
    let spf = of(&domain, RecordKind::Spf);
    // The include, and the name in it.
    assert!(spf.message.starts_with("One record, 2 of 10 look-ups, with _spf.relay.example."), "{}", spf.message);
    assert_eq!(of(&domain, RecordKind::Mx).found, ["mx.halden.example"]);
    assert_eq!(domain.next_check_at - domain.checked_at.unwrap(), chrono::Duration::days(1));
}

#[tokio::test]
async fn records_that_receivers_cannot_use_fail() {
    let test = testing::db().await;
    let deep: Vec<(String, String)> = (0..11)
        .map(|n| (format!("s{n}.halden.example"), format!("v=spf1 include:s{}.halden.example -all", n + 1)))
        .collect();
    let mut chain: Vec<Record> = deep.iter().map(|(name, value)| ("TXT", name.as_str(), value.as_str())).collect();
    chain.push(("TXT", DOMAIN, "v=spf1 include:s0.halden.example -all"));
    let none = "v=spf1 -all";
    for (records, words) in [
        (vec![("TXT", DOMAIN, "hello")], "no SPF record"),
        (vec![("TXT", DOMAIN, none), ("TXT", DOMAIN, "v=spf1 mx -all")], "2 SPF records"),
        (vec![("TXT", DOMAIN, "v=spf1 ip4:nonsense -all")], "not written as RFC 7208"),
        (vec![("TXT", DOMAIN, "v=spf1 include:gone.halden.example -all")], "which has no SPF record"),
        (vec![("TXT", DOMAIN, "v=spf1 include:halden.example -all")], "more than the 10 look-ups"),
        (chain, "more than the 10 look-ups"),
    ] {
        let dns = NameServer::start(&records);
        let desk = Desk::at(&test, dns.address(), 9).await;
        let domain = desk.check().await;
        let check = of(&domain, RecordKind::Spf);
        assert!(check.standing == Standing::Fail && check.message.contains(words), "{words}: {check:?}");
        assert_eq!(of(&domain, RecordKind::Dmarc).standing, Standing::Fail);
        assert_eq!(of(&domain, RecordKind::Mx).standing, Standing::Fail);
        desk.db.close().await;
    }
}

#[tokio::test]
async fn the_policy_of_the_domain_above_counts_for_one_below() {
    let test = testing::db().await;
    let below = [
        ("TXT", "mail.halden.example", "v=spf1 ip4:192.0.2.1 -all"),
        ("TXT", "_dmarc.halden.example", "v=DMARC1; p=none; sp=reject"),
    ];
    let dns = NameServer::start(&below);
    let desk = Desk::at(&test, dns.address(), 9).await;
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let id: DomainId = t.domains().create(DomainInput { name: "mail.halden.example".into() }).await.unwrap().id;
    t.commit().await.unwrap();
    engine::domains::check(&desk.db, &CheckDomain { company: desk.company.id, domain: id }).await.unwrap();
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let domain = t.domains().get(id).await.unwrap();
    let dmarc = of(&domain, RecordKind::Dmarc);
    assert_eq!(dmarc.standing, Standing::Pass);
    assert!(dmarc.message.starts_with("p=reject at _dmarc.halden.example."), "{}", dmarc.message);
}

#[tokio::test]
async fn the_key_of_a_provider_is_found_at_its_selector() {
    let test = testing::db().await;
    let dns = NameServer::start(&good_and(&[("TXT", "s1._domainkey.halden.example", "v=DKIM1; p=")]));
    let desk = Desk::at(&test, dns.address(), 9).await;
    let domain = desk.domain().await;
    let input = SigningInput { signer: Signer::Provider, selector: Some("s1".into()), private_key: None };
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let stale = t.domains().set_signing(domain.id, input.clone(), Some(domain.version + 1)).await;
    assert!(matches!(stale, Err(Error::Conflict(_))), "{stale:?}");
    t.domains().set_signing(domain.id, input, Some(domain.version)).await.unwrap();
    assert!(t.mailboxes().connection(desk.mailbox).await.unwrap().signing.is_none(), "the provider signs");
    t.commit().await.unwrap();
    let dkim = of(&desk.check().await, RecordKind::Dkim).clone();
    assert!(dkim.standing == Standing::Fail && dkim.message.contains("withdrawn"), "{dkim:?}");
}

#[tokio::test]
async fn a_name_server_that_does_not_answer_takes_nothing_back() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().unwrap()).await;
    let dns = NameServer::start(&GOOD);
    let desk = Desk::at(&test, dns.address(), 9).await;
    let before = desk.check().await;
    let _dns = dns.refuse();
    let after = desk.check().await;
    assert_eq!(standings(&after), standings(&before));
    assert!(after.error.as_ref().is_some_and(|words| words.contains("no name server answered")), "{:?}", after.error);
    assert_eq!(after.next_check_at - test.clock().now(), chrono::Duration::minutes(10));
    assert_eq!(desk.check().await.next_check_at - test.clock().now(), chrono::Duration::minutes(20));
}

#[tokio::test]
async fn checks_come_daily_and_after_a_refusal_about_policy() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().unwrap()).await;
    let dns = NameServer::start(&GOOD);
    let desk = Desk::at(&test, dns.address(), 9).await;
    let due = async || {
        let due = test.platform().due_domains(test.clock().now()).await.unwrap();
        due.contains(&(desk.company.id, desk.domain().await.id))
    };
    assert!(due().await, "a new domain is checked");
    desk.check().await;
    assert!(!due().await);
    test.clock().advance(chrono::Duration::hours(24));
    assert!(due().await, "a day later again");
    desk.check().await;

    let claimed = desk.claim().await;
    test.clock().advance(chrono::Duration::minutes(11));
    let refused = |reply: &str| SendOutcome::Rejected { reply: reply.into(), hard: false };
    desk.record(&claimed[0], &refused("552 5.2.2 mailbox full")).await;
    assert!(!due().await, "that is about the recipient");
    desk.record(&claimed[1], &refused("550 5.7.26 this mail is unauthenticated")).await;
    assert!(due().await);
}

#[tokio::test]
async fn a_test_mail_that_is_refused_about_policy_has_the_domain_checked() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().unwrap()).await;
    let dns = NameServer::start(&GOOD);
    for (reply, checked) in [("550 5.7.26 this mail is unauthenticated", true), ("550 5.1.1 no such user", false)] {
        let sink = Sink::that_refuses("rcpt", reply);
        let desk = Desk::at(&test, dns.address(), sink.address.port()).await;
        let campaign = desk.campaign(&["a@lark.example"]).await;
        test.clock().advance(chrono::Duration::minutes(11));
        let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
        let step = t.campaigns().steps(campaign).await.unwrap().steps()[0].id;
        let mail = t.campaigns().request_test_mail(campaign, step, None, "nora@halden.example").await.unwrap().id;
        t.commit().await.unwrap();
        letters::send_test(&desk.db, &SendTestMail { company: desk.company.id, mail }).await.unwrap();
        assert_eq!(desk.domain().await.next_check_at <= test.clock().now(), checked, "{reply}");
    }
}

#[tokio::test]
async fn campaigns_are_held_when_the_domain_of_all_their_mailboxes_begins_to_fail() {
    let test = testing::db().await;
    let dns = NameServer::start(&GOOD);
    let desk = Desk::at(&test, dns.address(), 9).await;
    let (name, value) = desk.make_key().await;
    let dns = dns.publish(&good_and(&[("TXT", &name, &value)]));
    desk.check().await;
    let id = desk.campaign(&["a@lark.example"]).await;
    let other = desk.company.mailbox().await;
    let another = desk.campaign_from(vec![desk.mailbox, other], &["b@lark.example", "c@lark.example"]).await;
    let state = async |id| {
        let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
        t.campaigns().get(id).await.unwrap().lifecycle
    };
    desk.check().await;
    assert_eq!(state(id).await.state, CampaignState::Running, "all is well");

    // The record of the key is gone, and the policy.
    let without: Vec<_> = GOOD.into_iter().filter(|(_, name, _)| !name.starts_with("_dmarc")).collect();
    let dns = dns.publish(&without);
    desk.check().await;
    assert_eq!(state(another).await.state, CampaignState::Running, "its other mailbox goes on");
    advance(&desk.db, desk.company.id, another).await.unwrap();
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let leads = t.enrolments().list(another, None, &PageRequest::default()).await.unwrap().items;
    assert_eq!(leads.len(), 3, "it was opened to everybody");
    assert!(leads.iter().all(|lead| lead.mailbox_id == Some(other)), "and takes over: {leads:?}");
    drop(t);
    let held = state(id).await;
    assert_eq!((held.state, held.paused_by), (CampaignState::Paused, Some(PausedBy::System)));
    let reason = held.pause_reason.unwrap();
    assert!(reason.starts_with("halden.example fails DKIM, DMARC, so"), "{reason}");
    let resume = async |acknowledged| {
        let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
        let resumed = t.campaigns().resume(id, acknowledged).await;
        t.commit().await.unwrap();
        resumed
    };
    assert!(matches!(resume(false).await, Err(Error::Refused(_))), "it needs to be read");
    assert!(matches!(resume(true).await, Err(Error::Invalid(_))), "it still fails");
    let _dns = dns.publish(&good_and(&[("TXT", &name, &value)]));
    desk.check().await;
    resume(true).await.unwrap();
    assert_eq!(state(id).await.state, CampaignState::Running);
}
