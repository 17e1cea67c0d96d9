//! Drafts of e-mails: written, changed while they are open, decided about once.

use domain::{
    LeadId, Role,
    drafts::DraftState,
    leads::{LeadInput, LeadSource},
};
use service::{Error, Tenant};

async fn lead(t: &mut Tenant) -> LeadId {
    let input = LeadInput { email: Some("ines@corvus.example".to_owned()), ..LeadInput::default() };
    t.leads().create(input, LeadSource::Manual).await.expect("made").id
}

#[tokio::test]
async fn a_draft_is_changed_until_somebody_decides() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let lead = lead(&mut t).await;
    let draft = t.drafts().create(lead, " Your question ", "Hello,\r\nyes.").await.expect("made");
    assert_eq!((draft.subject.as_str(), draft.body.as_str()), ("Your question", "Hello,\nyes."));
    assert_eq!((draft.state, draft.version, draft.lead), (DraftState::Open, 1, lead));
    assert_eq!((&draft.agent, draft.run, &draft.author), (&None, None, &acme.owner.to_string()));

    let changed = t.drafts().update(draft.id, "Your question", "Hello,\nno.", Some(1)).await.expect("changed");
    assert_eq!((changed.version, changed.body.as_str()), (2, "Hello,\nno."));
    let stale = t.drafts().update(draft.id, "Your question", "Hello.", Some(1)).await;
    assert!(matches!(stale, Err(Error::Conflict(p)) if p.code == "stale"));

    let used = t.drafts().use_it(draft.id).await.expect("used");
    assert_eq!((used.state, used.decided_by.as_ref()), (DraftState::Used, Some(&acme.owner.to_string())));
    assert_eq!(t.drafts().use_it(draft.id).await.expect("nothing to do"), used);
    assert!(matches!(t.drafts().dismiss(draft.id).await, Err(Error::Refused(r)) if r.code == "draft_decided"));
    let late = t.drafts().update(draft.id, "Your question", "Hello.", None).await;
    assert!(matches!(late, Err(Error::Refused(_))));

    let other = t.drafts().create(lead, "Another", "Hello.").await.expect("made");
    assert_eq!(t.drafts().dismiss(other.id).await.expect("dismissed").state, DraftState::Dismissed);
    let states: Vec<_> = t.drafts().of_lead(lead).await.expect("a list").into_iter().map(|d| d.state).collect();
    assert_eq!(states, [DraftState::Dismissed, DraftState::Used], "the newest first");
    t.leads().delete(lead).await.expect("deleted");
    assert!(matches!(t.drafts().get(other.id).await, Err(Error::NotFound("draft"))), "it went with the lead");
}

#[tokio::test]
async fn viewers_read_and_nobody_reaches_into_another_company() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let lead = lead(&mut t).await;
    let draft = t.drafts().create(lead, "Your question", "Hello.").await.expect("made");
    t.commit().await.expect("kept");

    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.expect("open");
    assert_eq!(t.drafts().of_lead(lead).await.expect("everybody reads").len(), 1);
    assert!(matches!(t.drafts().create(lead, "a", "b").await, Err(Error::Forbidden(_))));
    assert!(matches!(t.drafts().dismiss(draft.id).await, Err(Error::Forbidden(_))));

    let mut t = db.tenant(&other.owner).await.expect("open");
    assert!(matches!(t.drafts().of_lead(lead).await, Err(Error::NotFound("lead"))));
    assert!(matches!(t.drafts().create(lead, "a", "b").await, Err(Error::NotFound("lead"))));
    assert!(matches!(t.drafts().update(draft.id, "a", "b", None).await, Err(Error::NotFound("draft"))));
    assert!(matches!(t.drafts().use_it(draft.id).await, Err(Error::NotFound("draft"))));
}

#[tokio::test]
async fn what_cannot_be_kept_is_told() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let lead = lead(&mut t).await;
    t.commit().await.expect("kept");
    for (subject, body) in [("", "Hello."), ("Two\nlines", "Hello."), ("Hello", " "), ("Hello", "a\0b")] {
        let mut t = db.tenant(&acme.owner).await.expect("open");
        assert!(matches!(t.drafts().create(lead, subject, body).await, Err(Error::Invalid(_))), "{subject:?} {body:?}");
    }
}
