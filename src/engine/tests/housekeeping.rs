//! What the reconciler does for things that nobody looks after any more.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, ImportId, PageRequest, Role,
    campaigns::CampaignInput,
    imports::{DuplicatePolicy, ImportField, ImportPlan, Mapping},
    leads::{LeadInput, LeadSource},
    messages::LEASE,
    steps::{StepInput, TestMailState},
};
use engine::worker::{reconcile_once, upkeep};
use service::{Error, Origin};
use testing::{TestCompany, TestDb};
use uuid::Uuid;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// A test mail that a worker has taken.
async fn taken_test_mail(db: &TestDb, company: &TestCompany<'_>) -> (CampaignId, Uuid) {
    let mailbox = company.mailbox().await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let input = CampaignInput { name: Some("Fair".into()), mailboxes: Some(vec![mailbox]), ..CampaignInput::default() };
    let campaign = t.campaigns().create(input).await.expect("created").id;
    let step = t.campaigns().add_step(campaign, StepInput::default()).await.expect("added").id;
    let mail = t.campaigns().request_test_mail(campaign, step, None, "me@x.example").await.expect("asked for").id;
    t.campaigns().take_test_mail(mail).await.expect("asked").expect("it waits");
    t.commit().await.expect("kept");
    (campaign, mail)
}

/// A mail of the system that a worker has taken.
async fn taken_system_mail(db: &TestDb, company: &TestCompany<'_>, to: &str) -> Uuid {
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.invitations().invite(to, Role::Member).await.expect("invited");
    t.commit().await.expect("kept");
    let waiting = db.platform().waiting_system_mails(db.clock().now()).await.expect("a list");
    let (_, mail) = *waiting.last().expect("it waits");
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.take_system_mail(mail).await.expect("asked").expect("it waits");
    t.commit().await.expect("kept");
    mail
}

/// A file that was imported.
async fn import(db: &TestDb, company: &TestCompany<'_>, text: &str) -> ImportId {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let id = t.imports().upload("list.csv", text.into()).await.expect("taken").id;
    let mapping = Mapping::from_iter([(0, ImportField::Email)]);
    let plan = ImportPlan { mapping, duplicates: DuplicatePolicy::Skip, tag: None };
    t.imports().plan(id, plan).await.expect("planned");
    t.commit().await.expect("kept");
    service::imports::work(db, company.id, id).await.expect("counted");
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.imports().start(id).await.expect("started");
    t.commit().await.expect("kept");
    service::imports::work(db, company.id, id).await.expect("stored");
    id
}

async fn states(db: &TestDb, company: &TestCompany<'_>, campaign: CampaignId) -> (String, TestMailState) {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let test = t.campaigns().test_mails(campaign).await.expect("a list").remove(0);
    let (state, body) = testing::system_mails(&db.superuser()).await.remove(0);
    assert_eq!(body.contains("/invite/"), state == "sending", "the link is kept until the mail has ended");
    (state, test.state)
}

#[tokio::test]
async fn a_mail_that_its_worker_left_is_unknown_when_the_lease_is_over() {
    let db = testing::db_at(noon()).await;
    let company = db.company("Halden").await;
    let (campaign, _) = taken_test_mail(&db, &company).await;
    taken_system_mail(&db, &company, "new@x.example").await;

    db.clock().advance(LEASE);
    reconcile_once(&db).await.expect("a look");
    assert_eq!(states(&db, &company, campaign).await, ("sending".to_owned(), TestMailState::Sending));

    db.clock().advance(Duration::seconds(1));
    reconcile_once(&db).await.expect("a look");
    assert_eq!(states(&db, &company, campaign).await, ("unknown".to_owned(), TestMailState::Unknown));
}

