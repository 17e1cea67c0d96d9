//! A company with workflows, as tests name it.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, LeadId, MailboxId, PageRequest, WorkflowId,
    campaigns::{Audience, CampaignInput},
    leads::{Lead, LeadFilter, LeadInput, LeadSelection, LeadSource},
    messages::SendOutcome,
    steps::{Delay, StepInput},
    window::SendingWindow,
    workflows::{WorkflowAction, WorkflowFiring, WorkflowInput, WorkflowNotStarted, WorkflowTrigger},
};
use service::{
    Actor, Tenant,
    inbound::Arrival,
    messages::{Ready, claim::claim_next},
    workflows::carry_out,
};
use testing::{TestCompany, TestDb};

/// A Friday in November.
pub fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

pub struct Story<'d> {
    pub db: &'d TestDb,
    pub company: TestCompany<'d>,
}

pub fn add_tag(tag: &str) -> WorkflowAction {
    WorkflowAction::AddTag { tag: tag.to_owned() }
}

/// A workflow that is on.
pub fn on(name: &str, trigger: WorkflowTrigger, actions: Vec<WorkflowAction>) -> WorkflowInput {
    WorkflowInput { actions, enabled: true, ..WorkflowInput::new(name, trigger) }
}

impl<'d> Story<'d> {
    pub async fn of(db: &'d TestDb) -> Self {
        Self { company: db.company("Halden").await, db }
    }

    pub async fn open(&self) -> Tenant {
        self.open_as(&self.company.owner).await
    }

    pub async fn open_as(&self, actor: &Actor) -> Tenant {
        self.db.tenant(actor).await.expect("open")
    }

    pub async fn workflow(&self, input: WorkflowInput) -> WorkflowId {
        let mut t = self.open().await;
        let id = t.workflows().create(input).await.expect("made").id;
        t.commit().await.expect("kept");
        id
    }

    pub async fn lead(&self, email: &str) -> LeadId {
        self.lead_with(LeadInput { email: Some(email.to_owned()), ..LeadInput::default() }).await
    }

    pub async fn lead_with(&self, input: LeadInput) -> LeadId {
        let mut t = self.open().await;
        let id = t.leads().create(input, LeadSource::Manual).await.expect("made").id;
        t.commit().await.expect("kept");
        id
    }

    pub async fn get(&self, lead: LeadId) -> Lead {
        self.open().await.leads().get(lead).await.expect("there")
    }

    /// Lets workers carry out what waits for these workflows, a moment later.
    pub async fn work(&self, workflows: &[WorkflowId]) {
        self.db.clock().advance(Duration::seconds(1));
        for id in workflows {
            carry_out(self.db, self.company.id, *id).await.expect("carried out");
        }
    }

    /// What set a workflow off, the oldest first.
    pub async fn log(&self, id: WorkflowId) -> Vec<WorkflowFiring> {
        let mut t = self.open().await;
        let mut log = t.workflows().log(id, &PageRequest::default()).await.expect("a list").items;
        log.reverse();
        log
    }

    /// What came of each action, in words, of all that set it off.
    pub async fn results(&self, id: WorkflowId) -> Vec<String> {
        let log = self.log(id).await;
        log.into_iter().flat_map(|firing| firing.results).map(|result| result.words).collect()
    }

    /// Why nothing was done, and how many things that stands for.
    pub async fn reasons(&self, id: WorkflowId) -> Vec<(WorkflowNotStarted, i32)> {
        self.log(id).await.into_iter().filter_map(|firing| Some((firing.reason?, firing.events))).collect()
    }

    /// A campaign of one e-mail for these leads, not started.
    pub async fn campaign(&self, leads: &[LeadId]) -> (CampaignId, MailboxId) {
        let mailbox = self.company.mailbox().await;
        let mut t = self.open().await;
        let input = CampaignInput {
            name: Some("Autumn".into()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            rules: None,
            mailboxes: Some(vec![mailbox]),
        };
        let id = t.campaigns().create(input).await.expect("created").id;
        t.campaigns().enrol(id, &LeadSelection::Ids(leads.to_vec())).await.expect("chosen");
        for subject in ["First", "Second"] {
            let step = StepInput {
                subject: Some(subject.into()),
                body: Some("Hello".into()),
                delay: Some(Delay::NONE),
                ..StepInput::default()
            };
            t.campaigns().add_step(id, step).await.expect("added");
        }
        t.commit().await.expect("kept");
        (id, mailbox)
    }

    pub async fn start(&self, id: CampaignId) {
        let mut t = self.open().await;
        t.campaigns().start(id).await.expect("started");
        t.commit().await.expect("kept");
        self.advance(id).await;
    }

    pub async fn advance(&self, id: CampaignId) {
        service::campaigns::advance::advance(self.db, self.company.id, id).await.expect("advanced");
    }

    /// Hands over what is due, with this outcome.
    pub async fn send(&self, outcome: &SendOutcome) {
        while let Some(batch) = claim_next(self.db).await.expect("a claim") {
            for claimed in batch {
                let mut t = self.open().await;
                assert_eq!(
                    t.messages().begin(&[Ready::new(&claimed, "First", b"x", "mx.example:25")]).await.expect("begun"),
                    [true]
                );
                t.messages().record(claimed.id, claimed.token, outcome).await.expect("recorded");
                t.commit().await.expect("kept");
            }
        }
    }

    /// A mail comes to a mailbox.
    pub async fn receive(&self, mailbox: MailboxId, from: &str, n: u32, text: &str) {
        let mut t = self.open().await;
        let raw = format!("From: {from}\r\nMessage-ID: <{n}@there.example>\r\nSubject: Re: First\r\n\r\n{text}\r\n");
        let uid_key = format!("7:{n}");
        let arrival = Arrival { mailbox, uid_key: &uid_key, raw: raw.as_bytes(), at: self.db.clock().now() };
        t.inbound().receive(arrival).await.expect("stored").expect("it is new");
        t.commit().await.expect("kept");
    }
}

pub fn taken() -> SendOutcome {
    SendOutcome::Accepted { reply: "250 ok".into(), queue_id: None }
}
