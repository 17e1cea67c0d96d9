//! Send proofs: one row for each lead of the audience, after each pause and each end.

use std::collections::BTreeMap;

use domain::{
    CampaignId, PageRequest,
    campaigns::{Audience, CampaignInput, CampaignState},
    leads::{LeadFilter, LeadInput},
    ledger::SendProof,
    messages::SendOutcome,
    steps::StepInput,
    window::SendingWindow,
};
use futures::TryStreamExt;
use service::{
    Error, Tenant,
    campaigns::{advance::advance, proofs},
    jobs::ProveSends,
    messages::{Ready, claim::claim_next},
};
use sha2::{Digest, Sha256};
use testing::{TestCompany, TestDb};

/// A company with a campaign.
struct Story<'d> {
    db: &'d TestDb,
    company: TestCompany<'d>,
}

impl<'d> Story<'d> {
    async fn of(db: &'d TestDb) -> Self {
        Self { company: db.company("Halden").await, db }
    }

    async fn open(&self) -> Tenant {
        self.db.tenant(&self.company.owner).await.expect("open")
    }

    /// A campaign of one step for these, not started.
    async fn campaign(&self, emails: &[&str]) -> CampaignId {
        let mailbox = self.company.mailbox().await;
        let mut t = self.open().await;
        let lead = |email: &&str| LeadInput { email: Some((*email).to_owned()), ..LeadInput::default() };
        t.leads().bulk_upsert(emails.iter().map(lead).collect()).await.expect("stored");
        let input = CampaignInput {
            name: Some("Story".into()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            rules: None,
            mailboxes: Some(vec![mailbox]),
        };
        let id = t.campaigns().create(input).await.expect("created").id;
        let step = StepInput { subject: Some("First".into()), body: Some("Hello".into()), ..StepInput::default() };
        t.campaigns().add_step(id, step).await.expect("added");
        t.commit().await.expect("kept");
        id
    }

    /// Hands over what is due to a server that takes everything, or says nothing to `silent`.
    async fn send(&self, silent: &str) {
        while let Some(batch) = claim_next(self.db).await.expect("a claim") {
            for claimed in batch {
                let mut t = self.open().await;
                assert_eq!(
                    t.messages().begin(&[Ready::new(&claimed, "First", b"x", "mx.example:25")]).await.expect("begun"),
                    [true]
                );
                let outcome = match claimed.recipient.as_str() == silent {
                    true => SendOutcome::Unknown { reason: "=silence".into() },
                    false => SendOutcome::Accepted { reply: "250 ok".into(), queue_id: Some("q1".into()) },
                };
                t.messages().record(claimed.id, claimed.token, &outcome).await.expect("recorded");
                t.commit().await.expect("kept");
            }
        }
    }

    /// Makes the proofs that are asked for, as a worker does. How many that were.
    async fn prove(&self) -> usize {
        let jobs = testing::take_jobs::<ProveSends>(&self.db.superuser()).await;
        for job in &jobs {
            for _ in 0..2 {
                proofs::prove(self.db, job.company, job.campaign, job.at).await.expect("proven, once");
            }
        }
        jobs.len()
    }

    async fn proofs(&self, id: CampaignId) -> Vec<SendProof> {
        self.open().await.campaigns().proofs(id).await.expect("a list")
    }

    /// The file; each row by the names of its columns.
    async fn file(&self, id: CampaignId, proof: &SendProof) -> Vec<BTreeMap<String, String>> {
        let parts = proofs::read((**self.db).clone(), self.company.owner.clone(), id, proof.number);
        let bytes: Vec<u8> = parts.try_collect::<Vec<_>>().await.expect("the file").concat();
        assert_eq!(i64::try_from(bytes.len()).expect("small"), proof.size);
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, proof.sha256);
        let mut file = csv::Reader::from_reader(&bytes[..]);
        file.deserialize().map(|row| row.expect("a row")).collect()
    }

    async fn say(&self, id: CampaignId, what: &str) {
        let mut t = self.open().await;
        match what {
            "start" => t.campaigns().start(id).await,
            "pause" => t.campaigns().pause(id).await,
            _ => t.campaigns().resume(id, false).await,
        }
        .expect("done");
        t.commit().await.expect("kept");
    }
}

