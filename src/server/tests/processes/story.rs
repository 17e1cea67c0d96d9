//! A company with one campaign whose e-mails leave through a real mail server.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use domain::{
    CampaignId, MailboxId,
    campaigns::{Audience, CampaignInput, CampaignState},
    leads::{LeadFilter, LeadInput},
    ledger::Ledger,
    mailboxes::{MailboxInput, MailboxKind, MailboxState, Security},
    steps::{Delay, StepInput},
    window::SendingWindow,
};
use service::Db;
use testing::TestCompany;

static NEXT: AtomicUsize = AtomicUsize::new(1);

/// The campaign and its company.
pub struct Story<'d> {
    pub db: &'d Db,
    pub company: TestCompany<'d>,
    pub campaign: CampaignId,
    /// How many are written to.
    pub leads: usize,
    pub mailboxes: Vec<MailboxId>,
    /// No two stories write to the same address.
    number: usize,
}

impl<'d> Story<'d> {
    /// A campaign of one step for `leads` leads, ready to start.
    pub async fn begin(db: &'d Db, leads: usize, mail_server: SocketAddr) -> Self {
        Self::with_mailboxes(db, leads, 3, mail_server).await
    }

    /// The same, with so many mailboxes.
    pub async fn with_mailboxes(db: &'d Db, leads: usize, mailboxes: usize, mail_server: SocketAddr) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let company = testing::company(db, "Halden").await;
        let everybody: Vec<LeadInput> = (0..leads).map(|n| lead(number, n)).collect();
        for some in everybody.chunks(500) {
            let mut t = db.tenant(&company.owner).await.expect("the company opens");
            t.leads().bulk_upsert(some.to_vec()).await.expect("stored");
            t.commit().await.expect("kept");
        }
        let mut t = db.tenant(&company.owner).await.expect("the company opens");
        let (count, mut mailboxes) = (mailboxes, Vec::new());
        for n in 0..count {
            mailboxes.push(t.mailboxes().create(mailbox(n, mail_server)).await.expect("connected").id);
        }
        let input = CampaignInput {
            name: Some("Kill".to_owned()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            mailboxes: Some(mailboxes.clone()),
            ..CampaignInput::default()
        };
        let campaign = t.campaigns().create(input).await.expect("created").id;
        let step = StepInput {
            delay: Some(Delay::NONE),
            subject: Some("One question".to_owned()),
            body: Some("Hi {first_name|there},\n\nhow do you count?".to_owned()),
            ..StepInput::default()
        };
        t.campaigns().add_step(campaign, step).await.expect("added");
        t.commit().await.expect("kept");
        testing::let_domains_pass(db, &company.owner).await;
        Self { db, company, campaign, leads, mailboxes, number }
    }

    /// Whether an address is one of those that it writes to.
    pub fn writes_to(&self, address: &str) -> bool {
        address.starts_with(&format!("lead{}-", self.number))
    }

    pub async fn start(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        t.campaigns().start(self.campaign).await.expect("started");
        t.commit().await.expect("kept");
    }

    pub async fn pause(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        t.campaigns().pause(self.campaign).await.expect("paused");
        t.commit().await.expect("kept");
    }

    pub async fn resume(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        t.campaigns().resume(self.campaign, false).await.expect("resumed");
        t.commit().await.expect("kept");
    }

    pub async fn stop(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        t.campaigns().stop(self.campaign).await.expect("stopped");
        t.commit().await.expect("kept");
    }

    /// Connects mailboxes again that ask for a person.
    pub async fn reconnect(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        for id in &self.mailboxes {
            if t.mailboxes().get(*id).await.expect("there").state != MailboxState::Connected {
                t.mailboxes().reconnect(*id, true).await.expect("connected");
            }
        }
        t.commit().await.expect("kept");
    }

    /// A person who has read why the campaign paused by itself lets it go on.
    pub async fn acknowledge(&self) {
        if self.state().await != CampaignState::Paused {
            return;
        }
        self.reconnect().await;
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        t.campaigns().resume(self.campaign, true).await.expect("resumed");
        t.commit().await.expect("kept");
    }

    /// Where everybody is. Never out of balance, whenever it is asked for.
    pub async fn ledger(&self) -> Ledger {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        let ledger = t.campaigns().ledger(self.campaign).await.expect("a ledger");
        assert!(ledger.is_balanced(), "{ledger:?}");
        ledger
    }

    pub async fn state(&self) -> CampaignState {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        t.campaigns().get(self.campaign).await.expect("there").lifecycle.state
    }
}

fn lead(story: usize, n: usize) -> LeadInput {
    LeadInput {
        email: Some(format!("lead{story}-{n}@prospect.example")),
        first_name: Some("Ines".to_owned()),
        ..LeadInput::default()
    }
}

fn mailbox(n: usize, server: SocketAddr) -> MailboxInput {
    MailboxInput {
        kind: Some(MailboxKind::Smtp),
        from_name: Some("Nora Berg".to_owned()),
        address: Some(format!("nora{n}@halden.example")),
        host: Some(server.ip().to_string()),
        port: Some(i32::from(server.port())),
        security: Some(Security::None),
        daily_cap: Some(100_000),
        ramp: Some(false),
        gap_seconds: Some(0),
        ..MailboxInput::default()
    }
}
