//! The log of a campaign: what is found by each filter, page by page, and in its file.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, MailboxId, PageRequest, Role, StepId,
    campaigns::{Audience, CampaignInput, EventFilter},
    leads::{LeadFilter, LeadInput},
    messages::SendOutcome,
    steps::StepInput,
    window::SendingWindow,
};
use futures::TryStreamExt;
use service::{
    Actor, Error, Tenant,
    campaigns::{
        advance::advance,
        log::{self, LogEntry},
    },
    messages::{Ready, claim::claim_next},
};
use testing::{TestCompany, TestDb};

const REFUSAL: &str = "550 5.1.1 No such mailbox here";

/// A company whose campaign has handed over an e-mail to each of three leads; that to Ben was refused.
struct Story<'d> {
    db: &'d TestDb,
    company: TestCompany<'d>,
    mailboxes: Vec<MailboxId>,
    campaign: CampaignId,
    step: StepId,
}

impl<'d> Story<'d> {
    async fn of(db: &'d TestDb) -> Self {
        let company = db.company("Halden").await;
        let mailboxes = vec![company.mailbox().await, company.mailbox().await];
        let mut t = db.tenant(&company.owner).await.expect("open");
        let lead = |(name, email): (&str, &str)| LeadInput {
            first_name: Some(name.to_owned()),
            email: Some(email.to_owned()),
            country: Some("DE".into()),
            ..LeadInput::default()
        };
        let leads = [("Ines", "ines@corvus.example"), ("Ben", "ben@lumen.example"), ("Cem", "cem@lumen.example")];
        t.leads().bulk_upsert(leads.map(lead).to_vec()).await.expect("stored");
        let filter = LeadFilter { country: vec!["DE".into()], ..LeadFilter::default() };
        let input = CampaignInput {
            name: Some("Story".into()),
            audience: Some(Audience::Filter { filter }),
            window: Some(SendingWindow::always()),
            rules: None,
            mailboxes: Some(mailboxes.clone()),
        };
        let campaign = t.campaigns().create(input).await.expect("created").id;
        let step = StepInput { subject: Some("First".into()), body: Some("Hello".into()), ..StepInput::default() };
        let step = t.campaigns().add_step(campaign, step).await.expect("added").id;
        t.campaigns().start(campaign).await.expect("started");
        t.commit().await.expect("kept");
        advance(db, company.id, campaign).await.expect("placed");
        let story = Self { db, company, mailboxes, campaign, step };
        story.send().await;
        story
    }

    async fn open(&self) -> Tenant {
        self.db.tenant(&self.company.owner).await.expect("open")
    }

    /// Hands over what is due, each a second after the one before.
    async fn send(&self) {
        while let Some(batch) = claim_next(self.db).await.expect("a claim") {
            for claimed in batch {
                self.db.clock().advance(Duration::seconds(1));
                let mut t = self.open().await;
                let ready = [Ready::new(&claimed, "First", b"x", "mx.example:25")];
                assert_eq!(t.messages().begin(&ready).await.expect("begun"), [true]);
                let outcome = match claimed.recipient.as_str() {
                    "ben@lumen.example" => SendOutcome::Rejected { reply: REFUSAL.into(), hard: true },
                    _ => SendOutcome::Accepted { reply: "250 ok".into(), queue_id: Some("q1".into()) },
                };
                t.messages().record(claimed.id, claimed.token, &outcome).await.expect("recorded");
                t.commit().await.expect("kept");
            }
        }
    }

    async fn entries(&self, filter: &EventFilter) -> Vec<LogEntry> {
        let page = PageRequest { per: Some(100), ..PageRequest::default() };
        self.open().await.campaigns().log_entries(self.campaign, filter, &page).await.expect("a log").items
    }

    /// Kinds and leads of what is found, sorted.
    async fn found(&self, filter: EventFilter) -> Vec<(String, Option<String>)> {
        let mut found: Vec<_> =
            self.entries(&filter).await.into_iter().map(|one| (one.event.kind, one.event.lead_name)).collect();
        found.sort();
        found
    }

