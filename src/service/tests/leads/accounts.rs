//! Accounts, and what their leads take over from them.

use crate::support::{conflict, lead};
use domain::{
    PageRequest, Role,
    accounts::{AccountFilter, AccountInput},
    leads::{LeadFilter, LeadInput, LeadSort, LeadSource},
};
use service::Error;

fn account(name: &str) -> AccountInput {
    AccountInput { name: name.to_owned(), ..AccountInput::default() }
}

#[tokio::test]
async fn a_change_of_an_account_reaches_its_leads() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let ines = t
        .leads()
        .create(LeadInput { account: Some("Corvus".into()), ..lead("ines@b.example") }, LeadSource::Manual)
        .await
        .unwrap();
    let corvus = ines.account_id.unwrap();
    let again = t
        .leads()
        .create(LeadInput { account: Some("CORVUS".into()), ..lead("jonas@b.example") }, LeadSource::Manual)
        .await
        .unwrap();
    assert_eq!(again.account_id, Some(corvus));

    let change = AccountInput { employees: Some(200), ..account("Halden") };
    let changed = t.accounts().update(corvus, change, Some(1)).await.unwrap();
    assert_eq!((changed.leads, changed.best_score, changed.version), (2, Some(ines.score + 18), 2));
    let found = LeadFilter { q: Some("halden".into()), ..LeadFilter::default() };
    let page = t.leads().list(&found, LeadSort::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert_eq!(page.items[0].account_name.as_deref(), Some("Halden"));

    t.accounts().delete(corvus).await.unwrap();
    assert_eq!(t.leads().count(&found).await.unwrap().value, 0);
    let ines = t.leads().get(ines.id).await.unwrap();
    assert_eq!((ines.account_id, ines.version), (None, 1));
}

#[tokio::test]
async fn accounts_are_listed_by_name_a_page_at_a_time() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    for name in ["delta", "Alpha", "charlie", "Bravo"] {
        t.accounts().create(account(name)).await.unwrap();
    }
    let mut request = PageRequest { per: Some(3), ..PageRequest::default() };
    let first = t.accounts().list(&AccountFilter::default(), &request).await.unwrap();
    request.after = first.next.clone();
    let second = t.accounts().list(&AccountFilter::default(), &request).await.unwrap();
    let names: Vec<_> = first.items.iter().chain(&second.items).map(|a| a.name.as_str()).collect();
    assert_eq!((names, second.next), (vec!["Alpha", "Bravo", "charlie", "delta"], None));
    let some = AccountFilter { q: Some("AR".into()) };
    assert_eq!(t.accounts().list(&some, &PageRequest::default()).await.unwrap().items[0].name, "charlie");
}

#[tokio::test]
async fn conflicts_rights_and_other_companies() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let member = acme.member(Role::Member).await;
    let mut t = db.tenant(&acme.owner).await.unwrap();
    let corvus = t.accounts().create(account("Corvus")).await.unwrap();
    assert_eq!(conflict(t.accounts().update(corvus.id, account("Corvus"), Some(9)).await), "stale");
    t.commit().await.unwrap();

    let mut t = db.tenant(&acme.owner).await.unwrap();
    assert_eq!(conflict(t.accounts().create(account("corvus")).await), "name_taken");

    let mut t = db.tenant(&member).await.unwrap();
    assert!(matches!(t.accounts().delete(corvus.id).await, Err(Error::Forbidden(_))));

    let mut t = db.tenant(&other.owner).await.unwrap();
    assert!(matches!(t.accounts().get(corvus.id).await, Err(Error::NotFound(_))));
    assert!(matches!(t.accounts().update(corvus.id, account("X"), None).await, Err(Error::NotFound(_))));
    assert!(matches!(t.accounts().delete(corvus.id).await, Err(Error::NotFound(_))));
    assert!(t.accounts().list(&AccountFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty());
    t.accounts().create(account("Corvus")).await.unwrap();
}