/// How many rows have each outcome and reason.
fn outcomes(rows: &[BTreeMap<String, String>]) -> BTreeMap<(&str, &str), i64> {
    let mut found = BTreeMap::new();
    for row in rows {
        *found.entry((row["outcome"].as_str(), row["reason"].as_str())).or_default() += 1;
    }
    found
}

#[tokio::test]
async fn each_pause_and_each_end_is_put_down_with_one_row_for_every_lead() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().expect("a time")).await;
    let story = Story::of(&test).await;
    let id = story.campaign(&["a@x.example", "b@x.example", "c@x.example", "d@x.example"]).await;
    story.say(id, "start").await;

    // Nobody is placed yet.
    story.say(id, "pause").await;
    assert_eq!(story.prove().await, 1);
    let first = story.proofs(id).await.remove(0);
    assert_eq!((first.number, first.state, first.rows), (1, CampaignState::Paused, 4));
    assert!(first.adds_up() && first.is_kept, "{first:?}");
    let rows = story.file(id, &first).await;
    assert_eq!(outcomes(&rows), BTreeMap::from([(("enrolling", ""), 4)]));
    assert!(rows.iter().any(|row| row["email"] == "a@x.example"));

    test.clock().advance(chrono::Duration::minutes(1));
    story.say(id, "resume").await;
    advance(&test, story.company.id, id).await.expect("placed");
    let mut t = story.open().await;
    let all = t.enrolments().list(id, None, &PageRequest::default()).await.expect("a list").items;
    let one = all.iter().find(|one| one.email.as_ref().is_some_and(|email| email.as_str() == "d@x.example"));
    t.enrolments().remove(one.expect("d is placed").id).await.expect("out");
    t.commit().await.expect("kept");
    // What is planned moves by the length of the pause.
    test.clock().advance(chrono::Duration::minutes(1));
    story.send("c@x.example").await;
    advance(&test, story.company.id, id).await.expect("settled");
    assert_eq!(story.prove().await, 1, "it has completed");

    let proofs = story.proofs(id).await;
    assert_eq!(
        proofs.iter().map(|p| (p.number, p.state)).collect::<Vec<_>>(),
        [(2, CampaignState::Completed), (1, CampaignState::Paused)]
    );
    assert!(proofs[0].adds_up(), "{:?}", proofs[0]);
    assert_eq!(proofs[0].ledger.sum(), 4);
    let rows = story.file(id, &proofs[0]).await;
    let ended = [(("failed", "outcome_unknown"), 1), (("finished", ""), 2), (("stopped", "removed"), 1)];
    assert_eq!(outcomes(&rows), BTreeMap::from(ended));
    for row in &rows {
        let (sent, unknown) = match row["email"].as_str() {
            "c@x.example" => ("0", "1"),
            "d@x.example" => ("0", "0"),
            _ => ("1", "0"),
        };
        assert_eq!((row["emails_sent"].as_str(), row["emails_unknown"].as_str()), (sent, unknown), "{row:?}");
        let words = if unknown == "1" { "'=silence" } else { row["last_words"].as_str() };
        assert_eq!(row["last_words"], words, "a spreadsheet runs nothing of it");
    }
    // The older one still says what it said.
    story.file(id, &first).await;
}

#[tokio::test]
async fn old_files_go_and_their_hashes_stay() {
    let test = testing::db_at("2026-11-20T10:00:00Z".parse().expect("a time")).await;
    let story = Story::of(&test).await;
    let id = story.campaign(&["a@x.example"]).await;
    story.say(id, "start").await;
    for _ in 0..11 {
        story.say(id, "pause").await;
        assert_eq!(story.prove().await, 1);
        test.clock().advance(chrono::Duration::minutes(1));
        story.say(id, "resume").await;
    }
    let proofs = story.proofs(id).await;
    let kept: Vec<_> = proofs.iter().filter(|p| p.is_kept).map(|p| p.number).collect();
    assert_eq!(kept, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let mut t = story.open().await;
    let gone = t.campaigns().proof_to_read(id, 1).await;
    assert!(matches!(gone, Err(Error::Conflict(_))), "{gone:?}");
    let never = t.campaigns().proof_to_read(id, 12).await;
    assert!(matches!(never, Err(Error::NotFound(_))), "{never:?}");
}