    /// The lines of the file, without its head.
    async fn file(&self, actor: &Actor, filter: EventFilter) -> service::Result<Vec<csv::StringRecord>> {
        let mut t = self.db.tenant(actor).await?;
        t.campaigns().log_to_read(self.campaign).await?;
        drop(t);
        let parts = log::read((**self.db).clone(), actor.clone(), self.campaign, filter);
        let bytes = parts.try_collect::<Vec<_>>().await?.concat();
        let mut file = csv::Reader::from_reader(&bytes[..]);
        Ok(file.records().map(|line| line.expect("a line")).collect())
    }
}

fn start() -> DateTime<Utc> {
    "2026-11-23T10:00:00Z".parse().expect("a time")
}

fn kind(kind: &str) -> EventFilter {
    EventFilter { kind: Some(kind.to_owned()), ..EventFilter::default() }
}

fn lead(words: &str) -> EventFilter {
    EventFilter { lead: Some(words.to_owned()), ..EventFilter::default() }
}

fn of(pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    pairs.iter().map(|(kind, lead)| ((*kind).to_owned(), Some((*lead).to_owned()))).collect()
}

#[tokio::test]
async fn entries_are_found_by_what_they_are_about() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test).await;
    let mails = of(&[("bounced", "Ben"), ("sent", "Cem"), ("sent", "Ines")]);

    assert_eq!(story.found(kind("sent")).await, mails[1..]);
    assert_eq!(story.found(kind("bounced")).await, mails[..1]);
    assert_eq!(story.found(kind("started")).await, [("started".to_owned(), None)]);
    assert!(story.found(kind("replied")).await.is_empty());

    let step = |step| EventFilter { step: Some(step), ..EventFilter::default() };
    assert_eq!(story.found(step(story.step)).await, mails);
    assert!(story.found(step(StepId(story.campaign.0))).await.is_empty());

    let mut by_mailbox = Vec::new();
    for mailbox in &story.mailboxes {
        let filter = EventFilter { mailbox: Some(*mailbox), ..EventFilter::default() };
        let entries = story.entries(&filter).await;
        assert!(entries.iter().all(|one| one.event.mailbox_id == Some(*mailbox) && one.mailbox.is_some()));
        by_mailbox.extend(entries.into_iter().map(|one| (one.event.kind, one.event.lead_name)));
    }
    by_mailbox.sort();
    assert_eq!(by_mailbox, mails);

    assert_eq!(story.found(lead("INES@corvus")).await, mails[2..]);
    assert_eq!(story.found(lead("lumen.example")).await, mails[..2]);
    assert!(story.found(lead("nobody at all")).await.is_empty());
    let both = EventFilter { kind: Some("sent".into()), ..lead("lumen") };
    assert_eq!(story.found(both).await, mails[1..2]);
    assert!(story.found(lead(" ")).await.len() > mails.len(), "words that are none are no filter");
}

#[tokio::test]
async fn an_entry_has_its_record_behind_it() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test).await;
    let refused = story.entries(&kind("bounced")).await.remove(0);
    assert_eq!((refused.event.text.as_deref(), refused.event.step_id), (Some(REFUSAL), Some(story.step)));
    assert_eq!(refused.email.as_deref(), Some("ben@lumen.example"));
    assert_eq!(refused.record["kind"], "bounced");
    assert_eq!(refused.record["text"], REFUSAL);
    assert!(refused.record.get("company_id").is_none(), "{}", refused.record);

    let sent = story.entries(&EventFilter { kind: Some("sent".into()), ..lead("ines") }).await.remove(0);
    assert_eq!(sent.record["recipient"], "ines@corvus.example");
    assert_eq!(sent.record["queue_id"], "q1");
    assert_eq!(sent.record["step_id"], story.step.to_string());
}

