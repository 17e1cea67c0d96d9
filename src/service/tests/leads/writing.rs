//! Leads: writing, reading, and who may do it.

use crate::support::{conflict, lead};
use domain::{
    EmailAddress, LeadId, PageRequest, Permission, Role,
    leads::{BulkAction, LeadEventKind, LeadFilter, LeadInput, LeadSelection, LeadSort, LeadSource, LeadStatus},
};
use service::Error;

#[tokio::test]
async fn a_lead_is_created_read_changed_and_deleted() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();

    let made = t
        .leads()
        .create(
            LeadInput {
                email: Some(" Ines@Corvus.example ".into()),
                first_name: Some("Ines".into()),
                title: Some("CEO".into()),
                account: Some("Corvus".into()),
                tags: vec!["B".into(), "a".into()],
                ..LeadInput::default()
            },
            LeadSource::Manual,
        )
        .await
        .unwrap();
    assert_eq!(made.email.as_ref().map(EmailAddress::as_str), Some("ines@corvus.example"));
    assert_eq!((made.owner_id, made.status, made.version), (Some(acme.owner_id), LeadStatus::New, 1));
    assert_eq!(
        (made.account_name.as_deref(), made.tags.clone()),
        (Some("Corvus"), vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(made.score, made.score_reasons.iter().map(|r| r.points).sum::<i32>());
    assert_eq!(t.leads().tags().await.unwrap(), ["a", "b"]);

    let change = LeadInput { title: Some("Analyst".into()), country: Some("de".into()), ..lead("ines@corvus.example") };
    let changed = t.leads().update(made.id, change, Some(1)).await.unwrap();
    assert_eq!((changed.version, changed.country.as_deref(), changed.account_id), (2, Some("DE"), None));
    assert!(changed.score < made.score, "an analyst without a firm is worth less than its chief");
    assert_eq!(t.leads().countries().await.unwrap(), ["DE"]);

    let replied = t.leads().set_status(made.id, LeadStatus::Replied).await.unwrap();
    assert_eq!(replied.score, changed.score + 25);
    t.leads().add_note(made.id, "Call on Monday.").await.unwrap();
    assert_eq!(t.leads().notes(made.id).await.unwrap()[0].body, "Call on Monday.");
    let kinds: Vec<_> =
        t.leads().timeline(made.id, &PageRequest::default()).await.unwrap().items.iter().map(|e| e.kind).collect();
    for kind in [LeadEventKind::Created, LeadEventKind::Edited, LeadEventKind::StatusChanged, LeadEventKind::Noted] {
        assert!(kinds.contains(&kind), "{kind} is told");
    }

    t.leads().delete(made.id).await.unwrap();
    assert!(matches!(t.leads().get(made.id).await, Err(Error::NotFound("lead"))));
}

#[tokio::test]
async fn an_old_version_and_a_taken_address_are_conflicts() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let ines = t
        .leads()
        .create(LeadInput { first_name: Some("Ines".into()), ..lead("ines@corvus.example") }, LeadSource::Manual)
        .await
        .unwrap();
    let jonas = t.leads().create(lead("jonas@corvus.example"), LeadSource::Manual).await.unwrap();

    assert_eq!(conflict(t.leads().update(ines.id, lead("ines@corvus.example"), Some(0)).await), "stale");
    assert_eq!(conflict(t.leads().create(lead("INES@corvus.example"), LeadSource::Api).await), "email_taken");
    assert_eq!(conflict(t.leads().update(jonas.id, lead("ines@corvus.example"), None).await), "email_taken");
    let email = EmailAddress::parse("ines@corvus.example").unwrap();
    assert_eq!(t.leads().find_by_email(&email).await.unwrap(), Some(ines.id));
}

