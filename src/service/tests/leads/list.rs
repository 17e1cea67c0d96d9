//! The lead list against a naive reading of the same rows: every filter, every order, both
//! directions, over ties and missing names.

use std::collections::BTreeSet;

use crate::support::lead;
use chrono::NaiveDate;
use domain::{
    LeadId, PageRequest, Role,
    leads::{Lead, LeadFilter, LeadInput, LeadSelection, LeadSort, LeadSource, LeadStatus},
    suppressions::SuppressionTarget,
};
use service::{Actor, Tenant};
use testing::TestDb;

/// Thirty leads with few different values, so that most rows tie with others.
async fn crowd(db: &TestDb, owner: &Actor, colleague: &Actor) -> Vec<Lead> {
    let mut t = db.tenant(owner).await.unwrap();
    let mut leads = Vec::new();
    for n in 0..30 {
        let input = LeadInput {
            email: (n % 5 != 0).then(|| format!("lead{n}@{}.example", ["corvus", "halden"][n % 2])),
            first_name: (n % 3 != 0 || n % 5 == 0).then(|| ["Ines", "Ärne", "jonas"][n % 3].to_owned()),
            last_name: (n % 4 != 0).then(|| "Müller".to_owned()),
            title: [None, Some("CEO"), Some("Analyst")][n % 3].map(str::to_owned),
            account: (n % 2 == 0 || n % 5 == 0).then(|| ["Corvus", "Halden 100%"][n / 2 % 2].to_owned()),
            country: [None, Some("DE"), Some("CH")][n % 3].map(str::to_owned),
            status: Some([LeadStatus::New, LeadStatus::Working, LeadStatus::Lost][n % 3]),
            owner_id: [owner.user_id(), colleague.user_id()][n % 2],
            tags: [vec![], vec!["a".to_owned()], vec!["a".to_owned(), "b c".to_owned()]][n % 3].clone(),
            ..LeadInput::default()
        };
        let source = [LeadSource::Manual, LeadSource::Api][n % 2];
        let made = t.leads().create(input, source).await.unwrap();
        if n % 7 == 0 {
            t.leads().assign(made.id, None).await.unwrap();
        }
        // The clock stands, so created and activity tie in groups of ten.
        if n % 10 == 9 {
            db.clock().advance(chrono::Duration::days(1));
        }
        leads.push(made.id);
    }
    let mut crowd = Vec::new();
    for id in leads {
        crowd.push(t.leads().get(id).await.unwrap());
    }
    t.commit().await.unwrap();
    crowd
}

fn start() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

/// What the list sorts by, worked out the slow way.
fn key(lead: &Lead, sort: LeadSort) -> (i64, String, LeadId) {
    let (number, text) = match sort.to_string().trim_start_matches('-') {
        "score" => (i64::from(lead.score), String::new()),
        "name" => (0, lead.display_name().to_lowercase().replace('ä', "a").replace('ü', "u")),
        "created" => (lead.created_at.timestamp_micros(), String::new()),
        _ => (lead.last_activity_at.timestamp_micros(), String::new()),
    };
    (number, text, lead.id)
}

