//! What the reconciler does for things that nobody looks after any more.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, Role,
    campaigns::CampaignInput,
    messages::LEASE,
    steps::{StepInput, TestMailState},
};
use engine::worker::reconcile_once;
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
async fn taken_system_mail(db: &TestDb, company: &TestCompany<'_>) -> Uuid {
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.invitations().invite("new@x.example", Role::Member).await.expect("invited");
    t.commit().await.expect("kept");
    let (_, mail) = db.platform().waiting_system_mails(db.clock().now()).await.expect("a list")[0];
    let mut t = db.tenant(&company.owner).await.expect("open");
    t.take_system_mail(mail).await.expect("asked").expect("it waits");
    t.commit().await.expect("kept");
    mail
}

async fn states(db: &TestDb, company: &TestCompany<'_>, campaign: CampaignId) -> (String, TestMailState) {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let test = t.campaigns().test_mails(campaign).await.expect("a list").remove(0);
    (testing::system_mails(&db.superuser()).await.remove(0).0, test.state)
}

#[tokio::test]
async fn a_mail_that_its_worker_left_is_unknown_when_the_lease_is_over() {
    let db = testing::db_at(noon()).await;
    let company = db.company("Halden").await;
    let (campaign, _) = taken_test_mail(&db, &company).await;
    taken_system_mail(&db, &company).await;

    db.clock().advance(LEASE);
    reconcile_once(&db).await.expect("a look");
    assert_eq!(states(&db, &company, campaign).await, ("sending".to_owned(), TestMailState::Sending));

    db.clock().advance(Duration::seconds(1));
    reconcile_once(&db).await.expect("a look");
    assert_eq!(states(&db, &company, campaign).await, ("unknown".to_owned(), TestMailState::Unknown));
}