#[tokio::test]
async fn what_only_the_company_knows_is_checked() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    for (input, field) in [
        (LeadInput { owner_id: Some(other.owner_id), ..lead("a@b.example") }, "owner_id"),
        (LeadInput { time_zone: Some("Mars/Olympus".into()), ..lead("a@b.example") }, "time_zone"),
        (LeadInput { title: Some("C\0O".into()), ..lead("a@b.example") }, "title"),
    ] {
        match t.leads().create(input, LeadSource::Manual).await {
            Err(Error::Invalid(problems)) => assert_eq!(problems[0].field.as_deref(), Some(field)),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_member_changes_own_leads_and_takes_those_of_nobody() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let member = acme.member(Role::Member).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let theirs = t.leads().create(lead("theirs@b.example"), LeadSource::Manual).await.unwrap();
    let nobodys = t.leads().create(lead("nobodys@b.example"), LeadSource::Manual).await.unwrap();
    t.leads().assign(nobodys.id, None).await.unwrap();
    t.commit().await.unwrap();

    let mut t = db.tenant(&member).await.unwrap();
    let own = t.leads().create(lead("own@b.example"), LeadSource::Manual).await.unwrap();
    assert_eq!(own.owner_id, member.user_id());
    t.leads().set_status(own.id, LeadStatus::Working).await.unwrap();
    t.commit().await.unwrap();

    let mut t = db.tenant(&member).await.unwrap();
    for id in [theirs.id, nobodys.id] {
        let refused = t.leads().set_status(id, LeadStatus::Lost).await;
        assert!(matches!(refused, Err(Error::Forbidden(Permission::ManageAllLeads))), "{refused:?}");
        assert!(t.leads().delete(id).await.is_err());
    }
    assert_eq!(t.leads().assign(nobodys.id, member.user_id()).await.unwrap().owner_id, member.user_id());

    let everything = LeadSelection::Filter(LeadFilter::default());
    let status = BulkAction::SetStatus { status: LeadStatus::Nurture };
    let done = t.leads().bulk(&everything, &status).await.unwrap();
    assert_eq!((done.selected, done.changed, done.unchanged), (3, 2, 1));
    assert_eq!(t.leads().get(theirs.id).await.unwrap().status, LeadStatus::New);
    let done = t.leads().bulk(&everything, &BulkAction::Delete).await.unwrap();
    assert_eq!((done.selected, done.changed, done.unchanged), (3, 2, 1));

    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.unwrap();
    let refused = t.leads().create(lead("new@b.example"), LeadSource::Manual).await;
    assert!(matches!(refused, Err(Error::Forbidden(Permission::EditLeads))));
}

#[tokio::test]
async fn many_leads_are_changed_at_once() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let colleague = acme.member(Role::Manager).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(t.leads().create(lead(&format!("lead{n}@b.example")), LeadSource::Manual).await.unwrap().id);
    }
    let some = LeadSelection::Ids(ids[..3].to_vec());
    let tag = |tag: &str| BulkAction::AddTag { tag: tag.to_owned() };
    for (action, changed) in [
        (tag("VIP"), 3),
        (tag("vip"), 0),
        (BulkAction::RemoveTag { tag: "vip".into() }, 3),
        (BulkAction::SetStatus { status: LeadStatus::Replied }, 3),
        (BulkAction::SetStatus { status: LeadStatus::Replied }, 0),
        (BulkAction::Assign { owner: colleague.user_id() }, 3),
        (BulkAction::Assign { owner: None }, 3),
    ] {
        let done = t.leads().bulk(&some, &action).await.unwrap();
        assert_eq!((done.selected, done.changed), (3, changed), "{action:?}");
    }
    let (changed, untouched) = (t.leads().get(ids[0]).await.unwrap(), t.leads().get(ids[4]).await.unwrap());
    assert_eq!((changed.owner_id, changed.score), (None, untouched.score + 25));
    t.leads().bulk(&LeadSelection::Ids(ids.clone()), &BulkAction::Delete).await.unwrap();
    assert_eq!(t.leads().count(&LeadFilter::default()).await.unwrap().value, 0);
}

#[tokio::test]
async fn programs_create_and_change_many_leads_with_one_call() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let known = t
        .leads()
        .create(LeadInput { title: Some("Analyst".into()), ..lead("ines@b.example") }, LeadSource::Manual)
        .await
        .unwrap();

    let results = t
        .leads()
        .bulk_upsert(vec![
            LeadInput { phone: Some("1".into()), ..lead("ines@b.example") },
            lead("new@b.example"),
            lead("nonsense"),
            lead("new@b.example"),
            lead("ines2@b.example"),
        ])
        .await
        .unwrap();
    assert_eq!(results[0], Ok((known.id, false)));
    assert!(matches!(results[1], Ok((_, true))));
    assert_eq!(results[2].as_ref().unwrap_err()[0].code, "email_invalid");
    assert_eq!(results[3].as_ref().unwrap_err()[0].code, "email_repeated");
    assert!(matches!(results[4], Ok((_, true))));
    let ines = t.leads().get(known.id).await.unwrap();
    assert_eq!((ines.title.as_deref(), ines.phone.as_deref()), (Some("Analyst"), Some("1")));
}

#[tokio::test]
async fn another_company_sees_and_changes_nothing() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let secret = t
        .leads()
        .create(
            LeadInput { tags: vec!["secret".into()], country: Some("DE".into()), ..lead("ines@corvus.example") },
            LeadSource::Manual,
        )
        .await
        .unwrap();
    t.commit().await.unwrap();

    let mut t = db.tenant(&other.owner).await.unwrap();
    let (id, page) = (secret.id, PageRequest::default());
    fn not_found<T: std::fmt::Debug>(result: Result<T, Error>) {
        assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    }
    not_found(t.leads().get(id).await);
    not_found(t.leads().update(id, lead("x@b.example"), None).await);
    not_found(t.leads().set_status(id, LeadStatus::Lost).await);
    not_found(t.leads().assign(id, None).await);
    not_found(t.leads().delete(id).await);
    not_found(t.leads().timeline(id, &page).await);
    not_found(t.leads().notes(id).await);
    not_found(t.leads().add_note(id, "hello").await);
    assert_eq!(t.leads().find_by_email(&EmailAddress::parse("ines@corvus.example").unwrap()).await.unwrap(), None);
    assert!(t.leads().tags().await.unwrap().is_empty());
    assert!(t.leads().countries().await.unwrap().is_empty());
    for filter in [
        LeadFilter::default(),
        LeadFilter { q: Some("ines".into()), ..LeadFilter::default() },
        LeadFilter { tag: vec!["secret".into()], ..LeadFilter::default() },
    ] {
        assert!(t.leads().list(&filter, LeadSort::default(), &page).await.unwrap().items.is_empty());
        assert_eq!(t.leads().count(&filter).await.unwrap().value, 0);
    }
    let done =
        t.leads().bulk(&LeadSelection::Ids(vec![id, LeadId(uuid::Uuid::nil())]), &BulkAction::Delete).await.unwrap();
    assert_eq!(done.selected, 0);
    // The same address is another lead here.
    t.leads().create(lead("ines@corvus.example"), LeadSource::Manual).await.unwrap();
    t.commit().await.unwrap();
    let mut t = db.tenant(&acme.owner).await.unwrap();
    assert_eq!(t.leads().get(id).await.unwrap().version, 1);
}