#[tokio::test]
async fn words_that_most_leads_have_are_looked_for_along_the_log() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test).await;
    let crowd = |n: usize| LeadInput { email: Some(format!("crowd{n}@lumen.example")), ..LeadInput::default() };
    let mut t = story.open().await;
    t.leads().bulk_upsert((0..1000).map(crowd).collect()).await.expect("stored");
    t.commit().await.expect("kept");
    assert_eq!(story.found(lead("lumen")).await, of(&[("bounced", "Ben"), ("sent", "Cem")]));
    assert_eq!(story.found(lead("lumen cem")).await, of(&[("sent", "Cem")]));
}

#[tokio::test]
async fn the_pages_of_a_log_are_all_of_it_and_each_entry_once() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test).await;
    let all: Vec<_> = story.entries(&EventFilter::default()).await.into_iter().map(|one| one.event).collect();
    assert!(all.len() >= 5, "{all:?}");
    assert!(all.is_sorted_by(|a, b| (a.at, a.id) > (b.at, b.id)), "the newest first");

    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = PageRequest { per: Some(2), after, ..PageRequest::default() };
        let page = story.open().await.campaigns().events(story.campaign, &page).await.expect("a log");
        read.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
        // What happens meanwhile is above the reader.
        story.db.clock().advance(Duration::seconds(1));
        let mut t = story.open().await;
        let name = CampaignInput { name: Some("Renamed".into()), ..CampaignInput::default() };
        t.campaigns().update(story.campaign, name, None).await.expect("renamed");
        t.commit().await.expect("kept");
    }
    assert_eq!(read, all);
}

#[tokio::test]
async fn the_file_has_what_was_asked_for_and_is_for_who_runs_campaigns() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test).await;
    let all = story.file(&story.company.owner, EventFilter::default()).await.expect("a file");
    assert_eq!(all.len(), story.entries(&EventFilter::default()).await.len());
    let refused = story.file(&story.company.owner, kind("bounced")).await.expect("a file").remove(0);
    let [_, kind, what, step, mailbox, _, lead, email, who, text] =
        std::array::from_fn(|n| refused.get(n).expect("a column").to_owned());
    assert_eq!([kind, what, step, lead], ["bounced", "E-mail refused", "1", "Ben"]);
    assert!(mailbox.ends_with("@halden.example"), "{mailbox}");
    assert_eq!([email.as_str(), text.as_str()], ["ben@lumen.example", REFUSAL]);
    assert_eq!(who, story.company.owner.to_string());

    let viewer = story.company.member(Role::Viewer).await;
    let mut t = story.db.tenant(&viewer).await.expect("open");
    assert!(t.campaigns().events(story.campaign, &PageRequest::default()).await.is_ok(), "everybody may read it");
    let file = story.file(&viewer, EventFilter::default()).await;
    assert!(matches!(file, Err(Error::Forbidden(_))), "{file:?}");
}

#[tokio::test]
async fn another_company_sees_nothing_of_it() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test).await;
    let other = test.company("Other").await;
    let mut t = test.tenant(&other.owner).await.expect("open");
    let page = PageRequest::default();
    for filter in [EventFilter::default(), kind("sent"), lead("ines")] {
        let found = t.campaigns().log_entries(story.campaign, &filter, &page).await;
        assert!(matches!(found, Err(Error::NotFound(_))), "{found:?}");
    }
    let file = story.file(&other.owner, EventFilter::default()).await;
    assert!(matches!(file, Err(Error::NotFound(_))), "{file:?}");

    // What is told of the same lead elsewhere stays there.
    let ids: BTreeSet<_> = story.entries(&EventFilter::default()).await.into_iter().map(|one| one.event.id).collect();
    let own = CampaignInput { name: Some("Theirs".into()), ..CampaignInput::default() };
    let own = t.campaigns().create(own).await.expect("created").id;
    let theirs = t.campaigns().events(own, &page).await.expect("a log").items;
    assert!(!theirs.is_empty() && theirs.iter().all(|event| !ids.contains(&event.id)));
}