#[tokio::test]
async fn the_link_of_a_mail_is_kept_while_it_may_be_sent() {
    let db = testing::db_at(noon()).await;
    let company = db.company("Halden").await;
    for (outcome, kept) in [("waiting", true), ("sent", false), ("failed", false)] {
        let mail = taken_system_mail(&db, &company, &format!("{outcome}@x.example")).await;
        let mut t = db.tenant(&company.owner).await.expect("open");
        t.finish_system_mail(mail, outcome, "In words").await.expect("kept");
        t.commit().await.expect("kept");
        let (state, body) = testing::system_mails(&db.superuser()).await.pop().expect("it is there");
        assert_eq!((state.as_str(), body.contains("/invite/")), (outcome, kept));
    }
}

#[tokio::test]
async fn what_has_ended_is_forgotten_in_time() {
    let db = testing::db_at(noon()).await;
    let company = db.company("Halden").await;
    let (campaign, test) = taken_test_mail(&db, &company).await;
    let mail = taken_system_mail(&db, &company, "new@x.example").await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.finish_system_mail(mail, "sent", "Taken").await.expect("kept");
    t.campaigns().finish_test_mail(test, "sent", "Taken").await.expect("kept");
    t.commit().await.expect("kept");
    db.people().sign_in(&company.owner_email, "not it", Origin::default()).await.expect_err("wrong");
    let import = import(&db, &company, "email\nnonsense\n").await;

    let days = async |days| {
        db.clock().advance(Duration::days(days));
        upkeep(&db).await.expect("forgotten");
    };
    days(1).await;
    assert_eq!(testing::sign_in_attempts(&db.superuser()).await, 1);
    days(6).await;
    assert_eq!(testing::sign_in_attempts(&db.superuser()).await, 0);
    let mut t = db.tenant(&company.owner).await.expect("open");
    assert!(!t.imports().rejected_csv(import).await.expect("seven days are not over").is_empty());

    days(1).await;
    let gone = t.imports().rejected_csv(import).await;
    assert!(matches!(&gone, Err(Error::Conflict(problem)) if problem.code == "file_gone"), "{gone:?}");
    assert!(matches!(t.imports().preview_rows(import).await, Err(Error::Conflict(_))));
    let rejected = t.imports().rejected(import, &PageRequest::default()).await.expect("a list").items;
    assert_eq!((rejected.len(), t.imports().get(import).await.expect("there").counts.rejected), (1, 1));

    days(22).await;
    assert_eq!(t.campaigns().test_mails(campaign).await.expect("a list").len(), 1);
    assert_eq!(testing::system_mails(&db.superuser()).await.len(), 1);
    days(1).await;
    assert_eq!(t.campaigns().test_mails(campaign).await.expect("a list").len(), 0);
    assert_eq!(testing::system_mails(&db.superuser()).await.len(), 0);
}

#[tokio::test]
async fn what_has_happened_is_kept_for_three_years() {
    let db = testing::db_at(noon()).await;
    let company = db.company("Halden").await;
    let mut t = db.tenant(&company.owner).await.expect("open");
    let campaign = t
        .campaigns()
        .create(CampaignInput { name: Some("Fair".into()), ..CampaignInput::default() })
        .await
        .expect("created")
        .id;
    let input = LeadInput { email: Some("ines@x.example".into()), ..LeadInput::default() };
    let lead = t.leads().create(input, LeadSource::Manual).await.expect("created").id;
    t.commit().await.expect("kept");
    let histories = async || {
        let (mut t, all) = (db.tenant(&company.owner).await.expect("open"), PageRequest::default());
        let of_lead = t.leads().timeline(lead, &all).await.expect("a timeline").items.len();
        (of_lead, t.campaigns().events(campaign, &all).await.expect("a log").items.len())
    };
    assert_eq!(histories().await, (1, 1));
    db.clock().advance(Duration::days(30 * 36));
    upkeep(&db).await.expect("looked after");
    assert_eq!(histories().await, (1, 1));

    let mut t = db.tenant(&company.owner).await.expect("open");
    t.leads().add_note(lead, "Still there.").await.expect("noted");
    t.commit().await.expect("kept");
    db.clock().advance(Duration::days(60));
    upkeep(&db).await.expect("looked after");
    assert_eq!(histories().await, (1, 0), "the month of both has gone, that of the note is there");
}
