//! A company with one campaign whose e-mails leave through a real mail server.

use std::net::SocketAddr;

use domain::{
    CampaignId,
    campaigns::{Audience, CampaignInput, CampaignState},
    leads::{LeadFilter, LeadInput},
    ledger::Ledger,
    mailboxes::{MailboxInput, MailboxKind, Security},
    steps::{Delay, StepInput},
    window::SendingWindow,
};
use service::Db;
use testing::TestCompany;

/// The campaign and its company.
pub struct Story<'d> {
    pub db: &'d Db,
    pub company: TestCompany<'d>,
    pub campaign: CampaignId,
}

impl<'d> Story<'d> {
    /// A campaign of one step for `leads` leads, ready to start.
    pub async fn begin(db: &'d Db, leads: usize, mail_server: SocketAddr) -> Self {
        let company = testing::company(db, "Halden").await;
        let everybody: Vec<LeadInput> = (0..leads).map(lead).collect();
        for some in everybody.chunks(500) {
            let mut t = db.tenant(&company.owner).await.expect("the company opens");
            t.leads().bulk_upsert(some.to_vec()).await.expect("stored");
            t.commit().await.expect("kept");
        }
        let mut t = db.tenant(&company.owner).await.expect("the company opens");
        let mut mailboxes = Vec::new();
        for n in 0..3 {
            mailboxes.push(t.mailboxes().create(mailbox(n, mail_server)).await.expect("connected").id);
        }
        let input = CampaignInput {
            name: Some("Kill".to_owned()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            mailboxes: Some(mailboxes),
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
        Self { db, company, campaign }
    }

    pub async fn start(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("the company opens");
        t.campaigns().start(self.campaign).await.expect("started");
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

fn lead(n: usize) -> LeadInput {
    LeadInput {
        email: Some(format!("lead{n}@prospect.example")),
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
