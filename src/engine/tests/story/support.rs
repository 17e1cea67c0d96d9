//! A company that runs a campaign: real database as the application role, real SMTP to the sandbox.

use std::{net::SocketAddr, sync::Arc};

use chrono::Duration;
use domain::{
    CampaignId, LeadId, MailboxId,
    campaigns::{Audience, CampaignInput, CampaignState},
    leads::{LeadFilter, LeadInput, LeadStatus},
    mailboxes::{MailboxInput, MailboxState},
    messages::SendOutcome,
    steps::{Delay, DelayUnit, StepInput},
    window::SendingWindow,
};
use engine::{
    sandbox::{DbStore, Sandbox, SandboxLimits},
    sender,
};
use service::{
    Actor, Db,
    campaigns::advance::advance,
    messages::{Claimed, Ready, claim::claim_next},
};
use testing::{TestCompany, TestDb};
use tokio_util::sync::CancellationToken;

/// A company with a sandbox that catches its mails.
pub struct Story<'d> {
    pub db: Db,
    pub company: TestCompany<'d>,
    pub stop: CancellationToken,
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl<'d> Story<'d> {
    pub async fn of(test: &'d TestDb) -> Self {
        let store = Arc::new(DbStore((**test).clone()));
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let sandbox = Sandbox::bind(any, store, SandboxLimits::default()).await.expect("the sandbox listens");
        let address = sandbox.local_addr().expect("it has an address").to_string();
        let stop = CancellationToken::new();
        tokio::spawn(sandbox.run(stop.clone()));
        let company = test.company("Halden").await;
        Self { db: test.with_sandbox(address), company, stop }
    }

    pub fn actor(&self) -> &Actor {
        &self.company.owner
    }

    pub async fn leads(&self, emails: &[&str]) -> Vec<LeadId> {
        let inputs = emails
            .iter()
            .map(|e| LeadInput {
                email: Some((*e).to_owned()),
                first_name: Some("Ines".into()),
                ..LeadInput::default()
            })
            .collect();
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let made = t.leads().bulk_upsert(inputs).await.expect("stored");
        t.commit().await.expect("kept");
        made.into_iter().map(|r| r.expect("a lead").0).collect()
    }

    pub async fn becomes(&self, lead: LeadId, status: LeadStatus) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.leads().set_status(lead, status).await.expect("changed");
        t.commit().await.expect("kept");
    }

    /// A campaign of two steps for everybody, one hour apart.
    pub async fn campaign(&self) -> CampaignId {
        let mailbox = self.company.mailbox().await;
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let campaign = t
            .campaigns()
            .create(CampaignInput {
                name: Some("Story".into()),
                audience: Some(Audience::Filter { filter: LeadFilter::default() }),
                window: Some(SendingWindow::always()),
                rules: None,
                mailboxes: Some(vec![mailbox]),
            })
            .await
            .expect("created");
        for (amount, subject) in [(0, "First"), (1, "Second")] {
            let step = StepInput {
                delay: Some(Delay { amount, unit: DelayUnit::Hours }),
                subject: Some(subject.into()),
                body: Some("Hi {first_name|there}".into()),
                ..StepInput::default()
            };
            t.campaigns().add_step(campaign.id, step).await.expect("added");
        }
        t.commit().await.expect("kept");
        campaign.id
    }

    pub async fn edit(&self, id: CampaignId, input: CampaignInput) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().update(id, input, None).await.expect("changed");
        t.commit().await.expect("kept");
    }

    pub async fn start(&self, id: CampaignId) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().start(id).await.expect("started");
        t.commit().await.expect("kept");
        advance(&self.db, self.company.id, id).await.expect("placed");
    }

    /// Sends until nothing is due.
    pub async fn send(&self) {
        while sender::turn(&self.db, &self.stop).await.expect("a turn") {}
    }

    /// Lets minutes pass, and the worker look after each.
    pub async fn minutes(&self, test: &TestDb, id: CampaignId, minutes: i64) {
        for _ in 0..minutes {
            test.clock().advance(Duration::minutes(1));
            advance(&self.db, self.company.id, id).await.expect("advanced");
            self.send().await;
        }
    }

    pub async fn ledger(&self, id: CampaignId) -> domain::ledger::Ledger {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let ledger = t.campaigns().ledger(id).await.expect("a ledger");
        assert!(ledger.is_balanced(), "{ledger:?}");
        ledger
    }

    pub async fn state(&self, id: CampaignId) -> CampaignState {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().get(id).await.expect("there").lifecycle.state
    }

    /// Subjects and recipients that the sandbox has caught.
    pub async fn caught(&self) -> Vec<(String, String)> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let page =
            t.sandbox().list(&domain::PageRequest { per: Some(100), ..Default::default() }).await.expect("a list");
        let mut mails: Vec<_> =
            page.items.into_iter().map(|m| (m.subject.unwrap_or_default(), m.recipients.join(","))).collect();
        mails.sort();
        mails
    }

    /// Claims one message and marks it as being handed over, as a sender does before its first byte.
    pub async fn begin(&self) -> Claimed {
        let claimed = claim_next(&self.db).await.expect("a claim").expect("due").remove(0);
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        assert_eq!(
            t.messages().begin(&[Ready::new(&claimed, "First", b"x", "nowhere:25")]).await.expect("begun"),
            [true]
        );
        t.commit().await.expect("kept");
        claimed
    }

    /// Records what a server said.
    pub async fn record(&self, claimed: &Claimed, outcome: &SendOutcome) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.messages().record(claimed.id, claimed.token, outcome).await.expect("recorded");
        t.commit().await.expect("kept");
    }

    /// The only mailbox and its state.
    pub async fn mailbox(&self) -> (MailboxId, MailboxState) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let mailbox = t.mailboxes().list().await.expect("a list").remove(0);
        (mailbox.id, mailbox.state)
    }

    /// Changes the only mailbox.
    pub async fn change_mailbox(&self, input: MailboxInput) {
        let (id, _) = self.mailbox().await;
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.mailboxes().update(id, input, None).await.expect("changed");
        t.commit().await.expect("kept");
    }
}

pub fn start_of_story() -> chrono::DateTime<chrono::Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}
