//! Tasks: their order, the day that they are due, and who finishes them.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    LeadId, PageRequest, Role, UserId,
    leads::{LeadInput, LeadSource},
    tasks::TaskInput,
};
use service::{Error, Tenant};

/// Half past midnight in Berlin, where the companies of these tests are.
fn night() -> DateTime<Utc> {
    "2026-11-20T23:30:00Z".parse().expect("a time")
}

fn task(title: &str, due_in_days: Option<i64>) -> TaskInput {
    TaskInput { title: title.to_owned(), due_in_days, ..TaskInput::default() }
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().expect("a day"))
}

async fn lead(t: &mut Tenant) -> LeadId {
    let input = LeadInput {
        email: Some("ines@corvus.example".to_owned()),
        first_name: Some("Ines".to_owned()),
        last_name: Some("Albrecht".to_owned()),
        ..LeadInput::default()
    };
    t.leads().create(input, LeadSource::Manual).await.expect("made").id
}

#[tokio::test]
async fn what_is_due_stands_first_and_what_has_no_day_last() {
    let db = testing::db_at(night()).await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    for (title, days) in [("some day", None), ("in a week", Some(7)), ("today", Some(0)), ("some other day", None)] {
        t.tasks().create(task(title, days)).await.expect("made");
    }
    let fixed = TaskInput { due_on: day("2026-11-23"), ..task("on Monday", None) };
    t.tasks().create(fixed).await.expect("made");

    let (mut seen, mut page) = (Vec::new(), PageRequest { per: Some(2), ..PageRequest::default() });
    loop {
        let tasks = t.tasks().open(&page).await.expect("a page");
        seen.extend(tasks.items.into_iter().map(|task| (task.title, task.due_on)));
        page.after = tasks.next;
        if page.after.is_none() {
            break;
        }
    }
    let expected = [
        ("today", day("2026-11-21")),
        ("on Monday", day("2026-11-23")),
        ("in a week", day("2026-11-28")),
        ("some day", None),
        ("some other day", None),
    ];
    assert_eq!(seen, expected.map(|(title, due)| (title.to_owned(), due)), "days begin at midnight in Berlin");
}

#[tokio::test]
async fn a_task_is_done_and_opened_again_once() {
    let db = testing::db_at(night()).await;
    let acme = db.company("Acme").await;
    let member = acme.member(Role::Member).await;
    let mut t = db.tenant(&member).await.expect("open");
    let lead = lead(&mut t).await;
    let input = TaskInput { lead: Some(lead), assignee: Some(acme.owner_id), ..task("Call", Some(1)) };
    let made = t.tasks().create(input).await.expect("made");
    assert_eq!((made.lead, made.lead_name.as_deref()), (Some(lead), Some("Ines Albrecht")));
    assert_eq!((made.assignee, made.assignee_name.is_some()), (Some(acme.owner_id), true));
    assert_eq!((made.created_by, made.run), (member.to_string(), None));
    t.tasks().create(TaskInput { lead: Some(lead), ..task("Write", None) }).await.expect("made");

    let done = t.tasks().complete(made.id).await.expect("done");
    assert_eq!((done.done_at, done.done_by), (Some(night()), Some(member.to_string())));
    t.commit().await.expect("kept");
    db.clock().advance(chrono::Duration::hours(1));
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let again = t.tasks().complete(made.id).await.expect("nothing to do");
    assert_eq!((again.done_at, again.done_by), (Some(night()), Some(member.to_string())), "the first one did it");
    let titles = |tasks: Vec<domain::tasks::Task>| tasks.into_iter().map(|task| task.title).collect::<Vec<_>>();
    assert_eq!(titles(t.tasks().open(&PageRequest::default()).await.expect("a list").items), ["Write"]);
    assert_eq!(titles(t.tasks().of_lead(lead).await.expect("a list")), ["Write", "Call"], "the open ones first");
    let open = t.tasks().reopen(made.id).await.expect("open");
    assert_eq!((open.done_at, open.done_by), (None, None));
    assert_eq!(titles(t.tasks().of_lead(lead).await.expect("a list")), ["Call", "Write"]);

    t.tasks().delete(made.id).await.expect("deleted");
    assert!(matches!(t.tasks().get(made.id).await, Err(Error::NotFound("task"))));
    assert!(matches!(t.tasks().complete(made.id).await, Err(Error::NotFound("task"))));
    assert!(matches!(t.tasks().delete(made.id).await, Err(Error::NotFound("task"))));
    t.leads().delete(lead).await.expect("deleted");
    assert!(t.tasks().open(&PageRequest::default()).await.expect("a list").items.is_empty(), "it went with the lead");
}

#[tokio::test]
async fn what_is_due_is_counted_for_whom_it_waits() {
    let db = testing::db_at(night()).await;
    let acme = db.company("Acme").await;
    let member = acme.member(Role::Member).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let of = |assignee: Option<UserId>, days| TaskInput { assignee, ..task("Call", Some(days)) };
    for input in [of(Some(acme.owner_id), 0), of(None, 0), of(member.user_id(), 0), of(None, 1), task("Call", None)] {
        t.tasks().create(input).await.expect("made");
    }
    assert_eq!(t.tasks().due().await.expect("a number"), 2);
    t.commit().await.expect("kept");
    db.clock().advance(chrono::Duration::days(1));
    let mut t = db.tenant(&member).await.expect("open");
    assert_eq!(t.tasks().due().await.expect("a number"), 3);
}

#[tokio::test]
async fn viewers_read_and_nobody_reaches_into_another_company() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let lead = lead(&mut t).await;
    let made = t.tasks().create(TaskInput { lead: Some(lead), ..task("Call", None) }).await.expect("made");
    t.commit().await.expect("kept");

    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.expect("open");
    assert_eq!(t.tasks().of_lead(lead).await.expect("everybody reads").len(), 1);
    assert!(matches!(t.tasks().create(task("Call", None)).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.tasks().complete(made.id).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.tasks().delete(made.id).await, Err(Error::Forbidden(_))));

    let mut t = db.tenant(&other.owner).await.expect("open");
    assert!(t.tasks().open(&PageRequest::default()).await.expect("a list").items.is_empty());
    assert!(matches!(t.tasks().get(made.id).await, Err(Error::NotFound("task"))));
    assert!(matches!(t.tasks().reopen(made.id).await, Err(Error::NotFound("task"))));
    assert!(matches!(t.tasks().of_lead(lead).await, Err(Error::NotFound("lead"))));
    let about = t.tasks().create(TaskInput { lead: Some(lead), ..task("Call", None) }).await;
    assert!(matches!(about, Err(Error::NotFound("lead"))));
    let stranger = t.tasks().create(TaskInput { assignee: Some(acme.owner_id), ..task("Call", None) }).await;
    assert!(matches!(stranger, Err(Error::Invalid(p)) if p[0].field.as_deref() == Some("assignee")));
}
