//! A lead whose e-mails leave from a mailbox waits for it while its domain fails, and is told why.

use chrono::Duration;
use domain::{
    CampaignId, DomainId, MailboxId, PageRequest,
    campaigns::{Audience, CampaignInput, CampaignState, HoldReason},
    domains::RecordKind,
    enrolments::Enrolment,
    leads::{LeadFilter, LeadInput},
    mailboxes::{MailboxInput, MailboxKind, Security},
    messages::MessageState,
    steps::{Delay, DelayUnit, StepInput},
    why_not::{WaitReason, WhyNot},
    window::SendingWindow,
};
use engine::sender;
use service::{campaigns::advance::advance, jobs::CheckDomain, messages::claim::claim_next};
use testing::dns::NameServer;
use tokio_util::sync::CancellationToken;

use crate::support::{DOMAIN, Desk, GOOD, Sink};

impl Desk<'_> {
    /// A mailbox of another domain at the same server.
    async fn second(&self, port: u16) -> MailboxId {
        let input = MailboxInput {
            kind: Some(MailboxKind::Smtp),
            from_name: Some("Nora Berg".into()),
            address: Some("nora@halden-sales.example".into()),
            host: Some("127.0.0.1".into()),
            port: Some(port.into()),
            security: Some(Security::None),
            gap_seconds: Some(0),
            ..MailboxInput::default()
        };
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        let mailbox = t.mailboxes().create(input).await.unwrap().id;
        t.commit().await.unwrap();
        mailbox
    }

    /// A campaign of two steps, an hour apart, to a lead of each mailbox. All domains count as good.
    async fn two_steps(&self, mailboxes: Vec<MailboxId>) -> CampaignId {
        testing::let_domains_pass(&self.db, &self.company.owner).await;
        let lead = |email: &str| LeadInput { email: Some(email.to_owned()), ..LeadInput::default() };
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        t.leads().bulk_upsert(vec![lead("a@lark.example"), lead("b@corvus.example")]).await.unwrap();
        let input = CampaignInput {
            name: Some("Bound".into()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            rules: None,
            mailboxes: Some(mailboxes),
        };
        let id = t.campaigns().create(input).await.unwrap().id;
        for (amount, subject) in [(0, "First"), (1, "Second")] {
            let step = StepInput {
                delay: Some(Delay { amount, unit: DelayUnit::Hours }),
                subject: Some(subject.into()),
                body: Some("Hi there.".into()),
                ..StepInput::default()
            };
            t.campaigns().add_step(id, step).await.unwrap();
        }
        t.campaigns().start(id).await.unwrap();
        t.commit().await.unwrap();
        advance(&self.db, self.company.id, id).await.unwrap();
        id
    }

    /// Sends what is due; how many e-mails were sent until now.
    async fn sent(&self, id: CampaignId) -> usize {
        while sender::turn(&self.db, &CancellationToken::new()).await.unwrap() {}
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        let mails = t.campaigns().messages(id, Some(MessageState::Sent), &PageRequest::default()).await.unwrap();
        mails.items.len()
    }

    async fn bound(&self, id: CampaignId, mailbox: MailboxId) -> Enrolment {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        let all = t.enrolments().list(id, None, &PageRequest::default()).await.unwrap().items;
        all.into_iter().find(|one| one.mailbox_id == Some(mailbox)).unwrap()
    }

    async fn first_domain(&self) -> DomainId {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        t.domains().list().await.unwrap().into_iter().find(|domain| domain.name == DOMAIN).unwrap().id
    }

    async fn campaign_waits(&self, id: CampaignId) -> (Option<HoldReason>, Option<WhyNot>) {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        (t.campaigns().hold_reason(id).await.unwrap(), t.campaigns().why_not(id).await.unwrap())
    }
}

#[tokio::test]
async fn a_thread_waits_for_the_domain_that_it_has_begun_from() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().unwrap()).await;
    let (dns, sink) = (NameServer::start(&GOOD), Sink::start());
    let desk = Desk::at(&test, dns.address(), sink.address.port()).await;
    let second = desk.second(sink.address.port()).await;
    let id = desk.two_steps(vec![desk.mailbox, second]).await;
    assert_eq!(desk.sent(id).await, 2, "each mailbox has begun a thread");
    advance(&desk.db, desk.company.id, id).await.unwrap();

    // Nobody signs for the first domain any more.
    let domain = desk.first_domain().await;
    engine::domains::check(&desk.db, &CheckDomain { company: desk.company.id, domain }).await.unwrap();
    test.clock().advance(Duration::minutes(61));
    assert_eq!(desk.sent(id).await, 3, "the other mailbox goes on");
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    assert_eq!(t.campaigns().get(id).await.unwrap().lifecycle.state, CampaignState::Running);
    drop(t);

    let waits = desk.bound(id, desk.mailbox).await;
    let why = waits.why_not_yet.expect("it waits");
    assert_eq!(why.reason, WaitReason::DomainFails, "{why:?}");
    assert!(why.words.starts_with("halden.example fails DKIM, so receivers would refuse its e-mails."), "{why:?}");
    let (hold, campaign) = desk.campaign_waits(id).await;
    assert_eq!(hold, Some(HoldReason::DomainAuthFailed));
    assert_eq!(campaign.map(|why| why.reason), Some(WaitReason::DomainFails));
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let senders = t.mailboxes().get(desk.mailbox).await.unwrap();
    assert!(senders.next_send_at.is_some(), "it is looked at again");
    drop(t);
    test.clock().advance(Duration::minutes(11));
    let claimed = claim_next(&desk.db).await.unwrap();
    assert!(claimed.is_none_or(|claimed| claimed.is_empty()), "the claim says the same");

    testing::let_domains_pass(&desk.db, &desk.company.owner).await;
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    t.domains().wake_mailboxes(domain).await.unwrap();
    t.commit().await.unwrap();
    assert_eq!(desk.sent(id).await, 4, "and leaves at once when it passes");
}

#[tokio::test]
async fn leads_go_to_another_mailbox_while_a_failing_domain_cannot_be_asked_about() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().unwrap()).await;
    let (dns, sink) = (NameServer::start(&GOOD), Sink::start());
    let desk = Desk::at(&test, dns.address(), sink.address.port()).await;
    let second = desk.second(sink.address.port()).await;
    let id = desk.two_steps(vec![desk.mailbox, second]).await;
    let domain = desk.first_domain().await;
    let job = CheckDomain { company: desk.company.id, domain };
    engine::domains::check(&desk.db, &job).await.unwrap();
    // A name server that does not answer takes nothing back, neither good nor bad.
    let _dns = dns.refuse();
    engine::domains::check(&desk.db, &job).await.unwrap();
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let found = t.domains().get(domain).await.unwrap();
    assert!(found.error.is_some() && domain::domains::failing(&found.records) == [RecordKind::Dkim]);
    drop(t);
    advance(&desk.db, desk.company.id, id).await.unwrap();
    let mut t = desk.db.tenant(&desk.company.owner).await.unwrap();
    let all = t.enrolments().list(id, None, &PageRequest::default()).await.unwrap().items;
    assert!(all.len() == 2 && all.iter().all(|one| one.mailbox_id == Some(second)), "{all:?}");
}