async fn walk(t: &mut Tenant, filter: &LeadFilter, sort: LeadSort, per: i64) -> Vec<LeadId> {
    let mut seen = Vec::new();
    let mut request = PageRequest { per: Some(per), ..PageRequest::default() };
    let mut last;
    loop {
        let page = t.leads().list(filter, sort, &request).await.unwrap();
        seen.extend(page.items.iter().map(|l| l.id));
        last = page.clone();
        match page.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    // Back again from the last page: the same rows in the same order.
    let mut back: Vec<LeadId> = last.items.iter().map(|l| l.id).collect();
    while let Some(before) = last.previous.take() {
        let request = PageRequest { before: Some(before), per: Some(per), ..PageRequest::default() };
        last = t.leads().list(filter, sort, &request).await.unwrap();
        back.splice(0..0, last.items.iter().map(|l| l.id));
    }
    assert_eq!(back, seen, "backwards by {sort}");
    seen
}

#[tokio::test]
async fn every_order_is_kept_forwards_and_backwards() {
    let db = testing::db_at(start()).await;
    let acme = db.company("Acme").await;
    let colleague = acme.member(Role::Manager).await;
    let crowd = crowd(&db, &acme.owner, &colleague).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    for text in ["score", "-score", "name", "-name", "created", "-created", "activity", "-activity"] {
        let sort = LeadSort::parse(text).unwrap();
        let mut expected: Vec<_> = crowd.iter().map(|lead| key(lead, sort)).collect();
        expected.sort();
        if sort.descending {
            expected.reverse();
        }
        let expected: Vec<_> = expected.into_iter().map(|(_, _, id)| id).collect();
        for per in [1, 7, 100] {
            assert_eq!(walk(&mut t, &LeadFilter::default(), sort, per).await, expected, "{text}, {per} a page");
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let db = testing::db_at(start()).await;
    let acme = db.company("Acme").await;
    let colleague = acme.member(Role::Manager).await;
    crowd(&db, &acme.owner, &colleague).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let request = PageRequest { per: Some(5), ..PageRequest::default() };
    let next = t.leads().list(&LeadFilter::default(), LeadSort::default(), &request).await.unwrap().next;
    let request = PageRequest { after: next, ..request };
    let refused = t.leads().list(&LeadFilter::default(), LeadSort::parse("name").unwrap(), &request).await;
    assert!(matches!(refused, Err(service::Error::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    let db = testing::db_at(start()).await;
    let acme = db.company("Acme").await;
    let colleague = acme.member(Role::Manager).await;
    let crowd = crowd(&db, &acme.owner, &colleague).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let me = acme.owner_id;
    let halden = crowd.iter().find(|l| l.account_name.as_deref() == Some("Halden 100%")).unwrap().account_id.unwrap();
    let second_day: NaiveDate = (start() + chrono::Duration::days(1)).date_naive();
    let says = |lead: &Lead, word: &str| {
        [&lead.first_name, &lead.last_name, &lead.title, &lead.account_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .chain(lead.email.as_ref().map(domain::EmailAddress::as_str))
            .any(|part| part.to_lowercase().contains(word))
    };
    type Test<'a> = Box<dyn Fn(&Lead) -> bool + 'a>;
    let cases: Vec<(Vec<(&str, String)>, Test<'_>)> = vec![
        (vec![("q", "MULLER".into())], Box::new(|l| says(l, "müller"))),
        (vec![("q", "corvus ines".into())], Box::new(|l| says(l, "corvus") && says(l, "ines"))),
        (vec![("q", "100%".into())], Box::new(|l| says(l, "100%"))),
        (vec![("q", "c_o".into())], Box::new(|_| false)),
        (vec![("q", "ce".into())], Box::new(|l| l.title.as_deref() == Some("CEO"))),
        (vec![("f.status.is", "new".into())], Box::new(|l| l.status == LeadStatus::New)),
        (vec![("f.status.is", "new,lost".into())], Box::new(|l| l.status != LeadStatus::Working)),
        (vec![("f.owner.is", me.to_string())], Box::new(|l| l.owner_id == Some(me))),
        (vec![("f.owner.empty", "true".into())], Box::new(|l| l.owner_id.is_none())),
        (
            vec![("f.owner.is", me.to_string()), ("f.owner.empty", "true".into())],
            Box::new(|l| l.owner_id.is_none() || l.owner_id == Some(me)),
        ),
        (vec![("f.score.gte", "40".into())], Box::new(|l| l.score >= 40)),
        (vec![("f.score.lte", "40".into())], Box::new(|l| l.score <= 40)),
        (vec![("f.country.is", "de".into())], Box::new(|l| l.country.as_deref() == Some("DE"))),
        (vec![("f.country.is", "DE,CH".into())], Box::new(|l| l.country.is_some())),
        (vec![("f.tag.has", "a".into())], Box::new(|l| l.tags.contains(&"a".to_owned()))),
        (vec![("f.tag.has", "b c,x".into())], Box::new(|l| l.tags.contains(&"b c".to_owned()))),
        (vec![("f.source.is", "api".into())], Box::new(|l| l.source == LeadSource::Api)),
        (vec![("f.account.is", halden.to_string())], Box::new(|l| l.account_id == Some(halden))),
        (vec![("f.created.after", second_day.to_string())], Box::new(|l| l.created_at.date_naive() >= second_day)),
        (vec![("f.created.before", second_day.to_string())], Box::new(|l| l.created_at.date_naive() < second_day)),
        (vec![("f.campaign.empty", "true".into())], Box::new(|_| true)),
        (vec![("f.campaign.is", uuid::Uuid::nil().to_string())], Box::new(|_| false)),
        (
            vec![("q", "corvus".into()), ("f.status.is", "lost".into()), ("f.tag.has", "a".into())],
            Box::new(|l| says(l, "corvus") && l.status == LeadStatus::Lost && l.tags.contains(&"a".to_owned())),
        ),
    ];
    for (pairs, test) in cases {
        let filter = LeadFilter::from_pairs(pairs.iter().map(|(k, v)| (*k, v.as_str()))).unwrap();
        let expected: BTreeSet<_> = crowd.iter().filter(|l| test(l)).map(|l| l.id).collect();
        for sort in ["-score", "name"] {
            let found = walk(&mut t, &filter, LeadSort::parse(sort).unwrap(), 4).await;
            assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected, "{pairs:?} by {sort}");
            assert_eq!(found.len(), expected.len(), "{pairs:?}: no row twice");
        }
        let count = t.leads().count(&filter).await.unwrap();
        assert_eq!((usize::try_from(count.value).unwrap(), count.more), (expected.len(), false), "{pairs:?}");
        // The audience of a campaign is the same set by another way.
        let tag = domain::leads::BulkAction::RemoveTag { tag: "unused".into() };
        let selected = t.leads().bulk(&LeadSelection::Filter(filter), &tag).await.unwrap().selected;
        assert_eq!(usize::try_from(selected).unwrap(), expected.len(), "{pairs:?} as a selection");
    }
}

#[tokio::test]
async fn a_suppressed_address_is_marked_in_the_list() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    for email in ["a@b.example", "c@d.example", "e@f.example"] {
        t.leads().create(lead(email), LeadSource::Manual).await.unwrap();
    }
    let targets = ["a@b.example", "d.example"].map(|raw| SuppressionTarget::parse(raw).unwrap());
    t.suppressions().add(&targets, None).await.unwrap();
    let sort = LeadSort::parse("name").unwrap();
    let page = t.leads().list(&LeadFilter::default(), sort, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|l| l.suppressed).collect::<Vec<_>>(), [true, true, false]);
}
