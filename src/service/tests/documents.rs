//! Documents: facts of any shape, their versions, what is found of them, and who may keep them.

use domain::{
    PageRequest, Role,
    documents::{DocumentFilter, DocumentInput, MAX_BODY},
    leads::{LeadInput, LeadSource},
};
use serde_json::{Value, json};
use service::{Error, Tenant};

fn input(collection: &str, key: &str, body: Value) -> DocumentInput {
    DocumentInput {
        collection: collection.to_owned(),
        key: key.to_owned(),
        title: String::new(),
        body: body.as_object().cloned().expect("an object"),
        outside: false,
        lead: None,
        account: None,
    }
}

async fn keys(t: &mut Tenant, filter: DocumentFilter) -> Vec<String> {
    let page = t.documents().list(&filter, &PageRequest::default()).await.expect("a list");
    let mut keys: Vec<_> = page.items.into_iter().map(|document| document.key).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn every_change_is_a_version_and_the_old_ones_stay() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let first = t.documents().create(input("competitors", "corvus", json!({"price": 10}))).await.expect("made");
    assert_eq!((first.version, first.body["price"].clone()), (1, json!(10)));
    let same = input("competitors", " corvus ", json!({"price": 10}));
    assert_eq!(t.documents().update(first.id, same, Some(1)).await.expect("fine").version, 1, "the same is no version");
    let changed = input("competitors", "corvus", json!({"price": 12, "since": {"year": 2026}}));
    let second = t.documents().update(first.id, changed.clone(), Some(1)).await.expect("changed");
    assert_eq!((second.version, second.body["since"]["year"].clone()), (2, json!(2026)));
    let stale = t.documents().update(first.id, input("competitors", "corvus", json!({})), Some(1)).await;
    assert!(matches!(stale, Err(Error::Conflict(p)) if p.code == "stale"));
    let versions: Vec<_> =
        t.documents().versions(first.id).await.expect("a list").into_iter().map(|v| v.version).collect();
    assert_eq!(versions, [2, 1]);
    assert_eq!(t.documents().version(first.id, 1).await.expect("kept").body["price"], json!(10));
    assert!(matches!(t.documents().version(first.id, 3).await, Err(Error::NotFound("version"))));
    assert_eq!(t.documents().find("competitors", "corvus").await.expect("asked").expect("there").id, first.id);
    t.commit().await.expect("kept");

    let mut t = db.tenant(&acme.owner).await.expect("open");
    let taken = t.documents().create(changed).await;
    assert!(matches!(taken, Err(Error::Conflict(p)) if p.code == "key_taken"));
    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.documents().delete(first.id).await.expect("deleted");
    assert!(matches!(t.documents().get(first.id).await, Err(Error::NotFound("document"))));
}

#[tokio::test]
async fn documents_are_found_by_a_part_of_them() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let lead = LeadInput { email: Some("ines@corvus.example".to_owned()), ..LeadInput::default() };
    let lead = t.leads().create(lead, LeadSource::Manual).await.expect("made").id;
    let about = DocumentInput { lead: Some(lead), ..input("needs", "ines", json!({"wants": ["lenses", "mirrors"]})) };
    t.documents().create(about).await.expect("made");
    for (key, country) in [("a", "DE"), ("b", "FR"), ("c", "DE")] {
        let body = json!({"at": {"country": country}, "size": 3});
        t.documents().create(input("fairs", key, body)).await.expect("made");
    }
    let part = |part: Value| DocumentFilter { contains: Some(part), ..DocumentFilter::default() };
    assert_eq!(keys(&mut t, part(json!({"at": {"country": "DE"}}))).await, ["a", "c"]);
    assert_eq!(keys(&mut t, part(json!({"wants": ["mirrors"]}))).await, ["ines"]);
    let fairs = DocumentFilter { collection: Some("fairs".to_owned()), ..part(json!({"size": 3})) };
    assert_eq!(keys(&mut t, fairs).await, ["a", "b", "c"]);
    let of_lead = DocumentFilter { lead: Some(lead), ..DocumentFilter::default() };
    assert_eq!(keys(&mut t, of_lead.clone()).await, ["ines"]);
    assert_eq!(t.documents().collections().await.expect("a list"), ["fairs", "needs"]);

    t.leads().delete(lead).await.expect("deleted");
    assert_eq!(keys(&mut t, of_lead).await, [] as [&str; 0]);
    assert!(t.documents().find("needs", "ines").await.expect("asked").is_some(), "the document outlives the lead");
}

#[tokio::test]
async fn viewers_read_and_nobody_reaches_into_another_company() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let lead = LeadInput { email: Some("ines@corvus.example".to_owned()), ..LeadInput::default() };
    let lead = t.leads().create(lead, LeadSource::Manual).await.expect("made").id;
    let document = t.documents().create(input("fairs", "a", json!({"at": "DE"}))).await.expect("made");
    t.commit().await.expect("kept");

    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.expect("open");
    assert_eq!(t.documents().get(document.id).await.expect("everybody reads"), document);
    assert!(matches!(t.documents().create(input("fairs", "b", json!({}))).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.documents().delete(document.id).await, Err(Error::Forbidden(_))));

    let mut t = db.tenant(&other.owner).await.expect("open");
    let at = DocumentFilter { contains: Some(json!({"at": "DE"})), ..DocumentFilter::default() };
    assert_eq!(keys(&mut t, at).await, [] as [&str; 0], "the search knows whose documents it looks at");
    assert!(matches!(t.documents().get(document.id).await, Err(Error::NotFound("document"))));
    assert!(matches!(t.documents().versions(document.id).await, Err(Error::NotFound("document"))));
    let mine = input("fairs", "a", json!({}));
    assert!(matches!(t.documents().update(document.id, mine.clone(), None).await, Err(Error::NotFound("document"))));
    let about = DocumentInput { lead: Some(lead), ..mine.clone() };
    assert!(matches!(t.documents().create(about).await, Err(Error::NotFound("lead"))));
    t.documents().create(mine).await.expect("each company has keys of its own");
}

#[tokio::test]
async fn what_cannot_be_kept_is_told() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    for wrong in [
        input("Fairs", "a", json!({})),
        input("fairs", "", json!({})),
        input("fairs", "a", json!({"text": "x".repeat(MAX_BODY)})),
        input("fairs", "a", json!({"text": "a\0b"})),
    ] {
        let mut t = db.tenant(&acme.owner).await.expect("open");
        assert!(matches!(t.documents().create(wrong).await, Err(Error::Invalid(_))));
    }
}
