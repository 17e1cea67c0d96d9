//! The library of texts: versions that are never edited, a list that is searched, and who may write.

use std::collections::BTreeMap;

use domain::{
    PageRequest, Role,
    campaigns::CampaignInput,
    content::{ContentFilter, ContentInput, ContentKind, MAX_FILE},
};
use service::{Error, Tenant};

fn text(kind: ContentKind, title: &str, body: &str) -> ContentInput {
    ContentInput { kind, title: title.to_owned(), body: body.to_owned(), metadata: BTreeMap::new(), campaign: None }
}

fn post(title: &str, body: &str) -> ContentInput {
    text(ContentKind::Blog, title, body)
}

async fn titles(t: &mut Tenant, filter: ContentFilter) -> Vec<String> {
    let page = t.content().list(&filter, &PageRequest::default()).await.expect("a list");
    page.items.into_iter().map(|item| item.title).collect()
}

#[tokio::test]
async fn every_change_is_a_version_and_the_old_ones_stay() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let colleague = acme.member(Role::Member).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let first = t.content().create(post("Drift", "One.\r\nTwo.\r\n")).await.expect("made");
    assert_eq!((first.version, first.body.as_str()), (1, "One.\nTwo."));
    assert_eq!((&first.agent, first.run), (&None, None), "no agent made it");
    assert_eq!(first.author, acme.owner.to_string());
    let same = t.content().update(first.id, post("Drift", "One.\nTwo."), Some(1)).await.expect("fine");
    assert_eq!(same.version, 1, "the same words make no version");
    t.commit().await.expect("kept");

    let mut t = db.tenant(&colleague).await.expect("open");
    let second = t.content().update(first.id, post("Drift, again", "Three."), Some(1)).await.expect("fine");
    assert_eq!((second.version, second.body.as_str(), &second.author), (2, "Three.", &first.author));
    let stale = t.content().update(first.id, post("Drift", "Four."), Some(1)).await;
    assert!(matches!(stale, Err(Error::Conflict(p)) if p.code == "stale"));
    let versions = t.content().versions(first.id).await.expect("a list");
    let versions: Vec<_> = versions.into_iter().map(|v| (v.version, v.title, v.author)).collect();
    assert_eq!(
        versions,
        [(2, "Drift, again".to_owned(), colleague.to_string()), (1, "Drift".to_owned(), acme.owner.to_string())]
    );
    let old = t.content().version(first.id, 1).await.expect("a version");
    assert_eq!((old.title.as_str(), old.body.as_str()), ("Drift", "One.\nTwo."));
    assert!(matches!(t.content().version(first.id, 9).await, Err(Error::NotFound("version"))));

    let facts = BTreeMap::from([("channel".to_owned(), "newsletter".to_owned())]);
    let more = ContentInput { metadata: facts.clone(), ..post("Drift, again", "Three.") };
    let third = t.content().update(first.id, more, None).await.expect("fine");
    assert_eq!((third.version, third.metadata), (3, facts), "a fact about it is a change");
}

#[tokio::test]
async fn the_library_is_searched_by_kind_and_by_beginnings_of_words() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    for (kind, title) in [
        (ContentKind::Blog, "Drift of optical sensors"),
        (ContentKind::Social, "Sensors, in three lines"),
        (ContentKind::Report, "100% of the audience"),
    ] {
        t.content().create(text(kind, title, "Text of Zoë’s team.")).await.expect("made");
    }
    let words = |q: &str| ContentFilter { q: Some(q.to_owned()), ..ContentFilter::default() };
    let all = ["100% of the audience", "Sensors, in three lines", "Drift of optical sensors"];
    assert_eq!(titles(&mut t, ContentFilter::default()).await, all, "the last changed first");
    assert_eq!(titles(&mut t, words("  ")).await, all);
    assert_eq!(titles(&mut t, words("SENSORS drift")).await, all[2..], "in any order");
    assert_eq!(titles(&mut t, words("drif opt")).await, all[2..], "by their beginnings");
    assert_eq!(titles(&mut t, words("zoë")).await, all, "in the body");
    assert_eq!(titles(&mut t, words("rift")).await, [""; 0]);
    for odd in ["sensors'", "a'b\\'c", "x & !y | (z)", "<->", ":*", "\\"] {
        titles(&mut t, words(odd)).await;
    }
    assert_eq!(titles(&mut t, words("!sensors")).await, all[1..], "a sign is no operator");
    let social = ContentFilter { kind: Some(ContentKind::Social), ..words("sensors") };
    assert_eq!(titles(&mut t, social).await, all[1..2]);

    let mut page = PageRequest { per: Some(2), ..PageRequest::default() };
    let first = t.content().list(&ContentFilter::default(), &page).await.expect("a page");
    page.after = first.next.clone();
    let second = t.content().list(&ContentFilter::default(), &page).await.expect("a page");
    let seen: Vec<_> = first.items.iter().chain(&second.items).map(|item| item.title.as_str()).collect();
    assert_eq!((seen, second.next), (all.to_vec(), None));
    page.after = Some("nonsense".to_owned());
    assert!(matches!(t.content().list(&ContentFilter::default(), &page).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_text_outlives_its_campaign_and_not_its_deletion() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let campaign = CampaignInput { name: Some("Fair".to_owned()), ..CampaignInput::default() };
    let campaign = t.campaigns().create(campaign).await.expect("made").id;
    let of_campaign = |campaign| ContentInput { campaign: Some(campaign), ..post("Invitation", "Come.") };
    let item = t.content().create(of_campaign(campaign)).await.expect("made");
    assert_eq!((item.campaign, item.campaign_name.as_deref()), (Some(campaign), Some("Fair")));
    t.campaigns().delete(campaign).await.expect("deleted");
    assert_eq!(t.content().get(item.id).await.expect("there").campaign, None);
    let gone = t.content().create(of_campaign(campaign)).await;
    assert!(matches!(gone, Err(Error::NotFound("campaign"))));

    t.content().delete(item.id).await.expect("deleted");
    assert!(matches!(t.content().get(item.id).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().versions(item.id).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().update(item.id, post("a", "b"), None).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().delete(item.id).await, Err(Error::NotFound("text"))));
    assert!(titles(&mut t, ContentFilter::default()).await.is_empty());
}

#[tokio::test]
async fn viewers_read_and_other_companies_see_nothing() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let item = t.content().create(post("Drift", "One.")).await.expect("made");
    t.commit().await.expect("kept");

    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&viewer).await.expect("open");
    assert_eq!(t.content().get(item.id).await.expect("everybody reads").title, "Drift");
    assert!(matches!(t.content().create(post("a", "b")).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.content().update(item.id, post("a", "b"), None).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.content().delete(item.id).await, Err(Error::Forbidden(_))));

    let mut t = db.tenant(&other.owner).await.expect("open");
    assert!(matches!(t.content().get(item.id).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().version(item.id, 1).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().update(item.id, post("a", "b"), None).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().delete(item.id).await, Err(Error::NotFound("text"))));
    assert!(titles(&mut t, ContentFilter::default()).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_kept_is_told() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let facts = BTreeMap::from([("a".to_owned(), "\0".to_owned())]);
    for wrong in [
        post("", "Text."),
        post("Title", " "),
        post("Title", "a\0b"),
        ContentInput { metadata: facts, ..post("Title", "Text.") },
    ] {
        let mut t = db.tenant(&acme.owner).await.expect("open");
        assert!(matches!(t.content().create(wrong.clone()).await, Err(Error::Invalid(_))), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_text_has_one_file_that_is_what_its_first_bytes_say() {
    let db = testing::db().await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    let viewer = acme.member(Role::Viewer).await;
    let mut t = db.tenant(&acme.owner).await.expect("open");
    let item = t.content().create(text(ContentKind::Image, "Drift", "A bench with a lens.")).await.expect("made");
    assert_eq!(item.file, None);
    assert!(matches!(t.content().file(item.id).await, Err(Error::NotFound("file"))));
    let png = b"\x89PNG\r\n\x1a\n and so on";
    let item = t.content().attach(item.id, "C:\\drafts\\drift.html", png).await.expect("taken");
    let file = item.file.expect("a file");
    assert_eq!((file.name.as_str(), file.media_type.as_str(), file.size), ("drift.html", "image/png", 18));
    assert_eq!((file.author, item.version), (acme.owner.to_string(), 1), "the words are the same");
    t.content().attach(item.id, "drift.pdf", b"%PDF-1.7 and so on").await.expect("it takes the place of the first");
    let (file, bytes) = t.content().file(item.id).await.expect("a file");
    assert_eq!((file.media_type.as_str(), bytes.as_slice()), ("application/pdf", b"%PDF-1.7 and so on".as_slice()));

    for (name, bytes, code) in [
        ("a.png", b"".as_slice(), "file_missing"),
        ("a.png", b"<svg onload=alert(1)>", "file_kind"),
        ("a.png", b"<!doctype html><script>alert(1)</script>", "file_kind"),
        ("a.png", b"MZ\x90\0", "file_kind"),
        ("a.png", &vec![0; MAX_FILE + 1], "file_large"),
        ("", png, "name_invalid"),
    ] {
        let refused = t.content().attach(item.id, name, bytes).await;
        assert!(matches!(&refused, Err(Error::Invalid(p)) if p[0].code == code), "{code}: {refused:?}");
    }
    t.commit().await.expect("kept");

    let mut t = db.tenant(&viewer).await.expect("open");
    assert_eq!(t.content().file(item.id).await.expect("everybody reads").1.len(), 18);
    assert!(matches!(t.content().attach(item.id, "a.png", png).await, Err(Error::Forbidden(_))));
    assert!(matches!(t.content().detach(item.id).await, Err(Error::Forbidden(_))));
    let mut t = db.tenant(&other.owner).await.expect("open");
    assert!(matches!(t.content().file(item.id).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().attach(item.id, "a.png", png).await, Err(Error::NotFound("text"))));
    assert!(matches!(t.content().detach(item.id).await, Err(Error::NotFound("text"))));

    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.content().detach(item.id).await.expect("removed");
    assert!(matches!(t.content().detach(item.id).await, Err(Error::NotFound("file"))));
    assert_eq!(t.content().get(item.id).await.expect("the text stays").file, None);
}
